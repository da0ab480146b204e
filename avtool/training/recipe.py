"""The settings of a training run: every key, its default and its help text.

A verb that trains derives its own recipe from `TrainRecipe` and adds its tables (model, data, …).
"""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from avtool.core.recipe import Recipe, option
from avtool.core.runtime import RuntimeRecipe

ScheduleName = Literal["cosine", "one-cycle", "step", "linear", "constant", "plateau"]
_LARGEST_ADAM_RATE = 1.0
_BASE_CLIPS = 256
"""Clips of a step that `optimizer.base_lr` is the rate for (Goyal et al., 2017)."""
_DEFAULT_RATE = 1e-3


_INTERVAL = re.compile(r"(\d+(?:\.\d+)?) ?(step|epoch)s?")


def _check_interval(text: str) -> str:
    if text == "never":
        return text
    found = _INTERVAL.fullmatch(text)
    if not found or float(found[1]) == 0 or (found[2] == "step" and "." in found[1]):
        raise ValueError(f"`{text}` is no interval: write `500 steps`, `1 epoch` or `never`")
    return text


Interval = Annotated[str, BeforeValidator(lambda value: str(value).strip()), AfterValidator(_check_interval)]
"""A checked text such as `500 steps`, `0.5 epochs` or `never`."""


def in_steps(interval: str, steps_per_epoch: int) -> int:
    """An interval in optimiser steps, at least 1; 0 for never."""
    found = _INTERVAL.fullmatch(interval)
    if found is None:
        return 0
    size = float(found[1]) * (steps_per_epoch if found[2] == "epoch" else 1)
    return max(1, round(size))


class OptimizerRecipe(Recipe):
    """How weights follow their gradients."""

    name: Literal["adamw", "adam", "sgd", "lars"] = option(
        "adamw",
        "Optimiser; Adam's weight decay is L2, AdamW's not; lars is for linear probes (You et al., 2017).",
    )
    lr: float = option(_DEFAULT_RATE, "Learning rate at the schedule's peak.", flag="--lr", gt=0, le=1000)
    base_lr: float = option(
        0.0,
        "The same for a step of 256 clips: the rate follows the clips of a step; 0: lr is absolute.",
        flag="--base-lr",
        ge=0,
        le=1000,
    )
    weight_decay: float = option(
        0.05, "Weight decay of weight matrices; biases, norms, positions and tokens have none.", ge=0, lt=1
    )
    betas: tuple[float, float] = option((0.9, 0.999), "Decay of Adam's two moments.")
    momentum: float = option(0.9, "Momentum of SGD and LARS.", ge=0, lt=1)
    clip_norm: float = option(1.0, "Largest norm of the gradient; 0 for no clipping.", ge=0)
    layer_decay: float = option(
        1.0, "Factor on the learning rate from each layer to the one below it.", gt=0, le=1
    )
    fused: bool = option(True, "One kernel for the whole update.")

    @model_validator(mode="after")
    def _check(self) -> "OptimizerRecipe":
        for key, rate in (("lr", self.lr), ("base_lr", self.base_lr)):
            if self.name in {"adam", "adamw"} and rate > _LARGEST_ADAM_RATE:
                raise ValueError(
                    f"optimizer.{key} = {rate:g} is too large for {self.name}, which moves every weight by "
                    "about that much a step: rates above 1 are for sgd"
                )
        if self.base_lr and self.lr != _DEFAULT_RATE:
            raise ValueError(
                f"optimizer.lr = {self.lr:g} and optimizer.base_lr = {self.base_lr:g} both set the learning "
                "rate: set one, or --base-lr 0 for the absolute rate"
            )
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"optimizer.betas = {self.betas} must lie in [0, 1)")
        return self

    def peak_rate(self, samples_per_step: int) -> float:
        """The learning rate at the schedule's peak, for steps of so many clips."""
        return self.base_lr * samples_per_step / _BASE_CLIPS if self.base_lr else self.lr


class ScheduleRecipe(Recipe):
    """The learning rate's way, as a factor of `optimizer.lr`."""

    name: ScheduleName = option("cosine", "Shape of the learning rate's way.", flag="--schedule")
    warmup_steps: int = option(0, "Steps in which the rate rises linearly.", ge=0)
    warmup_epochs: float = option(0.0, "The same in epochs.", ge=0)
    decay_from: Literal["warmup", "start"] = option(
        "warmup", "Where cosine and linear begin to fall: after the warm-up, or (MBT) at step 0, below it."
    )
    floor: float = option(0.0, "Last factor of cosine and linear; smallest of plateau.", ge=0, le=1)
    gamma: float = option(0.5, "Factor at each reduction of step and plateau.", gt=0, le=1)
    step_from: int = option(1, "First epoch (from 0) that `step` lowers.", ge=0)
    step_every: int = option(1, "Epochs between two steps of `step`.", ge=1)
    patience: int = option(2, "Validations without improvement before plateau reduces the rate.", ge=0)
    rise: float = option(0.3, "Share of the run in which `one-cycle` rises.", gt=0, lt=1)

    @model_validator(mode="after")
    def _check(self) -> "ScheduleRecipe":
        if self.warmup_steps and self.warmup_epochs:
            raise ValueError("schedule.warmup_steps and schedule.warmup_epochs both set a warm-up: set one")
        if self.name == "one-cycle" and (self.warmup_steps or self.warmup_epochs):
            raise ValueError("the one-cycle schedule has its own warm-up: set schedule.rise instead")
        return self


class OptimizationRecipe(Recipe):
    """An optimizer with its schedule: the tables of a task that has several."""

    optimizer: OptimizerRecipe = Field(default_factory=OptimizerRecipe)
    schedule: ScheduleRecipe = Field(default_factory=ScheduleRecipe)


class GroupRecipe(Recipe):
    """A parameter group of a task: what it has otherwise than its optimizer."""

    rate: float = option(1.0, "Factor on the optimizer's learning rate.", gt=0)
    weight_decay: float | None = option(
        None,
        "Weight decay of all of its parameters; by default the optimizer's, of weight matrices alone.",
        ge=0,
        lt=1,
    )
    schedule: ScheduleRecipe | None = option(None, "Its own schedule; by default the optimizer's.")


class EmaRecipe(Recipe):
    """An exponential moving average of the weights, which is validated and saved in their place."""

    decay: float = option(
        0.0, "Share of the old average kept at each step; 0 for no average.", flag="--ema", ge=0, lt=1
    )
    ramp: bool = option(
        True, "Begin with a small decay, (1 + step) / (10 + step), so that the start is forgotten."
    )


class AverageRecipe(Recipe):
    """The plain mean of the weights at the ends of some epochs."""

    first_epoch: int = option(0, "First epoch (from 1) whose end counts; 0 for no average.", ge=0)
    last_epoch: int = option(0, "Last epoch that counts; 0 for the run's last.", ge=0)

    @model_validator(mode="after")
    def _check(self) -> "AverageRecipe":
        if self.last_epoch and not 1 <= self.first_epoch <= self.last_epoch:
            raise ValueError(f"average: epochs {self.first_epoch} to {self.last_epoch} are none")
        return self


class LoopRecipe(Recipe):
    """How long, in what pieces, and what is kept."""

    epochs: int = option(10, "Passes over the data.", flag="--epochs", ge=1)
    max_steps: int | None = option(
        None, "Length in optimiser steps, instead of epochs.", flag="--max-steps", ge=1
    )
    batch_size: int = option(32, "Clips a process takes at a time.", flag="--batch-size", ge=1)
    accumulate: int = option(1, "Batches whose gradients make one step.", flag="--accumulate", ge=1)
    validate_every: Interval = option("1 epoch", "Time between validations; one always ends the run.")
    checkpoint_every: Interval = option("1 epoch", "Time between checkpoints; one always ends the run.")
    keep: int = option(2, "Checkpoints kept, besides the best.", ge=1)
    final: Literal["last", "best"] = option("last", "Which checkpoint becomes the run's model.")
    patience: int = option(
        0, "Validations without a better one after which training ends; 0 for never.", ge=0
    )
    log_every: int = option(10, "Steps between two lines of the log.", ge=1)
    tensorboard: bool = option(True, "Write TensorBoard's files too, where it is installed.")
    workers: int | None = option(
        None,
        "Processes that load clips; by default one less than there are processors.",
        flag="--workers",
        identity=False,
        ge=0,
        le=256,
    )


class SamplerRecipe(Recipe):
    """In which order clips come."""

    name: Literal["uniform", "class-balanced", "grouped", "nearby"] = option(
        "uniform",
        "uniform: each clip once an epoch; class-balanced: rare labels as often as common ones; grouped: "
        "each clip once, those of one film or recording spread over the batches; nearby: those of 16 films "
        "at a time, while what was decoded of them is in memory.",
    )


class TrainRecipe(Recipe):
    """What every verb that trains can be told."""

    seed: int = option(0, "Seed of every random choice.", flag="--seed", ge=0, lt=2**63)
    optimizer: OptimizerRecipe = Field(default_factory=OptimizerRecipe)
    schedule: ScheduleRecipe = Field(default_factory=ScheduleRecipe)
    ema: EmaRecipe = Field(default_factory=EmaRecipe)
    average: AverageRecipe = Field(default_factory=AverageRecipe)
    loop: LoopRecipe = Field(default_factory=LoopRecipe)
    sampler: SamplerRecipe = Field(default_factory=SamplerRecipe)
    runtime: RuntimeRecipe = Field(default_factory=RuntimeRecipe)

    @property
    def main(self) -> OptimizationRecipe:
        """The main optimizer with its schedule."""
        return OptimizationRecipe(optimizer=self.optimizer, schedule=self.schedule)

    @model_validator(mode="after")
    def _check_averages(self) -> "TrainRecipe":
        if self.ema.decay and self.average.first_epoch:
            raise ValueError("ema.decay and average.first_epoch are two averages of the weights: set one")
        return self
