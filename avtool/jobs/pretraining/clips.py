"""The clips of a pretraining: to learn from, to measure the loss on, and those that cannot be used."""

from dataclasses import dataclass
from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.data.manifest import Manifest, read_manifest
from avtool.data.statistics import durations
from avtool.jobs.finetuning import recipe as finetuning
from avtool.jobs.finetuning.clips import choose_clips
from avtool.jobs.pretraining.recipe import ClipsRecipe, SoundRecipe
from avtool.jobs.pretraining.usable import Skipped, Wanted, usable_clips

_LONGEST = 10.0  # seconds


@dataclass(frozen=True)
class PretrainClips:
    """Clips by what is done with them.

    Attributes:
        whole: all usable clips of both: what is computed once is computed for them together.
        train: to learn from.
        val: to measure the loss on, or None.
        skipped: left out, and why.
    """

    whole: Manifest
    train: Manifest
    val: Manifest | None
    skipped: tuple[Skipped, ...]


def find_clips(dataset: Path, recipe: ClipsRecipe, wanted: Wanted, reporter: Reporter) -> PretrainClips:
    """The clips of a data set, divided as the recipe says.

    Args:
        dataset: a `dataset` artifact, or its table.
        recipe: which clips.
        wanted: what a clip must have.
        reporter: told about decisions.

    Raises:
        BadInputError: a split or fold is not there, or too many clips cannot be used.
    """
    manifest = read_manifest(dataset)
    if not len(manifest):
        raise BadInputError(f"`{dataset}` has no clips", "prepare it from a folder with media")
    division = recipe.model_dump(include=set(ClipsRecipe.model_fields) - {"max_bad", "crops"})
    chosen = choose_clips(manifest, finetuning.DataRecipe(**division), reporter)
    train, skipped = usable_clips(chosen.train, wanted, recipe.max_bad, reporter)
    val: Manifest | None = None
    more: list[Skipped] = []
    if chosen.val is not None:
        val, more = usable_clips(chosen.val, wanted, recipe.max_bad, reporter)
    used = {*train.column("clip_id"), *(val.column("clip_id") if val is not None else ())}
    whole = manifest.take([n for n, name in enumerate(manifest.column("clip_id")) if name in used])
    return PretrainClips(whole, train, val, (*skipped, *more))


def stretch_of(train: Manifest, recipe: SoundRecipe) -> float:
    """Seconds of the stretch of sound that the model is given."""
    return recipe.seconds or min(_LONGEST, float(durations(train).max()))
