"""Recipe of query localisation."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from avtool.core.recipe import Recipe, listed, option
from avtool.data.queries.table import Kind
from avtool.tasks.localisation.windows import SHORTEST, Shares
from avtool.training.recipe import (
    EmaRecipe,
    LoopRecipe,
    OptimizerRecipe,
    ScheduleRecipe,
    TrainRecipe,
)

_OURS: dict[Kind, Shares] = {
    "image": (0.75, 0.0, 0.0, 0.25),
    "text": (0.75, 0.0, 0.0, 0.25),
    "label": (0.25, 0.25, 0.25, 0.25),
    "audio": (0.75, 0.0, 0.0, 0.25),
}


class GroundingModelRecipe(Recipe):
    """The network and its initial weights."""

    name: str = option("minotaur_small", "Architecture, as `avtool models list` names it.", flag="--model")
    arguments: dict[str, Any] = option({}, "Its settings, such as { dim = 128, recompute = true }.")
    init: Path | None = option(
        None,
        "Initial weights: a model, a run, or a checkpoint file of MINOTAUR, TubeDETR or MDETR.",
        flag="--init",
        identity=False,  # their content is an input of the run
    )


class QueriedFilmsRecipe(Recipe):
    """Queries over indexed films, and the windows that are drawn of them."""

    index: Path | None = option(
        None,
        "The index of the film, or the folder of the films' indexes.",
        flag="--index",
        identity=False,  # their content is an input of the run
    )
    text_encoder: str | None = option(
        None,
        "Encoder of sentences and labels, as of `localize find`.  [default: MiniLM, once it is fetched]",
        flag="--text-encoder",
        identity=False,  # its content is an input of the run
    )
    kinds: Annotated[tuple[Kind, ...], BeforeValidator(listed)] = option(
        (), "Kinds of query to learn: image, text, label, audio.  [default: all of the table]", flag="--kinds"
    )
    window: int = option(200, "Window in frames.", flag="--window", ge=SHORTEST, le=20_000)
    windows: dict[Kind, int] = option({}, "Window in frames of some kinds, such as { text = 400 }.")
    stride: int = option(1, "Frames from one encoded frame to the next.", flag="--stride", ge=1, le=1000)
    types: dict[Kind, Shares] = option(
        {},
        "Shares of foreground, left-truncated, right-truncated and background windows by kind.  [default: "
        "0.75, 0, 0, 0.25; of labels 0.25 each]",
    )
    crop: float = option(0.5, "Probability of a temporal crop that keeps the segment.", ge=0, le=1)
    power: float = option(
        0.5,
        "Kinds are drawn in proportion to their queries to this power; 1 draws queries alike.",
        ge=0,
        le=1,
    )
    samples: int = option(0, "Windows of an epoch; 0: one a query.", ge=0)
    drop: float = option(
        0.1,
        "Probability that a window loses its video or its audio, where the query needs only one.",
        ge=0,
        le=1,
    )
    split: str = option("train", "Split to learn from; without splits, all queries.")
    val_split: str = option("val", "Split to validate on, where there is one.")
    val_queries: int = option(50, "Validated queries of each kind at most; 0: all.", ge=0)

    @field_validator("types")
    @classmethod
    def _some_share(cls, types: dict[Kind, Shares]) -> dict[Kind, Shares]:
        for kind, shares in types.items():
            if min(shares) < 0 or sum(shares) <= 0:
                raise ValueError(f"data.types.{kind} = {shares} are no shares: they are above 0 together")
        return types

    @model_validator(mode="after")
    def _check(self) -> "QueriedFilmsRecipe":
        for kind, frames in self.windows.items():
            if frames < SHORTEST:
                raise ValueError(f"data.windows.{kind} = {frames}: a window has at least {SHORTEST} frames")
        if self.stride > min([self.window, *self.windows.values()]):
            raise ValueError(f"data.stride = {self.stride} exceeds a window")
        return self

    def window_of(self, kind: Kind) -> int:
        """Frames of a window of a kind of query."""
        return self.windows.get(kind, self.window)

    def shares(self, kind: Kind) -> Shares:
        """Shares of the window types of a kind of query."""
        return self.types.get(kind, _OURS[kind])


class GroundingLossRecipe(Recipe):
    """Weights of the objective's terms, as published."""

    box: float = option(5.0, "Weight of the boxes' L1 distance.", ge=0)
    giou: float = option(2.0, "Weight of 1 - GIoU.", ge=0)
    start_end: float = option(10.0, "Weight of the start and end distributions.", ge=0)
    attention: float = option(1.0, "Weight of guided attention; 0 disables.", ge=0)
    foreground: float = option(2.0, "Weight of the frames' foreground.", ge=0)
    contrastive: float = option(
        0.0,
        "Weight of the contrast of frames by their match with the query; 0 disables; needs "
        "model.arguments.match.",
        ge=0,
    )
    negatives: Literal["window", "batch"] = option(
        "window",
        "Negatives of the contrast: frames of the window, or of other films' windows in the batch too.",
    )
    sigma: float = option(1.0, "Deviation of the start and end targets in frames.", gt=0)
    scales: dict[Kind, float] = option(
        {}, "Factors on the loss of some kinds of query, such as { text = 2.0 }."
    )


class GroundingOptimizer(OptimizerRecipe):
    """AdamW, gradients clipped at 0.1."""

    lr: float = option(1e-4, "Learning rate at the schedule's peak.", flag="--lr", gt=0, le=1000)
    weight_decay: float = option(1e-4, "Weight decay of weight matrices.", ge=0, lt=1)
    clip_norm: float = option(0.1, "Maximum gradient norm; 0 disables clipping.", ge=0)


class GroundingSchedule(ScheduleRecipe):
    """Cosine after a warm-up."""

    warmup_epochs: float = option(1.0, "Warm-up in epochs.", ge=0)


class GroundingEma(EmaRecipe):
    """An average."""

    decay: float = option(0.999, "EMA decay; 0 disables.", ge=0, lt=1)


class GroundingLoop(LoopRecipe):
    """Twenty-five epochs of small batches: a window has hundreds of frames."""

    epochs: int = option(25, "Epochs.", flag="--epochs", ge=1, le=10**9)
    batch_size: int = option(8, "Batch size per process, in windows.", flag="--batch-size", ge=1)


class LocalisationRecipe(TrainRecipe):
    """`avtool localize train`."""

    model: GroundingModelRecipe = Field(default_factory=GroundingModelRecipe)
    data: QueriedFilmsRecipe = Field(default_factory=QueriedFilmsRecipe)
    loss: GroundingLossRecipe = Field(default_factory=GroundingLossRecipe)
    optimizer: GroundingOptimizer = Field(default_factory=GroundingOptimizer)
    schedule: GroundingSchedule = Field(default_factory=GroundingSchedule)
    ema: GroundingEma = Field(default_factory=GroundingEma)
    loop: GroundingLoop = Field(default_factory=GroundingLoop)
