"""Accuracy of mining: the events that it found against a film's ground truth.

Found and true events are matched one to one, the nearest starts first, where the starts lie within a
tolerance and a sound is the same, or neither has one ("engine starts" is a source and a quality).
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from avtool.core.errors import BadInputError

_NO_SOUND_EVENTS = {"song", "speech"}  # sung and foreign words are captioned in brackets too


@dataclass(frozen=True, slots=True)
class LabelledStart:
    """An event: when it starts, in film seconds, and its labels."""

    start: float
    sounds: frozenset[str]
    sources: frozenset[str]
    qualities: frozenset[str]


@dataclass(frozen=True)
class EventScores:
    """The comparison of one or more films.

    Attributes:
        num_true, num_found, num_matched: events.
        sources_right, qualities_right: share of the matched events whose stated labels agree.
        errors_s: (matched,) found minus true start, in seconds.
    """

    num_true: int
    num_found: int
    num_matched: int
    sources_right: float
    qualities_right: float
    errors_s: tuple[float, ...]

    @property
    def recall(self) -> float:
        """Share of the true events that were found."""
        return self.num_matched / max(1, self.num_true)

    @property
    def precision(self) -> float:
        """Share of the found events that are true."""
        return self.num_matched / max(1, self.num_found)

    def start_error(self, percentile: float) -> float:
        """A percentile of the absolute start error in seconds."""
        return float(np.percentile(np.abs(self.errors_s), percentile)) if self.errors_s else float("nan")


def score_events(
    found: Sequence[LabelledStart], true: Sequence[LabelledStart], tolerance_s: float = 0.5
) -> EventScores:
    """Matches found to true events of one film, and compares their labels."""
    pairs = sorted(
        (abs(one.start - other.start), i, j)
        for i, one in enumerate(true)
        for j, other in enumerate(found)
        if abs(one.start - other.start) <= tolerance_s
        if one.sounds & other.sounds or not (one.sounds or other.sounds)
    )
    taken_true: set[int] = set()
    taken_found: set[int] = set()
    matches: list[tuple[LabelledStart, LabelledStart]] = []
    for _, i, j in pairs:
        if i not in taken_true and j not in taken_found:
            taken_true.add(i)
            taken_found.add(j)
            matches.append((true[i], found[j]))
    return EventScores(
        len(true),
        len(found),
        len(matches),
        _share(one.sources == other.sources for one, other in matches),
        _share(one.qualities == other.qualities for one, other in matches),
        tuple(other.start - one.start for one, other in matches),
    )


def _share(outcomes: Iterable[bool]) -> float:
    values = list(outcomes)
    return sum(values) / len(values) if values else 1.0


def merge_scores(scores: Sequence[EventScores]) -> EventScores:
    """The scores of several films together."""
    weights = [score.num_matched for score in scores]
    total = max(1, sum(weights))
    return EventScores(
        sum(score.num_true for score in scores),
        sum(score.num_found for score in scores),
        sum(weights),
        sum(score.sources_right * weight for score, weight in zip(scores, weights, strict=True)) / total,
        sum(score.qualities_right * weight for score, weight in zip(scores, weights, strict=True)) / total,
        tuple(error for score in scores for error in score.errors_s),
    )


def found_events(rows: Iterable[Mapping[str, Any]], film_id: str) -> list[LabelledStart]:
    """The events of one film in a mined manifest; sung lyrics are not sound events of the ground truth."""
    return [
        LabelledStart(
            row["event_start"],
            frozenset(row["sounds"]),
            frozenset(row["sources_stated"]),
            frozenset(row["qualities"]),
        )
        for row in rows
        if row["group"] == film_id and not row["lyrics"]
    ]


def read_true_events(path: Path) -> list[LabelledStart]:
    """Reads a table of true events (columns start, sound, source, quality; `;` between several).

    Raises:
        BadInputError: a column is missing, or a start is no number.
    """
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    try:
        return [
            LabelledStart(
                float(row["start"]), *(_labels(row[name]) for name in ("sound", "source", "quality"))
            )
            for row in rows
            if row.get("kind") not in _NO_SOUND_EVENTS
        ]
    except (KeyError, ValueError) as error:
        message = f"`{path}` is not a table of events ({error})"
        raise BadInputError(message, "its columns are start,sound,source,quality") from error


def _labels(cell: str) -> frozenset[str]:
    return frozenset(part.strip() for part in cell.split(";") if part.strip())
