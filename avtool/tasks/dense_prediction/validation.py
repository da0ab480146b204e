"""Validation of a detector or segmenter: the loss, and average precision or mean IoU."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from avtool.core.reporter import Reporter, Silent
from avtool.evaluation.dense_scores import score_images
from avtool.models.zoo.dense_prediction import DensePredictor
from avtool.models.zoo.row import Row
from avtool.tasks.dense_prediction.annotated import AnnotatedImages
from avtool.tasks.dense_prediction.recipe import DensePredictionRecipe
from avtool.training.validation import Validation

if TYPE_CHECKING:
    import torch

_OBJECTS, _PIXELS = ("AP", "AP50", "AP75"), ("mIoU", "pixel_accuracy")


@dataclass(frozen=True)
class DenseValidation:
    """Scores a network on annotated images.

    Attributes:
        losses: over the same images.
        data: their annotations.
        row: what is trained.
        names: its classes.
        recipe: batch size and side.
        reporter: receives nothing but errors.
    """

    losses: Validation
    data: AnnotatedImages
    row: Row
    names: Sequence[str]
    recipe: DensePredictionRecipe
    reporter: Reporter

    @property
    def metric(self) -> str:
        """What selects the best checkpoint."""
        return self._metrics[0]

    @property
    def _metrics(self) -> Sequence[str]:
        pixels = self.row.task == "segmentation" and "instance" not in self.row.name
        return _PIXELS if pixels else _OBJECTS

    def __call__(self, model: Any, device: "torch.device") -> Mapping[str, float]:
        losses = self.losses(model, device)
        predictor = DensePredictor(
            self.row, side=self.recipe.data.side, classes=self.names, device=device, network=model.host
        )
        size = self.recipe.loop.batch_size
        scores = score_images(predictor, self.data.annotations, size, 0.0, Silent())
        return {**losses, **{name: scores[name] for name in self._metrics}}
