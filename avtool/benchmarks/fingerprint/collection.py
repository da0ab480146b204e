"""A database of clips and their distorted copies, as each system sees them; only features are kept."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from avtool.benchmarks.fingerprint.distortions import DISTORTIONS, Distortion
from avtool.benchmarks.fingerprint.landmarks import LandmarkIndex, Landmarks, find_landmarks
from avtool.benchmarks.fingerprint.recording import Recording
from avtool.benchmarks.fingerprint.voting import WindowFeatures, vote
from avtool.core.arrays import Floats

Sense = Literal["sound", "pictures", "both"]
LANDMARKS = "landmarks"
_WHOLE = ""
"""The name of what is not distorted."""


@dataclass(frozen=True)
class System:
    """Something that turns windows of clips into features.

    Attributes:
        name: in tables.
        sense: what it reads.
        seconds: length of a window.
        features: (recording, starts of the windows in seconds, their length) → (windows, D).
    """

    name: str
    sense: Sense
    seconds: float
    features: Callable[[Recording, Floats, float], Floats]


class Collection:
    """Clips by their features.

    Args:
        systems: that are asked.
        hop: seconds from one window to the next.
        seed: of the distortions.

    Attributes:
        names: of the clips.
        sources: the file of each clip.
    """

    def __init__(self, systems: Sequence[System], hop: float, seed: int) -> None:
        self.systems = tuple(systems)
        self.hop = hop
        self.seed = seed
        self.names: list[str] = []
        self.sources: list[str] = []
        self._features: dict[tuple[str, Sense, str], dict[int, Floats]] = defaultdict(dict)
        self._landmarks: dict[str, dict[int, Landmarks]] = defaultdict(dict)

    @property
    def num_clips(self) -> int:
        """How many there are."""
        return len(self.names)

    def add(self, recording: Recording, source: str) -> None:
        """Distorts a clip, and keeps the features of it and of its copies."""
        number = self.num_clips
        self.names.append(recording.name)
        self.sources.append(source)
        self._keep(number, recording, None)
        for distortion in DISTORTIONS:
            has = {"sound": recording.sound is not None, "pictures": recording.pictures is not None}
            if has.get(distortion.part, True):
                self._keep(number, distortion(recording, self.seed), distortion)

    def _keep(self, number: int, recording: Recording, distortion: Distortion | None) -> None:
        name, part = (distortion.name, distortion.part) if distortion else (_WHOLE, "both")
        for system in self.systems:
            value = recording.sound if system.sense == "sound" else recording.pictures
            if value is not None and part in {system.sense, "both"}:
                starts = self._starts(recording, system.seconds)
                self._features[system.name, system.sense, name][number] = system.features(
                    recording, starts, system.seconds
                )
        if recording.sound is not None and part in {"sound", "both"}:
            self._landmarks[name][number] = find_landmarks(recording.sound, recording.sample_rate)

    def _starts(self, recording: Recording, seconds: float) -> Floats:
        room = max(0.0, recording.seconds - seconds)
        starts: Floats = self.hop * np.arange(int(room / self.hop + 1e-6) + 1, dtype=np.float64)
        return starts

    def votes(self, system: str, sense: Sense, distortion: Distortion) -> tuple[Floats, list[int]]:
        """What a system says of the copies: votes (N, N), and the clips that it was asked about.

        Args:
            system: its name.
            sense: what it reads; `both` means the mean of its similarities of sound and of pictures.
            distortion: of the copies. What it does not change stays whole.
        """
        if system == LANDMARKS:
            return self._landmark_votes(distortion)
        database, queries = self._of(system, sense, None), self._of(system, sense, distortion)
        asked = sorted(queries)
        if not asked:
            return np.zeros((self.num_clips, self.num_clips)), []
        return vote(_joined(queries), _joined(database), self.num_clips), asked

    def _landmark_votes(self, distortion: Distortion) -> tuple[Floats, list[int]]:
        votes = np.zeros((self.num_clips, self.num_clips))
        queries = self._landmarks[distortion.name]
        if queries:
            index = LandmarkIndex(self._landmarks[_WHOLE], self.num_clips)
            for number, landmarks in queries.items():
                votes[number] = index.votes(landmarks)
        return votes, sorted(queries)

    def _of(self, system: str, sense: Sense, distortion: Distortion | None) -> dict[int, Floats]:
        """The features of each clip that has what the system reads."""
        if sense != "both":
            name = distortion.name if distortion and distortion.part in {sense, "both"} else _WHOLE
            return self._features[system, sense, name]
        sound = self._of(system, "sound", distortion)
        pictures = self._of(system, "pictures", distortion)
        return {number: _paired(sound[number], pictures[number]) for number in sound.keys() & pictures.keys()}


def _paired(sound: Floats, pictures: Floats) -> Floats:
    """Vectors whose cosines are the means of the cosines of sound and of pictures."""
    count = min(len(sound), len(pictures))
    parts = []
    for values in (sound[:count], pictures[:count]):
        norm = np.linalg.norm(values, axis=1, keepdims=True)
        parts.append(values / np.where(norm > 0, norm, 1.0))
    return np.concatenate(parts, axis=1)


def _joined(features: dict[int, Floats]) -> WindowFeatures:
    numbers = sorted(features)
    owners = np.repeat(np.array(numbers, np.int64), [len(features[number]) for number in numbers])
    return WindowFeatures(np.concatenate([features[number] for number in numbers]), owners)
