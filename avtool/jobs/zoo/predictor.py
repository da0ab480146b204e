"""The network of a row for detection or segmentation, with its weights, classes and device."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.jobs.zoo.recipes import RunRecipe, ScoreRecipe
from avtool.models.zoo.catalogue import find_row, need_builder

if TYPE_CHECKING:
    from avtool.models.zoo.dense_prediction import DensePredictor


def open_predictor(
    name: str,
    recipe: RunRecipe | ScoreRecipe,
    reporter: Reporter,
    *,
    weights: Path | None,
    pretrained: bool,
    options: Mapping[str, Any] | None,
    classes: Sequence[str],
    default_classes: Sequence[str] = (),
) -> "DensePredictor":
    """The network of a row, ready to be run; see `run`.

    A trained model brings its classes, options and size; other weights have `default_classes`.
    """
    row = need_builder(find_row(name))
    if pretrained and weights is not None:
        raise BadInputError("--pretrained and --weights are both given", "give one of them")
    reporter.info(f"building `{row.name}` by {row.library}")
    import torch

    from avtool.models.runtime import choose_device
    from avtool.models.zoo.dense_prediction import DensePredictor
    from avtool.models.zoo.trained import trained_row

    device = choose_device(recipe.device)
    reporter.info(f"device: {device}")
    side = recipe.side
    trained = trained_row(weights, row) if weights is not None else None
    if trained is not None:
        weights, side = trained.weights, side or trained.side
        options, classes = {**trained.options, **(options or {})}, classes or trained.classes
    predictor = DensePredictor(
        row, weights=weights, pretrained=pretrained, side=side, options=options,
        classes=classes or default_classes, device=torch.device(device.value),
    )  # fmt: skip
    if not pretrained and weights is None:
        reporter.warn(f"`{row.name}` has random weights: give --pretrained or --weights for others")
    return predictor
