"""The settings of `avtool prompt-tune clip`; those that are not given are the method's published ones."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from avtool.core.recipe import Recipe, option
from avtool.data.image_shots import ClassSplit
from avtool.models.clip.methods import METHODS, MethodName
from avtool.training.recipe import (
    Interval,
    LoopRecipe,
    OptimizationRecipe,
    OptimizerRecipe,
    ScheduleRecipe,
    TrainRecipe,
)

_FEW = 4
"""Shots up to which the published code of CoOp and DPT trains for fewer epochs."""


class PromptRecipe(Recipe):
    """The prompts and their host."""

    method: MethodName = option("coop", "Which prompts are learned.", flag="--method")
    backbone: str = option(
        "", "The host: a folder with a CLIP, or a name on the Hugging Face hub.", flag="--backbone",
        identity=False,
    )  # fmt: skip
    template: str = option(
        "", "Hand-written class text, {} for the class.  [default: the dataset's]", flag="--template"
    )
    context: int = option(16, "Text prompts M; in cocoop 4.", flag="--ctx", ge=1, le=1000)
    init: str = option(
        "", "Words that text prompts start from; empty: at random. In cocoop `a photo of a`.",
        flag="--ctx-init",
    )  # fmt: skip
    class_specific: bool = option(False, "Text prompts of each class instead of one set.")
    position: Literal["end", "middle", "front"] = option("end", "Place of the class name in its text.")
    visual: int = option(10, "Visual prompts p of a layer.", flag="--vis-tokens", ge=1, le=1000)
    aware_from: int = option(0, "dpt: first layer with class-aware prompts; 0: the last.", ge=0)
    top_k: int = option(10, "dpt: likeliest classes K that class-aware prompts are made of.", ge=1)
    alpha: float = option(0.3, "dpt: weight of the auxiliary loss of class-aware prompts; 0: none.", ge=0)
    beside: bool = option(
        False, "dpt: visual prompts beside class-aware ones, as in the paper's figure and not in its code."
    )
    guide_epochs: int = option(
        30, "vlp, dpt: epochs of alignment with the other tower's zero-shot features.", ge=0
    )

    @model_validator(mode="after")
    def _check(self) -> "PromptRecipe":
        if self.template and "{}" not in self.template:
            raise ValueError(f"prompt.template = `{self.template}` has no {{}} for the class")
        if self.class_specific and METHODS[self.method].conditional:
            raise ValueError("prompt.class_specific is for coop, vlp and dpt: cocoop shares its text prompts")
        return self


class ImagesRecipe(Recipe):
    """Images, and which of them are learned from."""

    images: Path | None = option(
        None, "Folder of the images.  [default: where the dataset has them]", flag="--images"
    )
    shots: int = option(16, "Training images a class; 0 takes all.", flag="--shots", ge=0)
    classes: ClassSplit = option("all", "Classes: all, or the base or new half of them.", flag="--classes")
    augment: Literal["crop-flip", "none"] = option(
        "crop-flip", "Random crops and flips; none: the image's centre, whose features are computed once."
    )
    area: tuple[float, float] = option((0.08, 1.0), "Range of a random crop's share of the image.")
    flip: float = option(0.5, "Probability of a horizontal flip.", ge=0, le=1)
    score: Literal["test", "val"] = option("test", "Split that is scored; val to select on it.")
    skip_missing: bool = option(False, "Skip images that are missing or unreadable.")
    strict_shots: bool = option(False, "Refuse classes with fewer images than shots.")

    @model_validator(mode="after")
    def _check(self) -> "ImagesRecipe":
        if not 0 < self.area[0] <= self.area[1] <= 1:
            raise ValueError(f"data.area = {self.area} must rise, from above 0 to at most 1")
        return self


class PromptOptimizer(OptimizerRecipe):
    """The optimiser of text prompts: SGD as in CoOp."""

    name: Literal["adamw", "adam", "sgd", "lars"] = option("sgd", "Optimiser.")
    lr: float = option(0.002, "Learning rate at the schedule's peak.", flag="--lr", gt=0, le=1000)
    weight_decay: float = option(5e-4, "Weight decay of all that is learned.", ge=0, lt=1)
    clip_norm: float = option(0.0, "Maximum gradient norm; 0 disables clipping.", ge=0)


class VisualOptimizer(PromptOptimizer):
    """The optimiser of visual prompts."""

    lr: float = option(0.01, "Learning rate at the schedule's peak; in vpt-shallow 0.001.", gt=0, le=1000)


class PromptSchedule(ScheduleRecipe):
    """A cosine by epochs after a constant warm-up (CoOp)."""

    warmup_epochs: float = option(1.0, "Warm-up in epochs.", ge=0)
    warmup_rate: float = option(1e-5, "Constant learning rate of the warm-up; 0: a linear rise.", ge=0, le=1)
    by_epoch: bool = option(True, "Change the rate between epochs alone.")


class VisualSchedule(PromptSchedule):
    """The same with a longer warm-up, in which text prompts learn alone."""

    warmup_epochs: float = option(10.0, "Warm-up in epochs.", ge=0)


class VisualOptimization(OptimizationRecipe):
    """An optimiser of the image side, with its schedule."""

    optimizer: VisualOptimizer = Field(default_factory=VisualOptimizer)
    schedule: VisualSchedule = Field(default_factory=VisualSchedule)


class PromptLoop(LoopRecipe):
    """Length, batches, validation, checkpoints and log."""

    epochs: int = option(
        100, "Epochs.  [default: the method's, by its shots]", flag="--epochs", ge=1, le=10**9
    )
    validate_every: Interval = option("never", "Scoring interval; the last step is always scored.")
    checkpoint_every: Interval = option(
        "10 epochs", "Checkpoint interval; the last step always has one.", identity=False
    )


class ClipPromptRecipe(TrainRecipe):
    """`avtool prompt-tune clip`."""

    prompt: PromptRecipe = Field(default_factory=PromptRecipe)
    data: ImagesRecipe = Field(default_factory=ImagesRecipe)
    optimizer: PromptOptimizer = Field(default_factory=PromptOptimizer)
    schedule: PromptSchedule = Field(default_factory=PromptSchedule)
    visual: VisualOptimization = Field(default_factory=VisualOptimization)
    generator: VisualOptimization = Field(default_factory=VisualOptimization)
    loop: PromptLoop = Field(default_factory=PromptLoop)

    @model_validator(mode="before")
    @classmethod
    def _take_published(cls, values: Any) -> Any:
        """The published settings of the method in the place of keys that are not given."""
        if not isinstance(values, Mapping):
            return values
        found = dict(values)
        method, shots = _get(found, "prompt", "method", "coop"), _get(found, "data", "shots", 16)
        if method in METHODS and isinstance(shots, int):
            for path, value in published(method, shots):
                _set_default(found, path.split("."), value)
        return found

    @model_validator(mode="after")
    def _check(self) -> "ClipPromptRecipe":
        if self.data.score == "test" and (self.loop.final == "best" or self.loop.patience):
            raise ValueError(
                "loop.final = best and loop.patience would select on the test split: set data.score = val"
            )
        if self.ema.decay or self.average.first_epoch:
            raise ValueError("the last prompts are the result: leave ema and average out")
        return self


def published(method: MethodName, shots: int) -> Iterator[tuple[str, Any]]:
    """The published settings of a method that differ from the recipe's defaults, by key.

    Epochs are those of the published scripts: CoOp 200 at 8 and 16 shots, 100 at 2 and 4, 50 at 1; CoCoOp 10;
    VPT and VLP 100; DPT 60 up to 4 shots, then 100.
    """
    few = 0 < shots <= _FEW
    if method == "coop":
        yield "loop.epochs", 50 if shots == 1 else 100 if few else 200
    elif method == "cocoop":
        yield "loop.epochs", 10
        yield "loop.batch_size", 1
        yield "prompt.context", 4
        yield "prompt.init", "a photo of a"
    elif method == "dpt":
        yield "loop.epochs", 60 if few else 100
    elif method == "vpt-shallow":
        yield "visual.optimizer.lr", 0.001


def _get(values: Mapping[str, Any], table: str, key: str, default: Any) -> Any:
    inner = values.get(table)
    return inner.get(key, default) if isinstance(inner, Mapping) else getattr(inner, key, default)


def _set_default(values: dict[str, Any], path: list[str], value: Any) -> None:
    first, *rest = path
    if not rest:
        values.setdefault(first, value)
        return
    inner = values.get(first, {})
    if isinstance(inner, Mapping):  # a table that is a recipe already has all of its keys
        values[first] = copied = dict(inner)
        _set_default(copied, rest, value)
