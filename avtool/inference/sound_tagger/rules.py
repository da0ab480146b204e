"""The rules from detected classes to sound events: speech, music, singing, and near-duplicate classes."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from avtool.captioning.event import SoundEvent
from avtool.captioning.phrases.phrase_book import SoundClass
from avtool.inference.events import Event

_OVERLAP = 0.5
"""Share of the shorter event, from which two are at the same time."""
_UNDER_SPEECH = 0.15
"""How far a sound must stand out where speech has the higher score."""
_NEAR_S = 0.5
"""Gap between events of alike classes that are one."""
_SOUNDS = ("event", "vocal", "crowd", "sustained", "singing", "noise")
_VOICES = ("vocal", "crowd", "singing")
_HARDLY_LESS = 0.8
"""Share of a general class's score, from which a class below its own threshold may word the caption."""
_DEFINITE = 0.85
"""Score of a class, below which the phrase is the coarse one, where there is one."""
_CLEARLY = 0.1
"""By how much a class beats another in a window."""
_MUSIC_GAP_S, _SHORTEST_MUSIC_S = 6.0, 3.0
_WORDING_SHARE = 0.5
"""Share of a music cue's time in which a genre, mood or instrument must be detected to word it."""


@dataclass(frozen=True, slots=True)
class Detection:
    """A detected class: its event, and its threshold; below it, it can only word a more general class."""

    event: Event
    sound: SoundClass
    threshold: float

    @property
    def start(self) -> float:
        return self.event.start

    @property
    def end(self) -> float:
        return self.event.end

    @property
    def score(self) -> float:
        return self.event.score

    @property
    def is_weak(self) -> bool:
        return self.score < self.threshold


class Prevailing:
    """The rule for one window: a sound counts half where another, unlike one is clearly more probable.

    Args:
        classes: of the model.
    """

    def __init__(self, classes: Sequence[SoundClass]) -> None:
        self._classes = classes
        self._sounds = np.array([one.kind in _SOUNDS for one in classes])
        self._rivals: dict[int, NDArray[np.bool_]] = {}

    def apply(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """The scores (C,) of a window under the rule."""
        sounds = np.where(self._sounds, scores, 0.0)
        best = int(sounds.argmax())
        beaten = self._rivals_of(best) & (scores < sounds[best] - _CLEARLY)
        return np.where(beaten, 0.5 * scores, scores)

    def _rivals_of(self, best: int) -> NDArray[np.bool_]:
        if best not in self._rivals:
            alike = [one.is_alike(self._classes[best]) for one in self._classes]
            self._rivals[best] = self._sounds & ~np.array(alike)
        return self._rivals[best]


def sound_events(detections: Sequence[Detection]) -> list[SoundEvent]:
    """The sound events of a film by time: what its captions may show.

    Speech gets none; music is one event as long as it plays, worded by what is detected of its genre, mood
    and instruments; of alike classes at the same time the most definite and best one remains.

    Args:
        detections: all detected classes, speech among them.
    """
    by_kind: dict[str, list[Detection]] = defaultdict(list)
    for one in detections:
        by_kind[one.sound.kind].append(one)
    speech = by_kind["speech"]
    voices = [one for kind in _VOICES for one in by_kind[kind] if not _is_speech(one, speech)]
    sounds = [one for kind in ("event", "sustained") for one in by_kind[kind] if _is_sure(one, speech)]
    definite = _with_backing([*sounds, *voices])
    generic = [one for one in by_kind["generic"] if not _is_stood_for(one, definite)]
    found = [*_folded([*definite, *generic]), *_music(by_kind["music"])]
    return sorted((one for one in found if one.phrase), key=attrgetter("start", "end", "phrase"))


def _is_sure(detection: Detection, speech: Sequence[Detection]) -> bool:
    """Whether a sound under louder speech stands out; bumps and plosives sound like shots and explosions."""
    if detection.score >= detection.threshold + _UNDER_SPEECH:
        return True
    return not _is_speech(detection, speech)


def _with_backing(detections: Sequence[Detection]) -> list[Detection]:
    """The detections but for weak ones without a general class that is sure, and hardly more probable."""
    sure = [one for one in detections if not one.is_weak]
    return [
        one
        for one in detections
        if not one.is_weak
        or any(
            other.sound.name in one.sound.ancestors
            and _are_together(one, other)
            and one.score >= _HARDLY_LESS * other.score
            for other in sure
        )
    ]


def _is_stood_for(generic: Detection, others: Sequence[Detection]) -> bool:
    """Whether a more definite class is detected near a generic one."""
    return any(
        generic.sound.name in one.sound.ancestors
        and min(one.end, generic.end) + _NEAR_S >= max(one.start, generic.start)
        for one in others
    )


def _is_speech(detection: Detection, speech: Sequence[Detection]) -> bool:
    """Whether speech at the same time explains a voice better."""
    return any(_are_together(detection, one) and one.score >= detection.score for one in speech)


def _are_together(one: Detection, other: Detection) -> bool:
    shorter = min(one.end - one.start, other.end - other.start)
    return min(one.end, other.end) - max(one.start, other.start) >= _OVERLAP * shorter > 0


def _folded(detections: Sequence[Detection]) -> list[SoundEvent]:
    """Events of alike classes at the same time as one, by its most definite and best class."""
    groups: list[list[Detection]] = []
    for detection in sorted(detections, key=attrgetter("start", "end")):
        joined = [group for group in groups if any(_is_same(one, detection) for one in group)]
        groups = [group for group in groups if group not in joined]
        groups.append([*(one for group in joined for one in group), detection])
    return [_merged(group) for group in groups]


def _is_same(one: Detection, other: Detection) -> bool:
    near = min(one.end, other.end) + _NEAR_S >= max(one.start, other.start)
    return near and one.sound.is_alike(other.sound)


def _merged(group: Sequence[Detection]) -> SoundEvent:
    stood_for = {name for one in group for name in one.sound.ancestors}
    definite = [one for one in group if one.sound.name not in stood_for]
    best = max(definite or group, key=lambda one: (not one.is_weak, one.score - one.threshold, one.score))
    if all(one.is_weak for one in definite):
        best = max(definite or group, key=attrgetter("score"))
    line = (best.sound.name, *best.sound.ancestors)
    surest = max(one.score for one in group if one.sound.name in line)
    is_vague = best.sound.coarse and best.sound.kind != "sustained" and surest < _DEFINITE
    return SoundEvent(
        min(one.start for one in group),
        max(one.end for one in group),
        best.sound.coarse if is_vague else best.sound.phrase,
        max(one.score for one in group),
        best.sound.label,
        min(1.0, best.threshold),
    )


def _music(detections: Sequence[Detection]) -> list[SoundEvent]:
    """Music as one event a passage; only its root classes decide that there is some."""
    roots = [one for one in detections if not one.sound.parent]
    if not roots:  # a model that has genres or instruments only
        roots = list(detections)
    passages: list[list[Detection]] = []
    for one in sorted(roots, key=attrgetter("start", "end")):
        if passages and one.start - max(other.end for other in passages[-1]) <= _MUSIC_GAP_S:
            passages[-1].append(one)
        else:
            passages.append([one])
    found = []
    for passage in passages:
        start, end = passage[0].start, max(one.end for one in passage)
        best = max(passage, key=attrgetter("score"))
        if end - start >= _SHORTEST_MUSIC_S:
            event = SoundEvent(start, end, best.sound.phrase, best.score, best.sound.label, best.threshold)
            worded = _wording(event, detections)
            found.append(replace(event, phrase=worded) if worded else event)
    return found


def _wording(music: SoundEvent, detections: Sequence[Detection]) -> str:
    """The phrase of the most definite class that is detected for a good part of the music; or none."""
    weight: dict[str, float] = defaultdict(float)
    phrases: Mapping[str, SoundClass] = {one.sound.name: one.sound for one in detections if one.sound.parent}
    for one in detections:
        shared = min(one.end, music.end) - max(one.start, music.start)
        if one.sound.parent and shared > 0 and one.sound.phrase != music.phrase:
            weight[one.sound.name] += shared
    enough = {name for name, time in weight.items() if time >= _WORDING_SHARE * (music.end - music.start)}
    stood_for = {parent for name in enough for parent in phrases[name].ancestors}
    definite = [name for name in enough if name not in stood_for]
    return phrases[max(definite, key=lambda name: (weight[name], name))].phrase if definite else ""
