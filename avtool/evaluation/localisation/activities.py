"""Ego4D MQ's metrics: mAP of detected activities, and recall of retrieved ones (R@1x to R@5x)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from avtool.core.arrays import Floats
from avtool.data.readers.video_queries import Window
from avtool.evaluation.localisation.overlap import average_precision, tiou

DETECTION: Final = (0.1, 0.2, 0.3, 0.4, 0.5)
"""tIoU of detection: at or above."""
RETRIEVAL: Final = (0.3, 0.5, 0.7)
"""tIoU of retrieval: above."""
MULTIPLES: Final = (1, 2, 3, 4, 5)

Instances = Mapping[str, Mapping[str, Sequence[Window]]]
"""Clip → label → windows."""


@dataclass(frozen=True, slots=True)
class Activity:
    """A predicted activity: label, start and end in seconds, confidence."""

    label: str
    start: float
    end: float
    score: float


Activities = Mapping[str, Sequence[Activity]]
"""Clip → predictions, in the order of the file."""


def detection(truth: Instances, predicted: Activities) -> Mapping[str, Floats]:
    """Average precision at `DETECTION`, (5,) in [0, 1], of each label of the truth; no other label counts."""
    instances: dict[str, list[tuple[str, Window]]] = {}
    for clip, labels in truth.items():
        for label, windows in labels.items():
            instances.setdefault(label, []).extend((clip, window) for window in windows)
    by_label: dict[str, list[tuple[str, Activity]]] = {label: [] for label in instances}
    for clip, rows in predicted.items():
        for one in rows:
            if one.label in by_label:
                by_label[one.label].append((clip, one))
    return {label: _precision(found, by_label[label]) for label, found in instances.items()}


def _precision(instances: Sequence[tuple[str, Window]], predicted: Sequence[tuple[str, Activity]]) -> Floats:
    places: dict[str, list[int]] = {}
    for index, (clip, _) in enumerate(instances):
        places.setdefault(clip, []).append(index)
    overlaps = []
    for clip, one in predicted:
        indices = places.get(clip, [])
        windows = [instances[index][1] for index in indices]
        overlaps.append((np.array(indices, dtype=np.int64), tiou([(one.start, one.end)], windows)[0]))
    return average_precision([one.score for _, one in predicted], overlaps, len(instances), DETECTION)


def retrieval(truth: Instances, predicted: Activities) -> Floats:
    """Recall of instances, (multiples, tIoU): of a label with n instances in a clip, k·n predictions count.

    They count in the order of the file, whatever their scores.
    """
    found = []
    for clip, labels in truth.items():
        for label, windows in labels.items():
            rows = [(one.start, one.end) for one in predicted.get(clip, ()) if one.label == label]
            near = tiou(rows, windows, hull=True)[..., None] > np.asarray(RETRIEVAL)
            hits = [near[: multiple * len(windows)].any(axis=0) for multiple in MULTIPLES]
            found.append(np.stack(hits, axis=1))
    return np.asarray(np.concatenate(found).mean(axis=0))
