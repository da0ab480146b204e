"""Calibration: the threshold of each class that finds the captioned events of films best."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

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


@dataclass(frozen=True)
class FilmCounts:
    """Detections in a film, by threshold of `GRID` and class.

    Attributes:
        seconds: its duration.
        found: detections (G, C).
        right: those that match a captioned onset of the class, each in one pair, (G, C).
        true: captioned events of each class, (C,).
    """

    seconds: float
    found: NDArray[np.int64]
    right: NDArray[np.int64]
    true: NDArray[np.int64]


def count_film(
    labels: Sequence[str],
    seconds: float,
    found: Mapping[float, Iterable[Event]],
    true: Mapping[str, Sequence[float]],
    tolerance: float,
) -> FilmCounts:
    """Counts the detections of a film.

    Args:
        labels: of the classes.
        seconds: its duration.
        found: the events at each threshold of `GRID`.
        true: the captioned onsets of each label, ascending.
        tolerance: seconds between the onsets of a captioned event and of its detection.
    """
    places = {label: place for place, label in enumerate(labels)}
    detected, right = np.zeros((2, len(GRID), len(labels)), np.int64)
    events = np.zeros(len(labels), np.int64)
    for label, onsets in true.items():
        events[places[label]] += len(onsets)
    for row, threshold in enumerate(GRID):
        starts: dict[str, list[float]] = {}
        for event in found[threshold]:
            starts.setdefault(event.label, []).append(event.start)
        for label, begins in starts.items():
            detected[row, places[label]] += len(begins)
            right[row, places[label]] += count_matches(begins, true.get(label, ()), tolerance)
    return FilmCounts(seconds, detected, right, events)


def choose_thresholds(
    films: Sequence[FilmCounts],
    labels: Sequence[str],
    defaults: NDArray[np.float64],
    *,
    min_events: int,
    per_hour: float,
) -> list[ClassCalibration]:
    """The threshold of each class with the best F1 by onset.

    Args:
        films: at least one.
        labels: of the classes.
        defaults: thresholds (C,) of classes with too few events; they are raised, never lowered.
        min_events: captioned events that a class needs for a threshold of its own.
        per_hour: detections an hour that a class with fewer may have that no caption mentions.
    """
    hours = max(sum(film.seconds for film in films) / 3600, 1e-9)
    found, right, true = (
        np.sum([getattr(film, name) for film in films], axis=0) for name in ("found", "right", "true")
    )
    chosen = []
    for place, label in enumerate(labels):
        events, default = int(true[place]), float(defaults[place])
        if default > 1 or events < min_events or not right[:, place].any():
            wrong = found[:, place] - right[:, place]
            chosen.append(ClassCalibration(label, _quiet(wrong, default, per_hour * hours), events))
            continue
        hits, detected = right[:, place], found[:, place]
        f1 = 2 * hits / np.maximum(1, detected + events)
        best = len(GRID) - 1 - int(f1[::-1].argmax())  # of equal ones the highest
        shares = hits[best] / max(1, detected[best]), hits[best] / events, f1[best]
        chosen.append(ClassCalibration(label, GRID[best], events, *map(float, shares)))
    return chosen


def _quiet(wrong: NDArray[np.int64], default: float, most: float) -> float:
    pairs = zip(GRID, wrong.tolist(), strict=True)
    quiet = (value for value, count in pairs if value >= default and count <= most)
    return min(quiet, default=max(default, GRID[-1]))


def raised(chosen: Sequence[ClassCalibration], amount: float) -> list[ClassCalibration]:
    """The same thresholds, higher by an amount and at most the highest of `GRID`; those above 1 stay."""
    return [
        one
        if one.threshold > GRID[-1]
        else replace(one, threshold=min(GRID[-1], round(one.threshold + amount, 2)))
        for one in chosen
    ]


def count_matches(found: Sequence[float], true: Sequence[float], tolerance: float) -> int:
    """The most pairs of found and true onsets within the tolerance, each in one pair."""
    matched, place = 0, 0
    ordered = sorted(true)
    for onset in sorted(found):
        while place < len(ordered) and ordered[place] < onset - tolerance:
            place += 1
        if place < len(ordered) and ordered[place] <= onset + tolerance:
            matched, place = matched + 1, place + 1
    return matched
