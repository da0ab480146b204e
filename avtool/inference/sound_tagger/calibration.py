"""Calibration: the threshold of each class that finds the captioned events of films best."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from avtool.inference.events import Event

GRID = tuple(round(0.05 * step, 2) for step in range(2, 20))
"""The thresholds that are tried."""


@dataclass(frozen=True)
class ClassCalibration:
    """A class at its threshold.

    Attributes:
        label: the class.
        threshold: the chosen one.
        events: captioned events of the class.
        precision, recall, f1: of its detections, by onset; NaN where the class keeps its threshold.
    """

    label: str
    threshold: float
    events: int
    precision: float = float("nan")
    recall: float = float("nan")
    f1: float = float("nan")


@dataclass
class Calibration:
    """Counts of right, wrong and missed detections by class and threshold, film by film.

    Attributes:
        labels: of the classes.
        tolerance: seconds between the onsets of a captioned event and of its detection.
        seconds: of film.
    """

    labels: Sequence[str]
    tolerance: float
    seconds: float = 0.0
    _right: NDArray[np.int64] = field(init=False)
    _found: NDArray[np.int64] = field(init=False)
    _true: NDArray[np.int64] = field(init=False)
    _starts: dict[tuple[int, int], list[float]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        self._right, self._found = np.zeros((2, len(GRID), len(self.labels)), np.int64)
        self._true = np.zeros(len(self.labels), np.int64)

    def add(
        self, seconds: float, found: Mapping[float, Iterable[Event]], true: Mapping[str, Sequence[float]]
    ) -> None:
        """A film.

        Args:
            seconds: its duration.
            found: the events at each threshold of `GRID`.
            true: the captioned onsets of each label.
        """
        begin = 60.0 * math.ceil(self.seconds / 60)  # films share no minute
        places = {label: place for place, label in enumerate(self.labels)}
        for label, onsets in true.items():
            self._true[places[label]] += len(onsets)
        for row, threshold in enumerate(GRID):
            starts: dict[str, list[float]] = {}
            for event in found[threshold]:
                starts.setdefault(event.label, []).append(event.start)
            for label, onsets in starts.items():
                self._found[row, places[label]] += len(onsets)
                right = count_matches(onsets, true.get(label, ()), self.tolerance)
                self._right[row, places[label]] += right
                self._starts[row, places[label]] += [begin + onset for onset in onsets]
        self.seconds = begin + seconds

    def choose(
        self, defaults: NDArray[np.float64], *, min_events: int, per_hour: float
    ) -> list[ClassCalibration]:
        """The threshold of each class.

        Args:
            defaults: thresholds (C,) of classes with too few events; they are raised, never lowered.
            min_events: captioned events that a class needs for a threshold of its own.
            per_hour: detections an hour that a class with fewer may have that no caption mentions.
        """
        hours = max(self.seconds / 3600, 1e-9)
        found = []
        for place, label in enumerate(self.labels):
            events = int(self._true[place])
            if defaults[place] > 1 or events < min_events or not self._right[:, place].any():
                threshold = self._quiet(place, float(defaults[place]), per_hour * hours)
                found.append(ClassCalibration(label, threshold, events))
                continue
            right, detected = self._right[:, place], self._found[:, place]
            f1 = 2 * right / np.maximum(1, detected + events)
            best = len(GRID) - 1 - int(f1[::-1].argmax())  # of equal ones the highest
            precision = right[best] / max(1, detected[best])
            found.append(
                ClassCalibration(
                    label, GRID[best], events, float(precision), float(right[best] / events), float(f1[best])
                )
            )
        return found

    def _quiet(self, place: int, default: float, most: float) -> float:
        wrong = self._found[:, place] - self._right[:, place]
        pairs = zip(GRID, wrong.tolist(), strict=True)
        quiet = (value for value, count in pairs if value >= default and count <= most)
        return min(quiet, default=max(default, GRID[-1]))

    def keep_rate(
        self, chosen: Sequence[ClassCalibration], per_minute: int
    ) -> tuple[list[ClassCalibration], float]:
        """The same thresholds, raised together until all but one minute in twenty keep a rate of events.

        Returns:
            The classes, and by how much their thresholds were raised.
        """
        for step in range(len(GRID)):
            raised = [self._raised(one, step) for one in chosen]
            if self._rate(raised) <= per_minute:
                break
        return raised, round(step * (GRID[1] - GRID[0]), 2)

    @staticmethod
    def _raised(one: ClassCalibration, steps: int) -> ClassCalibration:
        if one.threshold > GRID[-1] or not steps:
            return one
        return replace(one, threshold=min(GRID[-1], round(one.threshold + steps * (GRID[1] - GRID[0]), 2)))

    def _rate(self, chosen: Sequence[ClassCalibration]) -> float:
        """The 95th percentile of events in a minute."""
        minutes = np.zeros(max(1, math.ceil(self.seconds / 60)), np.int64)
        for place, one in enumerate(chosen):
            row = next((row for row, value in enumerate(GRID) if value >= one.threshold), None)
            if row is not None:
                for start in self._starts.get((row, place), ()):
                    minutes[min(len(minutes) - 1, int(start // 60))] += 1
        return float(np.percentile(minutes, 95))


def count_matches(found: Sequence[float], true: Sequence[float], tolerance: float) -> int:
    """The most pairs of found and true onsets within the tolerance, each in one pair; both are by time."""
    matched, place = 0, 0
    ordered = sorted(true)
    for onset in sorted(found):
        while place < len(ordered) and ordered[place] < onset - tolerance:
            place += 1
        if place < len(ordered) and ordered[place] <= onset + tolerance:
            matched, place = matched + 1, place + 1
    return matched
