"""Features and logits of short clips in memory: a few windows of each, for probes, retrieval and scoring."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from avtool.core.arrays import Ints
from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.data.items import Item
from avtool.inference.windows import covering_windows, cropped, iter_windows, spaced_windows

if TYPE_CHECKING:
    from avtool.inference.predictor import Predictor


@dataclass(frozen=True)
class ClipFeatures:
    """Features of the windows of clips.

    Attributes:
        values: (windows, D).
        owners: (windows,) the place of each window's clip.
        count: clips; each has a window.
    """

    values: NDArray[np.float32]
    owners: Ints
    count: int


def embed_clips(
    predictor: "Predictor", items: Sequence[Item], windows: int, reporter: Reporter
) -> ClipFeatures:
    """Embeds evenly spaced windows of clips.

    Args:
        predictor: the encoder.
        items: the clips.
        windows: of each; a clip that is no longer than a window gives one.
        reporter: gets progress.

    Raises:
        BadInputError: a clip cannot be read; the message names it.
    """
    values, owners = [], []
    with reporter.progress("embedding", len(items)) as bar:
        for number, item in enumerate(items):
            try:
                values.append(predictor.features(spaced_windows(item, predictor.inputs, windows)))
            except BadInputError as error:
                raise BadInputError(f"clip `{item.name}`: {error.message}", error.hint) from error
            owners += [number] * len(values[-1])
            bar.advance()
    return ClipFeatures(np.concatenate(values), np.array(owners, np.int64), len(items))


def score_clips(
    predictor: "Predictor", items: Sequence[Item], windows: int | None, reporter: Reporter
) -> NDArray[np.float32]:
    """The scores of clips, (clips, classes).

    Args:
        predictor: the classifier.
        items: the clips.
        windows: evenly spaced windows of each, whose probabilities are averaged (the scores are their
            logarithms); None tiles each clip and averages what the model does, logits as a rule.
        reporter: gets progress.

    Raises:
        BadInputError: a clip cannot be read.
    """
    rows = []
    with reporter.progress("scoring", len(items)) as bar:
        for item in items:
            if windows is None:
                own, length = predictor.inputs.hop, predictor.inputs.seconds
                tile = iter_windows if own else covering_windows
                found = list(tile(item, predictor.inputs, own or length))
            else:
                found = spaced_windows(item, predictor.inputs, windows)
            logits = predictor.logits(list(cropped(found, predictor.inputs)))
            if windows is None and predictor.outputs.average == "logits":
                rows.append(logits.mean(axis=0))
            else:
                mean = predictor.probabilities(logits).mean(axis=0)
                rows.append(np.log(np.maximum(mean, np.finfo(np.float32).tiny)).astype(np.float32))
            bar.advance()
    return np.stack(rows)
