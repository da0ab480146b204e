"""The export of a dataset: annotations in another program's layout, without the media."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avtool.core.artifact import Artifact, Input
from avtool.core.artifact_folder import discard_partial, open_partial, publish
from avtool.core.errors import BadInputError
from avtool.core.files import sha256_of, write_csv, write_text
from avtool.core.reporter import Reporter
from avtool.data.manifest import find_manifest
from avtool.data.sharing import LayoutName
from avtool.data.sharing.annotations import Annotations, write_annotations
from avtool.data.sharing.card import card_text, facts_of
from avtool.data.sharing.collect import collect_annotations
from avtool.data.sharing.croissant import write_metadata
from avtool.data.sharing.layouts import LAYOUTS

README = "README.md"
_FILM_COLUMNS = ["film", "file", "sha256", "bytes", "seconds", "clips"]


@dataclass(frozen=True)
class SharedDataset:
    """What was written: its folder and layout, clips and films, and the clips that the layout cannot hold."""

    out: Path
    layout: str
    clips: int
    films: int
    skipped: int


def export_dataset(
    dataset: Path,
    layout: LayoutName,
    out: Path,
    reporter: Reporter,
    *,
    license_name: str = "other",
    url: str = "https://example.org",
    overwrite: bool = False,
) -> SharedDataset:
    """Writes the annotations of a dataset, and what `rebuild` needs to make its clips again.

    Neither media nor names of this machine's folders are written; equal datasets give equal bytes.

    Args:
        dataset: a `dataset` artifact.
        layout: what reads it.
        out: the folder to write.
        reporter: gets the number of clips that the layout cannot hold.
        license_name: of the annotations: an SPDX identifier, or an address.
        url: where the dataset is published.
        overwrite: replace an older export of another dataset, or in another layout.

    Raises:
        BadInputError: the dataset cannot be read, or `out` belongs to something else.
        MissingError: the layout needs a library that is not installed.
        SomeFailedError: mlcroissant refuses what was written.
    """
    for value, what in ((license_name, "licence"), (url, "address")):
        if not value.strip() or not value.isprintable():
            raise BadInputError(f"the {what} `{value!r:.80}` is no line of text", "give one, or leave it out")
    annotations = collect_annotations(dataset)
    content = sha256_of(find_manifest(dataset))
    settings = {"command": "export", "layout": layout, "license": license_name, "url": url}
    partial = open_partial(
        out, {**settings, "content": content}, kind="export", overwrite=overwrite, inputs=[dataset]
    )
    try:
        written = LAYOUTS[layout](partial, annotations)
        write_annotations(partial, annotations)
        facts = facts_of(annotations, license_name, url)
        if layout == "croissant":
            write_metadata(partial, facts)
        write_csv(partial / "films.csv", _FILM_COLUMNS, _film_rows(annotations))
        write_text(partial / README, card_text(annotations, layout, facts, written.skipped))
        inputs = [Input(annotations.name, "dataset", content)]
        command = f"avtool export {annotations.name} --to {layout}"
        publish(out, Artifact("export", command, settings, inputs=inputs))
    finally:
        discard_partial(partial)  # nothing to resume
    if written.skipped:
        reporter.info(f"{written.skipped} clips have no label, and {layout} cannot hold them")
    return SharedDataset(out, layout, written.clips, len(annotations.films), written.skipped)


def _film_rows(annotations: Annotations) -> Sequence[Sequence[object]]:
    counts = np.bincount(annotations.places, minlength=len(annotations.films)).tolist()
    return [
        [film.id, film.name, film.sha256, film.bytes or "", round(film.seconds, 3) or "", count]
        for film, count in zip(annotations.films, counts, strict=True)
    ]
