"""The settings of `avtool predict`, `avtool embed` and `avtool reconstruct`."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from avtool.core.recipe import Recipe, option
from avtool.core.runtime import RuntimeRecipe
from avtool.data.folds import Folds

Format = Literal["csv", "json", "vtt", "audacity", "scores"]


class PredictRecipe(Recipe):
    """`avtool predict`."""

    events: bool = option(False, "Write a timeline of events instead of one score per file.", flag="--events")
    hop: float | None = option(
        None,
        "Seconds from one window to the next.  [default: the model's own, or a window; with --events half a "
        "window]",
        flag="--hop",
        ge=0.01,
    )
    windows: int | None = option(
        None, "Evenly spaced windows per file, instead of --hop.", flag="--windows", ge=1, le=10_000
    )
    crops: int = option(
        1,
        "Square crops of each window's frames, evenly spaced along their longer side; 5 windows of 3 crops "
        "are VideoMAE's views.",
        flag="--crops",
        ge=1,
        le=10,
    )
    threshold: float = option(0.5, "Minimum probability of an event.", flag="--threshold", ge=0, le=1)
    merge_gap: float = option(
        0.0, "Gap in seconds up to which events of a class are merged.", flag="--merge-gap", ge=0
    )
    min_duration: float = option(0.0, "Minimum duration of an event in seconds.", flag="--min-duration", ge=0)
    formats: tuple[Format, ...] = option(
        ("csv", "json"),
        "Formats of the timeline: csv, json, vtt, audacity, and scores of all classes over time.",
        flag="--format",
        min_length=1,
    )
    average: Literal["logits", "probabilities"] | None = option(
        None,
        "What is averaged over the windows of a file: logits or probabilities.  [default: the model's own, "
        "logits where it has none]",
        flag="--average",
    )
    modality: Literal["audio", "video"] | None = option(
        None, "Give a model of both one of them alone.  [default: all that a file has]", flag="--modality"
    )
    class_map: Path | None = option(
        None, "TOML file of classes, each with those of the model that stand for it.", flag="--class-map"
    )
    phrases: Path | None = option(
        None,
        "Zero-shot: text file with a phrase a line, each a class; for models with a text tower (CLAP, …).",
        flag="--phrases",
    )
    frame_features: Path | None = option(
        None,
        "Features of the files' frames, for AST-MM: the table of `avtool embed`, or a `features` artifact.  "
        "[default: made by the encoder that the model names]",
        flag="--frame-features",
    )
    split: str | None = option(None, "Split of datasets to predict.", flag="--split")
    folds: Folds | None = option(None, "Folds of datasets to predict.", flag="--folds")
    batch_size: int = option(16, "Windows per batch.", flag="--batch-size", ge=1, le=4096)
    runtime: RuntimeRecipe = Field(default_factory=RuntimeRecipe)

    @model_validator(mode="after")
    def _check_views(self) -> "PredictRecipe":
        if self.windows is not None and self.hop is not None:
            raise ValueError("windows and hop both place the windows: set one")
        if "scores" in self.formats and not self.events:
            raise ValueError("the format scores is of a timeline: set events (--events)")
        if self.events and (self.windows is not None or self.crops > 1):
            raise ValueError("windows and crops are averaged, and a timeline of events is not: use hop")
        return self

    @model_validator(mode="before")
    @classmethod
    def _one_format(cls, values: object) -> object:
        if isinstance(values, dict) and isinstance(values.get("formats"), str):
            return {**values, "formats": [part.strip() for part in values["formats"].split(",")]}
        return values


class EmbedRecipe(Recipe):
    """`avtool embed`."""

    modality: Literal["audio", "video", "both", "image"] | None = option(
        None, "audio, video, both or image.  [default: all that the encoder takes]", flag="--modality"
    )
    hop: float | None = option(
        None,
        "Seconds from one window to the next.  [default: the encoder's own, or a window]",
        flag="--hop",
        ge=0.01,
    )
    windows: int | None = option(
        None,
        "Evenly spaced windows per file, instead of --hop.",
        flag="--windows",
        ge=1,
        le=10_000,
    )
    split: str | None = option(None, "Split of datasets to embed.", flag="--split")
    folds: Folds | None = option(None, "Folds of datasets to embed.", flag="--folds")
    batch_size: int = option(16, "Windows per batch.", flag="--batch-size", ge=1, le=4096)
    runtime: RuntimeRecipe = Field(default_factory=RuntimeRecipe)


class ReconstructRecipe(Recipe):
    """`avtool reconstruct`."""

    most: int = option(6, "Files to show.", flag="--most", ge=1, le=64)
    mask_ratio: float | None = option(
        None,
        "Ratio of masked patches.  [default: as in training]",
        flag="--mask-ratio",
        gt=0,
        lt=1,
    )
    seed: int = option(0, "Seed of the masks.", flag="--seed", ge=0, lt=2**63)
    split: str | None = option(None, "Split of datasets to take.", flag="--split")
    folds: Folds | None = option(None, "Folds of datasets to take.", flag="--folds")
    device: str = option(
        "auto", "auto, cpu, cuda or cuda:1.", flag="--device", pattern=r"^(auto|cpu|cuda(:\d+)?)$"
    )
