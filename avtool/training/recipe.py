"""The recipe of a training: every key, its default and its help text.

A task derives its recipe from `TrainRecipe` and adds its tables (model, data, …).
"""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from avtool.core.recipe import Recipe, option
from avtool.core.runtime import RuntimeRecipe

ScheduleName = Literal["cosine", "one-cycle", "step", "linear", "constant", "plateau"]
_LARGEST_ADAM_RATE = 1.0
_BASE_SAMPLES = 256
"""Samples of a step that `optimizer.base_lr` is the rate for (Goyal et al., 2017)."""
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
    """An optimiser: its update rule, learning rate, weight decay and gradient clipping."""

    name: Literal["adamw", "adam", "sgd", "lars"] = option(
        "adamw",
        "Optimiser. Weight decay: decoupled in adamw, L2 in adam. lars (You et al., 2017): linear probes.",
    )
    lr: float = option(_DEFAULT_RATE, "Learning rate at the schedule's peak.", flag="--lr", gt=0, le=1000)
    base_lr: float = option(
        0.0,
        "Learning rate of a step of 256 samples, scaled linearly to the step's samples; 0: lr is absolute.",
        ge=0,
        le=1000,
    )
    weight_decay: float = option(
        0.05, "Weight decay of weight matrices; biases, norms, embeddings and tokens have none.", ge=0, lt=1
    )
    betas: tuple[float, float] = option((0.9, 0.999), "Adam's betas: decay of its first and second moment.")
    momentum: float = option(0.9, "Momentum of sgd and lars.", ge=0, lt=1)
    nesterov: bool = option(False, "Nesterov's momentum of sgd.")
    clip_norm: float = option(1.0, "Maximum gradient norm; 0 disables clipping.", ge=0)
    layer_decay: float = option(
        1.0,
        "Layer-wise learning-rate decay: factor from each layer to the one below it; 1 disables.",
        gt=0,
        le=1,
    )
    fused: bool = option(True, "Fused update kernel.")

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
                "rate: set one, or optimizer.base_lr = 0 for the absolute rate"
            )
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"optimizer.betas = {self.betas} must lie in [0, 1)")
        return self

    def peak_rate(self, samples_per_step: int) -> float:
        """The learning rate at the schedule's peak, for steps of so many samples."""
        return self.base_lr * samples_per_step / _BASE_SAMPLES if self.base_lr else self.lr


class ScheduleRecipe(Recipe):
    """A learning-rate schedule: the factor on `optimizer.lr` in each step."""

    name: ScheduleName = option("cosine", "Learning-rate schedule.")
    warmup_steps: int = option(0, "Warm-up in steps: a linear rise to the peak.", ge=0)
    warmup_epochs: float = option(0.0, "Warm-up in epochs.", ge=0)
    warmup_rate: float = option(
        0.0,
        "Constant learning rate of the warm-up, after which cosine and linear begin as long as the run is, "
        "and are cut at its end (CoOp); 0: a linear rise.",
        ge=0,
        le=1000,
    )
    by_epoch: bool = option(False, "Change the rate of cosine and linear between epochs alone.")
    decay_from: Literal["warmup", "start"] = option(
        "warmup", "Where cosine and linear begin: after the warm-up, or at step 0, multiplied with it (MBT)."
    )
    floor: float = option(0.0, "Final factor of cosine and linear; minimum of plateau.", ge=0, le=1)
    gamma: float = option(0.5, "Factor at each reduction of step and plateau.", gt=0, le=1)
    step_from: int = option(1, "First epoch, from 0, that step reduces.", ge=0)
    step_every: int = option(1, "Epochs between reductions of step.", ge=1)
    patience: int = option(2, "Validations without improvement before plateau reduces the rate.", ge=0)
    rise: float = option(0.3, "Fraction of the run in which one-cycle rises.", gt=0, lt=1)

    @model_validator(mode="after")
    def _check(self) -> "ScheduleRecipe":
        if self.warmup_steps and self.warmup_epochs:
            raise ValueError("schedule.warmup_steps and schedule.warmup_epochs both set a warm-up: set one")
        if self.name == "one-cycle" and (self.warmup_steps or self.warmup_epochs):
            raise ValueError("the one-cycle schedule has its own warm-up: set schedule.rise instead")
        if self.warmup_rate and self.decay_from == "start":
            raise ValueError("schedule.warmup_rate goes with schedule.decay_from = warmup")
        return self


class OptimizationRecipe(Recipe):
    """An optimiser with its schedule: the two tables of each optimiser beside the main one."""

    optimizer: OptimizerRecipe = Field(default_factory=OptimizerRecipe)
    schedule: ScheduleRecipe = Field(default_factory=ScheduleRecipe)


class GroupRecipe(Recipe):
    """A parameter group: where it differs from its optimiser."""

    rate: float = option(1.0, "Factor on the learning rate of the optimiser.", gt=0)
    weight_decay: float | None = option(
        None,
        "Weight decay of all its parameters; by default that of the optimiser, of weight matrices alone.",
        ge=0,
        lt=1,
    )
    schedule: ScheduleRecipe | None = option(
        None, "Learning-rate schedule; by default that of the optimiser."
    )


class EmaRecipe(Recipe):
    """An exponential moving average (EMA) of the weights, validated and saved in their place."""

    decay: float = option(0.0, "EMA decay; 0 disables.", ge=0, lt=1)
    ramp: bool = option(True, "EMA warm-up: decay of at most (1 + step) / (10 + step).")


class AverageRecipe(Recipe):
    """The mean of the weights at the ends of some epochs."""

    first_epoch: int = option(0, "First averaged epoch, from 1; 0 disables.", ge=0)
    last_epoch: int = option(0, "Last averaged epoch; 0: the run's last.", ge=0)

    @model_validator(mode="after")
    def _check(self) -> "AverageRecipe":
        if self.last_epoch and not 1 <= self.first_epoch <= self.last_epoch:
            raise ValueError(f"average: epochs {self.first_epoch} to {self.last_epoch} are none")
        return self


class LoopRecipe(Recipe):
    """Length, batches, validation, checkpoints and log of a training."""

    epochs: int = option(10, "Epochs.", flag="--epochs", ge=1, le=10**9)
    max_steps: int | None = option(
        None, "Optimiser steps; overrides epochs.", flag="--max-steps", ge=1, le=10**9
    )
    batch_size: int = option(32, "Batch size per process, in samples.", flag="--batch-size", ge=1)
    accumulate: int = option(1, "Gradient accumulation: batches per optimiser step.", ge=1)
    cached_gradients: bool = option(
        False,
        "Contrast the clips of all batches of a step with each other, by two passes over each (GradCache).",
    )
    epoch_samples: int | None = option(
        None, "Samples drawn in an epoch; Audio-MAE: 200000 of 2 M.  [default: as many as there are]", ge=1
    )
    validate_every: Interval = option("1 epoch", "Validation interval; the last step is always validated.")
    checkpoint_every: Interval = option(
        "1 epoch", "Checkpoint interval; the last step always has one.", identity=False
    )
    keep: int = option(2, "Latest checkpoints kept, besides the best.", identity=False, ge=1)
    final: Literal["last", "best"] = option("last", "Checkpoint that becomes the run's model.")
    patience: int = option(0, "Early stopping: validations without improvement; 0 disables.", ge=0)
    log_every: int = option(10, "Log interval in steps.", ge=1)
    tensorboard: bool = option(True, "Log to TensorBoard too, where it is installed.", identity=False)
    check_memory: bool = option(
        True, "Refuse a step whose estimated memory is far above what is available.", identity=False
    )
    workers: int | None = option(
        None,
        "Loader processes; by default one less than there are processors, at most eight.",
        flag="--workers",
        identity=False,
        ge=0,
        le=256,
    )


class SamplerRecipe(Recipe):
    """The order of samples."""

    name: Literal["uniform", "class-balanced", "grouped", "nearby"] = option(
        "uniform",
        "Sampler. uniform: each sample once an epoch; class-balanced: rare labels as often as common ones; "
        "grouped: each once, those of one film or recording spread over the batches; nearby: each once, "
        "those of 16 films at a time, while their decoded spans are in memory.",
    )
    replacement: bool = option(
        True,
        "class-balanced: whether a sample may be drawn again in an epoch; without, set loop.epoch_samples.",
    )


class TrainRecipe(Recipe):
    """The keys that every training has."""

    seed: int = option(0, "Random seed.", flag="--seed", ge=0, lt=2**63)
    optimizer: OptimizerRecipe = Field(default_factory=OptimizerRecipe)
    schedule: ScheduleRecipe = Field(default_factory=ScheduleRecipe)
    ema: EmaRecipe = Field(default_factory=EmaRecipe)
    average: AverageRecipe = Field(default_factory=AverageRecipe)
    loop: LoopRecipe = Field(default_factory=LoopRecipe)
    sampler: SamplerRecipe = Field(default_factory=SamplerRecipe)
    runtime: RuntimeRecipe = Field(default_factory=RuntimeRecipe)

    @property
    def selects(self) -> bool:
        """Whether validation decides anything: which checkpoint is kept, when to stop, or the rate."""
        return self.loop.final == "best" or self.loop.patience > 0 or self.schedule.name == "plateau"

    @property
    def main(self) -> OptimizationRecipe:
        """The main optimiser with its schedule."""
        return OptimizationRecipe(optimizer=self.optimizer, schedule=self.schedule)

    @model_validator(mode="after")
    def _check_sampler(self) -> "TrainRecipe":
        if not self.sampler.replacement and self.sampler.name != "class-balanced":
            raise ValueError("sampler.replacement = false is of the class-balanced sampler: set sampler.name")
        return self

    @model_validator(mode="after")
    def _check_averages(self) -> "TrainRecipe":
        if self.ema.decay and self.average.first_epoch:
            raise ValueError("ema.decay and average.first_epoch are two averages of the weights: set one")
        return self
