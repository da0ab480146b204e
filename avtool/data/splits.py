"""Splits and folds: the clips that a training learns from, and those that it validates on."""

from dataclasses import dataclass

from pydantic import model_validator

from avtool.core.errors import BadInputError
from avtool.core.recipe import Recipe, option
from avtool.core.reporter import Reporter
from avtool.data.folds import Folds, fold_flags
from avtool.data.manifest import Manifest


class SplitRecipe(Recipe):
    """Clips chosen by splits or by folds."""

    train_split: str | None = option(None, "Training split.  [default: train]")
    val_split: str | None = option(None, "Validation split.  [default: val, where there is one]")
    split_column: str = option("split", "Column that names the splits.")
    train_folds: Folds | None = option(None, "Training folds: 1-4.", flag="--folds")
    val_folds: Folds | None = option(
        None, "Validation folds.  [default with --folds: none]", flag="--val-folds"
    )

    @model_validator(mode="after")
    def _check_splits(self) -> "SplitRecipe":
        if shared := set(self.train_folds or ()) & set(self.val_folds or ()):
            raise ValueError(f"fold {min(shared)} is a training and a validation fold")
        if self.train_folds and (self.train_split or self.val_split):
            raise ValueError("choose clips by folds or by splits, not by both")
        if self.val_folds and not self.train_folds:
            raise ValueError("data.val_folds needs data.train_folds (--folds)")
        return self


@dataclass(frozen=True)
class ChosenClips:
    """The clips of a training.

    Attributes:
        train: to learn from.
        val: to validate on, or None.
    """

    train: Manifest
    val: Manifest | None


def choose_clips(manifest: Manifest, recipe: SplitRecipe, reporter: Reporter) -> ChosenClips:
    """The training and validation clips.

    Raises:
        BadInputError: there are no clips, or a split or fold is not there; the message names those that are.
    """
    if not len(manifest):
        raise BadInputError(f"`{manifest.origin}` has no clips", "prepare it from a folder with media")
    if recipe.train_folds:
        val = manifest.select(folds=recipe.val_folds) if recipe.val_folds else None
        return _checked(ChosenClips(manifest.select(folds=recipe.train_folds), val), reporter)
    column = recipe.split_column
    known = {value for value in manifest.distinct(column) if value}
    if not known and recipe.train_split is None and recipe.val_split is None:
        flags = fold_flags(manifest.column("fold"))
        offer = f"; it has folds: validate with {flags}" if flags else ""
        reporter.warn(
            f"`{manifest.origin}` has no splits: all clips are training clips, none are left to validate on"
            + offer
        )
        return ChosenClips(manifest, None)
    train = manifest.select(recipe.train_split or "train", split_column=column)
    val_split = recipe.val_split or ("val" if "val" in known else None)
    val = manifest.select(val_split, split_column=column) if val_split else None
    return _checked(ChosenClips(train, val), reporter)


def _checked(chosen: ChosenClips, reporter: Reporter) -> ChosenClips:
    if chosen.val is None:
        reporter.warn("no validation clips: keeping the last checkpoint unscored")
        return chosen
    shared = (set(chosen.train.distinct("group")) & set(chosen.val.distinct("group"))) - {""}
    if shared:
        reporter.warn(
            f"{len(shared)} groups (films or recordings), `{min(shared)}` among them, are in both "
            "training and validation: validation metrics are too high"
        )
    return chosen
