"""Recipe of detection and segmentation."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator

from avtool.core.recipe import Recipe, option
from avtool.training.recipe import GroupRecipe, LoopRecipe, OptimizerRecipe, ScheduleRecipe, TrainRecipe


class DenseModelRecipe(Recipe):
    """The row and its initial weights."""

    name: str = option("detr-r50", "Row for detection or segmentation: its name or key.", flag="--model")
    options: dict[str, Any] = option(
        {}, "Keyword arguments of the row's builder over its own, such as { num_queries = 20 }."
    )
    init: Path | None = option(
        None,
        "Initial weights of the whole network: a file, or a run; those of other classes are dropped.",
        flag="--init",
        identity=False,  # its content is an input of the run
    )


class AnnotatedImagesRecipe(Recipe):
    """Annotated images."""

    images: Path | None = option(
        None,
        "Folder of the images.  [default: that of the annotations, or `images` beside]",
        flag="--images",
        identity=False,  # its content is an input of the run
    )
    masks: Path | None = option(
        None,
        "Folder of a PNG of category ids an image.  [default: the masks of the annotations]",
        flag="--masks",
        identity=False,
    )
    val: Path | None = option(
        None,
        "Annotations to validate on.  [default: `val.json`, or those of COCO's layout]",
        flag="--val",
        identity=False,
    )
    val_images: Path | None = option(None, "Folder of their images.", flag="--val-images", identity=False)
    val_masks: Path | None = option(None, "Folder of their PNGs.", identity=False)
    side: int | None = option(
        None, "Side that images are scaled to.  [default: the row's]", flag="--image-size", ge=16, le=4096
    )
    flip: float = option(0.5, "Probability of a horizontal flip.", ge=0, le=1)
    background: bool = option(
        True, "Pixels without an annotation are a class of their own; else they do not count."
    )


class DenseAugmentRecipe(Recipe):
    """Random geometry and colour of training images, beside `data.flip`; off by default."""

    sides: tuple[Annotated[int, Field(ge=16, le=4096)], ...] = option(
        (), "Shorter sides, one of which an image is scaled to; empty: the side of validation."
    )
    longest: int | None = option(
        None, "Longest side at any of these.  [default: 5/3 of the shorter]", ge=16, le=8192
    )
    crop: float = option(0.0, "Probability of a crop before that; 0 disables.", ge=0, le=1)
    crop_before: tuple[Annotated[int, Field(ge=16, le=4096)], ...] = option(
        (400, 500, 600), "Shorter sides, one of which an image is scaled to before the crop; empty: its own."
    )
    crop_sides: tuple[int, int] = option((384, 600), "Smallest and largest side of the crop, in pixels.")
    scales: tuple[float, float] | None = option(
        None,
        "Smallest and largest factor on the side: a square of the side is cut from the scaled image.",
    )
    max_share: float = option(
        0.75, "Largest share of such a square that one class of pixels fills; 1 accepts any.", gt=0, le=1
    )
    distort: float = option(
        0.0, "Probability each of other brightness, contrast, saturation and hue; 0 disables.", ge=0, le=1
    )

    @field_validator("crop_sides", "scales")
    @classmethod
    def _ascending(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        if value is not None and not 0 < value[0] <= value[1]:
            raise ValueError(f"{value[0]} and {value[1]} are no range of positive numbers")
        return value

    @property
    def changes(self) -> bool:
        """Whether an image is cropped or coloured."""
        return bool(self.crop or self.scales or self.distort)


class DenseOptimizer(OptimizerRecipe):
    """AdamW as DETR has it (Carion et al., 2020)."""

    lr: float = option(1e-4, "Learning rate at the schedule's peak.", flag="--lr", gt=0, le=1000)
    weight_decay: float = option(1e-4, "Weight decay of weight matrices.", ge=0, lt=1)
    clip_norm: float = option(0.1, "Maximum gradient norm; 0 disables clipping.", ge=0)


class DenseSchedule(ScheduleRecipe):
    """Cosine after a short warm-up."""

    warmup_epochs: float = option(1.0, "Warm-up in epochs.", ge=0)


class BackboneGroup(GroupRecipe):
    """A tenth of the rate."""

    rate: float = option(0.1, "Factor on the learning rate of the optimiser.", gt=0)


class DenseLoop(LoopRecipe):
    """Fifty epochs of small batches."""

    epochs: int = option(50, "Epochs.", flag="--epochs", ge=1, le=10**9)
    batch_size: int = option(4, "Batch size per process, in images.", flag="--batch-size", ge=1)


class DensePredictionRecipe(TrainRecipe):
    """`avtool train dense-prediction`."""

    model: DenseModelRecipe = Field(default_factory=DenseModelRecipe)
    data: AnnotatedImagesRecipe = Field(default_factory=AnnotatedImagesRecipe)
    augment: DenseAugmentRecipe = Field(default_factory=DenseAugmentRecipe)
    optimizer: DenseOptimizer = Field(default_factory=DenseOptimizer)
    schedule: DenseSchedule = Field(default_factory=DenseSchedule)
    backbone: BackboneGroup = Field(default_factory=BackboneGroup)
    loop: DenseLoop = Field(default_factory=DenseLoop)
