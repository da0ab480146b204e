"""The clips of a pretraining: to learn from, to measure the loss on, and those that cannot be used."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from avtool.core.artifact import Input, settings_hash
from avtool.core.files import sha256_of
from avtool.core.reporter import Reporter
from avtool.data.clip_filter import Skipped, Wanted, usable_clips
from avtool.data.dataset import dataset_content, shard_files
from avtool.data.image_folder import image_folder, is_image_folder
from avtool.data.inputs.settings import SpectrogramRecipe
from avtool.data.manifest import MANIFEST, Manifest, read_manifest
from avtool.data.sections import divide_long
from avtool.data.splits import choose_clips
from avtool.tasks.recipe import ClipsRecipe

if TYPE_CHECKING:
    from avtool.data.shards.source import ShardSource

_LONGEST = 10.0  # seconds
_ROW = "row of the dataset"
_SECTION = 60.0  # seconds; a longer film is as many clips as it has sections of that length


@dataclass(frozen=True)
class PretrainClips:
    """Clips by what is done with them.

    Attributes:
        whole: all usable clips of both: what is computed once is computed for them together.
        train: to learn from.
        val: to measure the loss on, or None.
        skipped: skipped, and why.
        shards: the source of audio and video of clips in shards; None for plain media.
    """

    whole: Manifest
    train: Manifest
    val: Manifest | None
    skipped: tuple[Skipped, ...]
    shards: "ShardSource | None" = None

    @property
    def counts(self) -> dict[str, int | str]:
        """How many clips there are of each, for the plan."""
        counts = {"train_clips": len(self.train), "val_clips": len(self.val or ())}
        return {**counts, "skipped_clips": len(self.skipped)}


def find_clips(
    dataset: Path, recipe: ClipsRecipe, wanted: Wanted, sample_rate: int, reporter: Reporter
) -> PretrainClips:
    """The clips of a dataset, split by the recipe.

    Args:
        dataset: a `dataset` artifact, its table, a folder of shards, or one of images.
        recipe: which clips.
        wanted: what a clip must have.
        sample_rate: that the sound of shards is given at.
        reporter: receives decisions.

    Raises:
        BadInputError: a split or fold is not there, or too many clips cannot be used.
    """
    manifest, shards = _open(dataset, sample_rate)
    rows = pa.array(np.arange(len(manifest)))
    chosen = choose_clips(_with_table(manifest, manifest.table.append_column(_ROW, rows)), recipe, reporter)
    train, skipped = usable_clips(chosen.train, wanted, recipe.max_bad, reporter)
    val: Manifest | None = None
    more: list[Skipped] = []
    if chosen.val is not None:
        val, more = usable_clips(chosen.val, wanted, recipe.max_bad, reporter)
    parts = [part for part in (train, val) if part is not None]
    whole = manifest.take(np.unique(np.concatenate([part.table[_ROW].to_numpy() for part in parts])))
    plain = [_with_table(part, part.table.drop_columns(_ROW)) for part in parts]
    return PretrainClips(whole, plain[0], plain[1] if val is not None else None, (*skipped, *more), shards)


def _with_table(clips: Manifest, table: pa.Table) -> Manifest:
    return Manifest(table, clips.folder, clips.origin)


def is_image_dataset(dataset: Path) -> bool:
    """Whether a dataset is a plain folder of images."""
    if not dataset.is_dir() or (dataset / MANIFEST).is_file() or shard_files(dataset):
        return False
    return is_image_folder(dataset)


def dataset_input(dataset: Path) -> Input:
    """A dataset by its content: of its table, of its file names, or of its shards' names and sizes.

    Raises:
        BadInputError: it is none.
    """
    manifest = dataset / MANIFEST
    if manifest.is_file():
        content = sha256_of(manifest)
    elif is_image_dataset(dataset):
        content = settings_hash(image_folder(dataset).column("clip_id"))
    else:
        content = dataset_content(dataset)
    return Input(str(dataset), "dataset", content)


def _open(dataset: Path, sample_rate: int) -> "tuple[Manifest, ShardSource | None]":
    """The clips of a dataset, and their source where they are in shards; long ones in sections."""
    if is_image_dataset(dataset):
        return image_folder(dataset), None
    if not shard_files(dataset):
        return divide_long(read_manifest(dataset), _SECTION), None
    from avtool.data.shards.source import open_shards

    return open_shards(dataset, sample_rate=sample_rate)


def audio_seconds(train: Manifest, recipe: SpectrogramRecipe) -> float:
    """Seconds of audio that the model takes."""
    return recipe.seconds or min(_LONGEST, float(train.durations().max()))
