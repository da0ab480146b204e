"""Dataset statistics: clips, durations, labels, groups, sizes of images, mean and std of spectrograms."""

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
from pydantic import Field

from avtool.core.errors import BadInputError
from avtool.core.files import write_json
from avtool.core.recipe import Recipe, option
from avtool.core.reporter import Reporter
from avtool.core.requirements import is_installed
from avtool.data.dataset import open_dataset
from avtool.data.folds import Folds
from avtool.data.image_statistics import ImageSizes, image_sizes
from avtool.data.inputs.settings import AudioSettings
from avtool.data.manifest import Manifest, holds_annotations
from avtool.data.spectrogram_statistics import FbankStatistics, fbank_statistics
from avtool.media.still_images import is_image

_ROWS = 1 << 20  # that are counted at a time


class StatsRecipe(Recipe):
    """`avtool stats`."""

    split: str | None = option(
        None, "Split to describe; by default `train`, or all clips where there is none.", flag="--split"
    )
    split_column: str = option("split", "Column that names the splits.")
    folds: Folds | None = option(None, "Folds to describe: 1,2,5 or 1-4.", flag="--folds")
    fbank: bool = option(
        True,
        "Mean and std of the spectrograms, which decodes all audio, and sizes of images.",
        flag="--fbank",
    )
    bins: int = option(20, "Bins of the duration histogram.", ge=1, le=1000)
    audio: AudioSettings = Field(default_factory=AudioSettings)


@dataclass(frozen=True)
class Bin:
    """How many clips last from `start` up to `end` seconds; the last bin includes its end."""

    start: float
    end: float
    clips: int


@dataclass(frozen=True)
class DatasetStatistics:
    """A dataset, or a part of it, in numbers.

    Attributes:
        dataset: its folder.
        split, folds: the part; None for all.
        clips, hours, groups: how much there is.
        shortest, median, longest: lengths of clips in seconds.
        durations: histogram of the lengths.
        labels: how many clips have each label, the most frequent first.
        leaking_groups: groups in more than one split or fold of the whole dataset.
        sizes: of the images among the clips, or None.
        fbank: mean and standard deviation of the spectrograms of the others, or None.
        audio: settings of the spectrograms.
    """

    dataset: Path
    split: str | None
    folds: tuple[int, ...] | None
    clips: int
    hours: float
    groups: int
    shortest: float
    median: float
    longest: float
    durations: list[Bin]
    labels: list[tuple[str, int]]
    leaking_groups: list[str]
    sizes: ImageSizes | None
    fbank: FbankStatistics | None
    audio: dict[str, Any]

    @property
    def still(self) -> bool:
        """Whether all clips are images, which have no duration."""
        return self.sizes is not None and self.sizes.images == self.clips

    def to_dict(self) -> dict[str, Any]:
        """The statistics as a JSON object."""
        values = asdict(self) | {"dataset": str(self.dataset)}
        values["labels"] = [{"label": label, "clips": count} for label, count in self.labels]
        return values


def stats(
    dataset: Path, recipe: StatsRecipe, reporter: Reporter, *, jobs: int = 1, out: Path | None = None
) -> DatasetStatistics:
    """Counts and measures the clips of a split.

    Args:
        dataset: a `dataset` artifact, which stays as it is.
        recipe: the settings.
        reporter: gets progress, and a warning of groups in several splits.
        jobs: processes; -1 for one a processor.
        out: a JSON file to write the numbers to; None writes nothing.

    Raises:
        BadInputError: there is no such split, a clip cannot be read, or `out` exists. Annotations without
            media are counted all the same.
    """
    if out is not None and out.exists():
        raise BadInputError(f"`{out}` exists already", "choose another --out")
    manifest = open_dataset(dataset, media=False)
    leaks = leaking_groups(manifest)
    if leaks:
        reporter.warn(f"{len(leaks)} groups are in more than one split or fold, such as `{leaks[0]}`")
    split = recipe.split
    if split is None and recipe.folds is None and "train" in manifest.distinct(recipe.split_column):
        split = "train"
    part = _part(manifest, recipe, split)
    seconds = part.durations()
    result = DatasetStatistics(
        dataset=dataset,
        split=split,
        folds=recipe.folds,
        clips=len(part),
        hours=round(float(seconds.sum()) / 3600, 4),
        groups=len(part.distinct("group")),
        shortest=float(seconds.min()),
        median=float(np.median(seconds)),
        longest=float(seconds.max()),
        durations=duration_histogram(part, recipe.bins),
        labels=label_counts(part),
        leaking_groups=leaks,
        **_measured(part, recipe, reporter, jobs),
        audio=recipe.audio.model_dump(mode="json"),
    )
    if out is not None:
        write_json(out, result.to_dict())
    return result


def _measured(part: Manifest, recipe: StatsRecipe, reporter: Reporter, jobs: int) -> dict[str, Any]:
    """What the files are opened for: sizes of images, and spectrograms of all other clips."""
    none = {"sizes": None, "fbank": None}
    if not recipe.fbank:
        return none
    if holds_annotations(part.folder):
        reporter.info(
            f"`{part.origin}` holds annotations without media: spectrogram mean and std are skipped;"
            f" `avtool rebuild {part.origin} --films DIR --out DATASET` makes the clips again from the films"
        )
        return none
    still = np.array([is_image(Path(media)) for media in part.column("media")], bool)
    if still.any() or is_installed("torch"):
        part.check_media()
    return {
        "sizes": image_sizes(part.take(np.flatnonzero(still)), reporter) if still.any() else None,
        "fbank": None if still.all() else _fbank(part.take(np.flatnonzero(~still)), recipe, reporter, jobs),
    }


def _fbank(part: Manifest, recipe: StatsRecipe, reporter: Reporter, jobs: int) -> FbankStatistics | None:
    if not is_installed("torch"):
        reporter.info("spectrogram mean and std are skipped: they need torch (pip install 'avtool[learn]')")
        return None
    return fbank_statistics(part, recipe.audio, reporter, jobs=jobs)


def _part(manifest: Manifest, recipe: StatsRecipe, split: str | None) -> Manifest:
    if not len(manifest):
        raise BadInputError(f"`{manifest.origin}` has no clips", "prepare it again")
    if split is None and recipe.folds is None:
        return manifest
    return manifest.select(split, recipe.folds, recipe.split_column)


def duration_histogram(manifest: Manifest, num_bins: int = 20) -> list[Bin]:
    """Lengths of clips in equal bins from the shortest to the longest; one bin where all are alike."""
    seconds = manifest.durations()
    if not seconds.size:
        return []
    low, high = float(seconds.min()), float(seconds.max())
    if high - low < 1e-3:
        return [Bin(low, high, seconds.size)]
    counts, edges = np.histogram(seconds, num_bins)
    return [Bin(float(a), float(b), int(n)) for a, b, n in zip(edges, edges[1:], counts, strict=False)]


def label_counts(manifest: Manifest) -> list[tuple[str, int]]:
    """How many clips have each label, the most frequent first."""
    counts: Counter[str] = Counter()
    for batch in manifest.table.select(["labels"]).to_batches(max_chunksize=_ROWS):
        labels = batch.column(0)
        flat = labels.flatten().dictionary_encode()
        classes = flat.dictionary.to_pylist()
        pairs = pc.list_parent_indices(labels).to_numpy() * len(classes) + flat.indices.to_numpy()
        once = np.unique(pairs) % max(1, len(classes))  # a label that a clip has twice counts once
        for code, count in zip(*np.unique(once, return_counts=True), strict=True):
            counts[classes[code]] += int(count)
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def leaking_groups(manifest: Manifest) -> list[str]:
    """Groups (films or recordings) with clips in more than one split or fold, sorted."""
    places: dict[str, set[tuple[str, int | None]]] = {}
    for row in manifest.table.group_by(["group", "split", "fold"]).aggregate([]).to_pylist():
        if row["group"]:
            places.setdefault(row["group"], set()).add((row["split"], row["fold"]))
    return sorted(group for group, where in places.items() if len(where) > 1)
