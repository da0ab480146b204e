"""The score of a file over its windows, one batch of them in memory at a time."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.data.inputs.spec import Window
from avtool.data.items import Item
from avtool.inference.events import Event, EventFinder
from avtool.inference.recipes import PredictRecipe
from avtool.inference.windows import (
    ROUNDING_S,
    covering_windows,
    cropped,
    in_batches,
    iter_windows,
    spaced_windows,
)

if TYPE_CHECKING:
    from avtool.inference.predictor import Predictor


@dataclass(frozen=True)
class Scored:
    """The score of one file: all that a later run needs.

    Attributes:
        state: of the file, when it was read.
        seconds: its duration.
        logits, probabilities: of each class, averaged over the windows.
        events: empty without `recipe.events`.
        frames: start, end and probabilities of each part of the file; empty unless they are written.
    """

    state: list[object]
    seconds: float
    logits: list[float]
    probabilities: list[float]
    events: list[Event]
    frames: list[list[float]] = field(default_factory=list)


@dataclass(frozen=True)
class FilePrediction:
    """The prediction of one file, as `Predictor.predict` returns it.

    Attributes:
        name: the file, or the clip's id.
        seconds: its duration.
        labels: names of the classes.
        probabilities: (classes,), averaged over the windows.
        events: empty without event detection.
    """

    name: str
    seconds: float
    labels: tuple[str, ...]
    probabilities: NDArray[np.float64]
    events: list[Event]

    @property
    def label(self) -> str:
        """The most probable class."""
        return self.labels[int(np.argmax(self.probabilities))]

    @property
    def probability(self) -> float:
        """Of that class."""
        return float(self.probabilities.max())


def score_file(item: Item, predictor: "Predictor", recipe: PredictRecipe, reporter: Reporter) -> Scored:
    """Scores a file, or a clip.

    Raises:
        BadInputError: it cannot be read, has nothing that the model takes, or its logits are not finite.
    """
    item.ready()
    outputs, length = predictor.outputs, predictor.inputs.seconds
    hop = recipe.hop or predictor.inputs.hop or (length / 2 if recipe.events else length)
    given = cropped(_windows(item, predictor, recipe, hop, reporter), predictor.inputs)
    frames: list[list[float]] = []
    finder = EventFinder(
        outputs.labels, recipe.threshold, recipe.merge_gap, recipe.min_duration, hop,
        frames=frames if "scores" in recipe.formats else None,
    )  # fmt: skip
    state, end, count = item.state(), 0.0, 0
    logit_sum, probability_sum = np.zeros((2, len(outputs.labels)))
    for windows in in_batches(given, recipe.batch_size):
        logits = predictor.logits(windows)
        if not np.isfinite(logits).all():
            raise BadInputError(f"the logits of `{item.path}` are not finite", "train the model again")
        probabilities = predictor.probabilities(logits)
        end = windows[-1].end
        whole = [
            predictor.inputs.hop or window.end - window.start > length - ROUNDING_S for window in windows
        ]
        counted = np.array(whole, bool) if count or any(whole) else np.ones(len(windows), bool)
        logit_sum += logits[counted].sum(axis=0, dtype=np.float64)
        probability_sum += probabilities[counted].sum(axis=0)
        count += int(counted.sum())
        if recipe.events:
            for window, values in zip(windows, probabilities, strict=True):
                finder.add(window.start, window.end, values)
    if (recipe.average or outputs.average) == "logits":
        mean = (logit_sum / count).astype(np.float32)
        shown = predictor.probabilities(mean[None])[0]
    else:  # logarithms of the mean probabilities rank, and score, as these do
        shown = probability_sum / count
        mean = np.log(np.maximum(shown, np.finfo(np.float32).tiny)).astype(np.float32)
    return Scored(state, round(end, 3), mean.tolist(), shown.tolist(), finder.finish(), frames)


def _windows(
    item: Item, predictor: "Predictor", recipe: PredictRecipe, hop: float, reporter: Reporter
) -> Iterable[Window]:
    """The windows that are averaged; those of events, and of a model with a hop of its own, tile the file."""
    inputs = predictor.inputs
    if recipe.windows is not None:
        return spaced_windows(item, inputs, recipe.windows)
    if recipe.events or (recipe.hop is None and inputs.hop):
        return iter_windows(item, inputs, hop, reporter)
    return covering_windows(item, inputs, hop, reporter)
