"""A model's doubts about the events of a dataset: which to review first, and where it disagrees."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from avtool.core.artifact import settings_hash
from avtool.core.files import sha256_of, writing
from avtool.core.paths import cache_folder
from avtool.core.reporter import Reporter
from avtool.core.requirements import require
from avtool.data.dataset import open_dataset
from avtool.data.items import clip_items

if TYPE_CHECKING:
    from avtool.data.labels import LabelKind

_BITS = 1e-12


@dataclass(frozen=True, slots=True)
class Doubt:
    """What a model predicts for an event.

    Attributes:
        label: the most probable class.
        probability: of it.
        doubt: 0 (sure) to 1. Of one label a clip: one minus the margin between the two most probable
            classes. Of several: the largest entropy, in bits, among the event's own classes and the most
            probable one.
        disagrees: whether one of the event's k classes is not among the k most probable ones; None where
            the model has none of its labels.
    """

    label: str
    probability: float
    doubt: float
    disagrees: bool | None


def find_doubts(dataset: Path, model: Path, reporter: Reporter, *, jobs: int = 1) -> dict[str, Doubt]:
    """Predicts every clip of a dataset; scores of an earlier review with the same model are kept.

    Args:
        dataset: a dataset.
        model: a model, a run, or a checkpoint: any classifier that `avtool predict` takes.
        reporter: gets progress, and the clips that fail: they have no doubt.
        jobs: processes, each of which loads the model; -1 for one a processor.

    Returns:
        By clip id.

    Raises:
        AvtoolError: the model cannot be used, or no clip could be predicted.
    """
    require("torch", "learn")
    from avtool.inference.files import load_predictor, score_all
    from avtool.inference.recipes import PredictRecipe
    from avtool.inference.score import Scored
    from avtool.models.foreign import locate
    from avtool.models.model_files import WEIGHTS

    recipe = PredictRecipe()
    predictor = load_predictor(model, recipe, reporter)
    content = sha256_of(locate(model) / WEIGHTS)
    parts = cache_folder() / "review" / settings_hash([content, str(dataset.absolute())])
    with writing(parts):
        parts.mkdir(parents=True, exist_ok=True)
    items = clip_items(open_dataset(dataset))
    scores = score_all(items, parts, predictor, recipe, reporter, jobs=jobs, fail_fast=False)
    labels, task = predictor.outputs.labels, predictor.outputs.task
    return {
        score.item.name: doubt_of(
            np.array(score.found.probabilities),
            labels,
            score.item.clip.labels if score.item.clip else (),
            task,
        )
        for score in scores
        if isinstance(score.found, Scored)
    }


def doubt_of(
    probabilities: NDArray[np.float64], classes: Sequence[str], labels: Sequence[str], task: "LabelKind"
) -> Doubt:
    """The doubt about one event.

    Args:
        probabilities: (C,) of the classes.
        classes: their names.
        labels: of the event.
        task: what the model was trained for.
    """
    order = np.argsort(-probabilities, kind="stable")
    best = int(order[0])
    own = [classes.index(label) for label in dict.fromkeys(labels) if label in classes]
    if task == "multi-label":
        looked_at = np.clip(probabilities[[best, *own]], _BITS, 1 - _BITS)
        entropy = -looked_at * np.log2(looked_at) - (1 - looked_at) * np.log2(1 - looked_at)
        doubt = float(entropy.max())
    else:
        second = float(probabilities[order[1]]) if len(order) > 1 else 0.0
        doubt = 1.0 - (float(probabilities[best]) - second)
    disagrees = not set(own) <= set(order[: len(own)].tolist()) if own else None
    return Doubt(classes[best], round(float(probabilities[best]), 4), round(doubt, 4), disagrees)
