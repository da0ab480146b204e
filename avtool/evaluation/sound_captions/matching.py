"""Matching of predicted and true sound cues, one to one, in the order of time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from avtool.evaluation.dense_captions.overlap import tiou
from avtool.evaluation.sound_captions.track import SoundCue

Same = Callable[[SoundCue, SoundCue], bool]
Pairs = list[tuple[int, int]]
"""Numbers of a prediction and of its reference."""


@dataclass(frozen=True, slots=True)
class EventCounts:
    """Numbers of true, found and matched events; counts of films are added."""

    true: int = 0
    found: int = 0
    matched: int = 0

    def __add__(self, other: "EventCounts") -> "EventCounts":
        return EventCounts(self.true + other.true, self.found + other.found, self.matched + other.matched)

    @property
    def precision(self) -> float:
        """Share of the found events that are true; 0 without any."""
        return self.matched / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        """Share of the true events that were found; 0 without any."""
        return self.matched / self.true if self.true else 0.0

    @property
    def f1(self) -> float:
        """Their harmonic mean."""
        return 2 * self.matched / (self.true + self.found) if self.true + self.found else 0.0


def any_sound(one: SoundCue, other: SoundCue) -> bool:  # noqa: ARG001 - a `Same`
    """All sounds are one: cues match by their times alone."""
    return True


def match_onsets(
    given: Sequence[SoundCue], truth: Sequence[SoundCue], tolerance: float, same: Same = SoundCue.is_same
) -> Pairs:
    """Each true cue, in the order of time, with the nearest free prediction of the same sound.

    Args:
        given: predictions.
        truth: true cues, in time order.
        tolerance: between the starts, in seconds.
        same: whether two cues caption the same sound.
    """
    order = sorted(range(len(given)), key=lambda place: given[place].start)
    pairs: Pairs = []
    taken: set[int] = set()
    first = 0
    for number, cue in enumerate(truth):
        while first < len(order) and given[order[first]].start < cue.start - tolerance - 1e-9:
            first += 1
        near: list[tuple[float, int]] = []
        for place in order[first:]:
            distance = abs(given[place].start - cue.start)
            if given[place].start > cue.start + tolerance + 1e-9:
                break
            if place not in taken and same(given[place], cue):
                near.append((distance, place))
        if near:
            place = min(near)[1]
            taken.add(place)
            pairs.append((place, number))
    return pairs


def match_overlaps(given: Sequence[SoundCue], truth: Sequence[SoundCue], threshold: float) -> Pairs:
    """Each true cue, in the order of time, with the free prediction of the same sound that overlaps it most.

    Args:
        given: predictions.
        truth: true cues, in time order.
        threshold: the least tIoU.
    """
    overlap = tiou([cue.segment for cue in given], [cue.segment for cue in truth])
    pairs: Pairs = []
    taken: set[int] = set()
    for number, cue in enumerate(truth):
        near = [
            (-float(overlap[place, number]), place)
            for place in (overlap[:, number] >= threshold).nonzero()[0].tolist()
            if place not in taken and given[place].is_same(cue)
        ]
        if near:
            place = min(near)[1]
            taken.add(place)
            pairs.append((place, number))
    return pairs
