"""Recipe of dense video captioning."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from avtool.core.recipe import Recipe, listed, option
from avtool.inference.dense_captioning.captioner import DecodingRecipe
from avtool.training.recipe import (
    EmaRecipe,
    LoopRecipe,
    OptimizerRecipe,
    ScheduleRecipe,
    TrainRecipe,
)


class CaptionerModelRecipe(Recipe):
    """The network."""

    name: str = option(
        "masked_transformer", "Architecture, as `avtool models list` names it.", flag="--model"
    )
    arguments: dict[str, Any] = option({}, "Its settings, such as { dim = 256, mask = 'learned' }.")
    init: Path | None = option(
        None,
        "Initial weights: a run, a model, or a checkpoint of salesforce/densecap for the published sizes.",
        flag="--init",
        identity=False,  # its content is an input of the run
    )
    init_words: Path | None = option(
        None,
        "Text file of the words of the initial weights, in their order.  [default: those of a run]",
        identity=False,
    )

    @model_validator(mode="after")
    def _check(self) -> "CaptionerModelRecipe":
        if self.init_words is not None and self.init is None:
            raise ValueError("model.init_words is of initial weights: set model.init (--init)")
        return self


class CaptionedFilmsRecipe(Recipe):
    """Films with captioned events, and features of them."""

    features: Annotated[tuple[str, ...], BeforeValidator(listed)] = option(
        (),
        "Streams of features: encoders, or folders of ID.npy files, with or without NAME= before them.",
        flag="--features",
        identity=False,  # their content is an input of the run
    )
    step: float = option(0.25, "Seconds of a step of the model.", flag="--step", gt=0, le=60)
    feature_step: float = option(
        0.0, "Seconds from one row of an ID.npy file to the next, or between encoded windows; 0: step.", ge=0
    )
    window: int = option(480, "Window in steps.", flag="--window", ge=8, le=20_000)
    from_start: bool = option(
        False, "Windows begin with the film, as published; events beyond are dropped. Else anywhere."
    )
    split: str = option("train", "Split to learn from; without splits, all films.")
    val_split: str = option("val", "Split to validate on, where there is one.")
    positive: float = option(0.7, "Least tIoU of an anchor with the event that it serves.", gt=0, le=1)
    negative: float = option(0.3, "Anchors of a lower tIoU with every event serve none.", gt=0, le=1)
    best_anchor: bool = option(True, "Let an event that no anchor fits be served by its best one.")
    margin: float = option(
        0.0, "Seconds around an event without negatives beside it: captions omit sounds.", ge=0, le=60
    )
    hard: float = option(
        0.5, "Share of negatives that overlap an event, drawn for themselves; 0 draws all alike.", ge=0, le=1
    )
    anchors: int = option(10, "Positive anchors of a sample, and negative ones.", ge=1, le=1000)
    least_words: int = option(5, "Occurrences of a word in the training captions that make it known.", ge=1)
    least_phrases: int = option(5, "Occurrences of a phrase that put it into the phrasebook.", ge=1)
    max_words: int = option(20, "Tokens of a caption, its begin and end among them.", ge=3, le=200)

    @model_validator(mode="after")
    def _check(self) -> "CaptionedFilmsRecipe":
        if self.negative > self.positive:
            raise ValueError(f"data.negative = {self.negative} exceeds data.positive = {self.positive}")
        return self

    def streams(self) -> dict[str, str]:
        """The sources of the streams by name.

        Raises:
            ValueError: two have one name.
        """
        named: dict[str, str] = {}
        for number, text in enumerate(self.features):
            name, equals, source = text.partition("=")
            if not equals:
                name, source = f"stream{number + 1}" if len(self.features) > 1 else "audio", text
            if name in named:
                raise ValueError(f"two streams are called {name}")
            named[name] = source
        return named


class DenseLossRecipe(Recipe):
    """Weights of the objective's terms."""

    score: float = option(1.0, "Weight of the anchors' scores.", ge=0)
    place: float = option(10.0, "Weight of their offsets.", ge=0)
    mask: float = option(1.0, "Weight of the mask network.", ge=0)
    sentence: float = option(0.25, "Weight of the sentence.", ge=0)
    smoothing: float = option(0.1, "Label smoothing of words.", ge=0, lt=1)
    given: float = option(
        0.05,
        "Share of the run in which captions of annotated segments fade into those of proposals.",
        ge=0,
        le=1,
    )


class CaptionerOptimizer(OptimizerRecipe):
    """AdamW."""

    lr: float = option(2e-4, "Learning rate at the schedule's peak.", flag="--lr", gt=0, le=1000)
    betas: tuple[float, float] = option((0.9, 0.98), "Adam's betas: decay of its first and second moment.")
    weight_decay: float = option(0.01, "Weight decay of weight matrices.", ge=0, lt=1)


class CaptionerSchedule(ScheduleRecipe):
    """Cosine after a warm-up."""

    warmup_epochs: float = option(1.0, "Warm-up in epochs.", ge=0)


class CaptionerEma(EmaRecipe):
    """An average."""

    decay: float = option(0.999, "EMA decay; 0 disables.", ge=0, lt=1)


class CaptionerLoop(LoopRecipe):
    """Twenty epochs."""

    epochs: int = option(20, "Epochs.", flag="--epochs", ge=1, le=10**9)


class DenseCaptioningRecipe(TrainRecipe):
    """`avtool caption train`."""

    model: CaptionerModelRecipe = Field(default_factory=CaptionerModelRecipe)
    data: CaptionedFilmsRecipe = Field(default_factory=CaptionedFilmsRecipe)
    loss: DenseLossRecipe = Field(default_factory=DenseLossRecipe)
    decoding: DecodingRecipe = Field(default_factory=DecodingRecipe)
    optimizer: CaptionerOptimizer = Field(default_factory=CaptionerOptimizer)
    schedule: CaptionerSchedule = Field(default_factory=CaptionerSchedule)
    ema: CaptionerEma = Field(default_factory=CaptionerEma)
    loop: CaptionerLoop = Field(default_factory=CaptionerLoop)
