"""The card of a shared dataset: what it holds, what it does not hold, and how its clips are made again."""

from collections.abc import Iterable
from dataclasses import dataclass

from avtool.data.sharing.annotations import Annotations
from avtool.data.sharing.public_table import splits_of

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_READ = {
    "hf": '```python\nfrom datasets import load_dataset\n\nclips = load_dataset("path/of/this/folder")\n```',
    "webdataset": "```python\nimport webdataset\n\n"
    'clips = webdataset.WebDataset("shards/00000.tar", shardshuffle=False).decode()\n```',
    "audioset-csv": "The lists have AudioSet's layout; a video id is the beginning of a film's SHA-256 in "
    "base64 (`videos.csv`), and `class_labels_indices.csv` names the labels.",
    "croissant": "```python\nimport mlcroissant\n\n"
    'clips = mlcroissant.Dataset(jsonld="croissant.json").records("clips")\n```',
    "sams": "The lists have the layout of the Subtitle-Aligned Movie Sounds, which `avtool prepare` reads.",
}


@dataclass(frozen=True)
class Facts:
    """What a publisher states of a dataset: its name, licence (an address or an SPDX name), and address."""

    name: str
    license: str
    url: str
    clips: int
    films: int
    hours: float

    @property
    def summary(self) -> str:
        """One sentence."""
        return (
            f"Annotations of {self.clips} clips ({self.hours:.2f} hours) from {self.films} films or"
            " recordings: times, phrases and labels, without audio or video"
        )

    @property
    def citation(self) -> str:
        """A BibTeX entry."""
        return f"@misc{{{self.name}, title={{{self.name}}}, howpublished={{{self.url}}}}}"


def facts_of(annotations: Annotations, license_name: str, url: str) -> Facts:
    """The facts of a dataset."""
    start, end = annotations.times()
    seconds = float((end - start).sum())
    films = len(annotations.films)
    return Facts(annotations.name, license_name, url, len(annotations), films, seconds / 3600)


def card_text(annotations: Annotations, layout: str, facts: Facts, skipped: int) -> str:
    """The card in Markdown, with the fields that dataset hubs read in front."""
    splits = splits_of(annotations)
    labels = annotations.names("labels")
    lines = "\n".join(f"| {name} | {len(rows)} |" for name, rows in splits.items())
    sections = [
        _front(layout, facts, splits),
        f"# {facts.name}",
        f"{facts.summary}; {len(labels)} classes.",
        f"| split | clips |\n|---|---|\n{lines}",
        f"{skipped} clips have no label, and this layout cannot hold them: `rebuild/` has them."
        if skipped
        else "",
        "## Reading",
        _READ[layout],
        "## The clips",
        "No audio and no video is in this folder. Who owns the films makes the clips again:",
        "```sh\navtool rebuild path/of/this/folder --films path/of/films --out dataset\n```",
        "Films are found by their content, wherever they lie (`rebuild/films.json` has their SHA-256); each "
        "clip that is cut is compared with the hash of the original one.",
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _front(layout: str, facts: Facts, splits: Iterable[str]) -> str:
    size = next((name for most, name in _SIZES if facts.clips < most), "1M<n<10M")
    name = facts.name.replace("'", "''")
    lines = ["---", f"pretty_name: '{name}'", *_license_lines(facts.license)]
    lines += ["task_categories:", "- audio-classification", "size_categories:", f"- {size}"]
    if layout == "hf":
        lines += ["configs:", "- config_name: default", "  data_files:"]
        for split in splits:
            lines += [f"  - split: {split}", f"    path: data/{split}-*.parquet"]
    return "\n".join([*lines, "---"])


def _license_lines(license_name: str) -> list[str]:
    """The licence as hubs read it: an identifier, or `other` with its address."""
    if "://" in license_name:
        return ["license: other", f"license_link: {license_name}"]
    return [f"license: {license_name.lower()}"]
