"""The score of a file: of its windows one after the other, in memory that its length does not change."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.inference.events import Event, EventFinder
from avtool.inference.predict_recipe import PredictRecipe
from avtool.inference.sources import Item
from avtool.inference.windows import in_batches, iter_windows

if TYPE_CHECKING:
    from avtool.inference.classifier import Classifier


@dataclass(frozen=True)
class Scored:
    """What is known of one file: all that a later run needs.

    Attributes:
        state: of the file, when it was read.
        seconds: its length.
        logits, probabilities: of each class, the windows' averaged.
        events: empty where none were asked for.
    """

    state: list[object]
    seconds: float
    logits: list[float]
    probabilities: list[float]
    events: list[Event]


def score_file(item: Item, classifier: "Classifier", recipe: PredictRecipe, reporter: Reporter) -> Scored:
    """Scores a file, or a clip.

    Raises:
        BadInputError: it cannot be read, has nothing that the model takes, or the model answers with NaN.
    """
    item.ready()
    preprocess = classifier.preprocess
    length = preprocess.seconds if "audio" in preprocess.inputs else preprocess.video.seconds
    hop = recipe.hop or (length / 2 if recipe.events else length)
    finder = EventFinder(preprocess.labels, recipe.threshold, recipe.merge_gap, recipe.min_duration, hop)
    state, end, count = item.state(), 0.0, 0
    logit_sum = np.zeros(len(preprocess.labels))
    probability_sum = np.zeros(len(preprocess.labels))
    for windows in in_batches(iter_windows(item, preprocess, hop, reporter), recipe.batch_size):
        logits = classifier.score(windows)
        if not np.isfinite(logits).all():
            raise BadInputError(f"the model answers `{item.path}` with numbers that are not finite")
        probabilities = classifier.probabilities(logits)
        logit_sum += logits.sum(axis=0, dtype=np.float64)
        probability_sum += probabilities.sum(axis=0)
        count += len(windows)
        end = windows[-1].end
        if recipe.events:
            for window, values in zip(windows, probabilities, strict=True):
                finder.add(window.start, window.end, values)
    if recipe.average == "logits":
        mean = (logit_sum / count).astype(np.float32)
        shown = classifier.probabilities(mean[None])[0]
    else:  # logarithms of the mean probabilities rank, and score, as these do
        shown = probability_sum / count
        mean = np.log(np.maximum(shown, np.finfo(np.float32).tiny)).astype(np.float32)
    return Scored(state, round(end, 3), mean.tolist(), shown.tolist(), finder.finish())
