"""The settings of `avtool finetune`."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from avtool.core.recipe import Recipe, listed, option
from avtool.data.inputs.settings import ImageSettings, SpectrogramRecipe, VideoSettings
from avtool.evaluation.metrics.multi_label import UNLABELLED, Unlabelled
from avtool.inference.outputs import MOST_ROLLS
from avtool.tasks.classification.augment_recipe import AugmentRecipe
from avtool.tasks.recipe import ClipsRecipe, ModelRecipe
from avtool.training.recipe import GroupRecipe, TrainRecipe

TaskName = Literal["auto", "single-label", "multi-label", "verb-noun"]


Modalities = Annotated[tuple[Literal["audio", "video"], ...], BeforeValidator(listed)]


class ClassifierRecipe(ModelRecipe):
    """A classifier to train."""

    name: str = option("cnn", "The architecture: cnn, ast_base, mbt_tiny, …", flag="--model", min_length=1)
    modalities: Modalities | None = option(None, "Inputs of a model of both: audio, video.  [default: both]")
    drop_path: float | None = option(
        None,
        "Stochastic depth of the last block, growing linearly from 0; without effect on models without it.",
        ge=0,
        lt=1,
    )
    freeze: bool = option(
        False,
        "Train the last layer alone, on frozen features; with lars behind a batch norm, from N(0, 0.01).",
        flag="--freeze",
    )

    @model_validator(mode="after")
    def _check(self) -> "ClassifierRecipe":
        if self.modalities is not None and "modalities" in self.arguments:
            raise ValueError(
                "model.modalities and model.arguments.modalities are one setting: set one of them"
            )
        if self.drop_path is not None and "drop_path" in self.arguments:
            raise ValueError("model.drop_path and model.arguments.drop_path are one setting: set one of them")
        if self.modalities is not None and not 0 < len(self.modalities) == len(set(self.modalities)):
            raise ValueError("model.modalities names audio, video, or both, each once")
        return self


class DataRecipe(ClipsRecipe, SpectrogramRecipe):
    """Training and validation clips, their labels, and the segments that are taken of them."""

    task: TaskName = option("auto", "Kind of labels; auto: inferred from the dataset.", flag="--task")
    cut: Literal["start", "centre", "random"] = option("random", "Segment of a longer clip in training.")
    windows: int = option(
        1, "Segments of each clip that are scored and averaged in validation.", ge=1, le=100
    )
    unlabelled: Unlabelled = option("skip", UNLABELLED)
    tta_shifts: int = option(
        1,
        "Test-time augmentation: circular shifts in time whose logits are averaged; goes with time_roll.",
        formerly="rolls",
        ge=1,
        le=MOST_ROLLS,
    )
    review: Path | None = option(
        None,
        "Decisions of `avtool review` to apply to the clips.",
        identity=False,  # what they leave is an input of the run
    )
    frame_features: Path | None = option(
        None,
        "Features of the clips' frames, for AST-MM: the table of `avtool embed`, or a `features` artifact.",
        flag="--frame-features",
        identity=False,  # their content is an input of the run
    )
    interpolation: Literal["bilinear", "bicubic"] = option("bilinear", "Scaling of images; MAE: bicubic.")
    video: VideoSettings = Field(default_factory=VideoSettings)

    @property
    def image(self) -> VideoSettings:
        """The settings of images: scaled bicubically, they are read at their full size."""
        if self.interpolation == "bilinear" or isinstance(self.video, ImageSettings):
            return self.video
        return ImageSettings(**{**self.video.model_dump(), "num_frames": 1})


class LossRecipe(Recipe):
    """The loss."""

    smoothing: float = option(0.1, "Label smoothing; MBT: 0.3.", ge=0, lt=1)
    over_classes: Literal["mean", "sum"] = option(
        "mean", "Multi-label: mean over classes (AST, SAM-S), or sum (MBT), C times as steep."
    )
    per_modality: bool = option(
        True,
        "Average the losses of each modality's logits, where a model gives several (MBT).",
        formerly="each_modality",
    )


class FinetuneRecipe(TrainRecipe):
    """`avtool finetune`."""

    model: ClassifierRecipe = Field(default_factory=ClassifierRecipe)
    data: DataRecipe = Field(default_factory=DataRecipe)
    augment: AugmentRecipe = Field(default_factory=AugmentRecipe)
    loss: LossRecipe = Field(default_factory=LossRecipe)
    video_encoder: GroupRecipe = Field(default_factory=GroupRecipe)
