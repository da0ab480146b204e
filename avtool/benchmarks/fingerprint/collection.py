"""A database of clips and of their distorted copies: the features of each system."""

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

Modality = Literal["audio", "video", "both"]
LANDMARKS = "landmarks"
_WHOLE = ""
"""The name of what is not distorted."""


@dataclass(frozen=True)
class System:
    """Something that turns windows of clips into features.

    Attributes:
        name: in tables.
        modality: what it reads.
        seconds: length of a window.
        features: (recording, starts of the windows in seconds, their length) → (windows, D).
    """

    name: str
    modality: Modality
    seconds: float
    features: Callable[[Recording, Floats, float], Floats]


class Collection:
    """Clips by their features.

    Args:
        systems: to compare.
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
        self._features: dict[tuple[str, Modality, str], dict[int, Floats]] = defaultdict(dict)
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
            has = {"audio": recording.audio is not None, "video": recording.frames is not None}
            if has.get(distortion.part, True):
                self._keep(number, distortion(recording, self.seed), distortion)

    def _keep(self, number: int, recording: Recording, distortion: Distortion | None) -> None:
        name, part = (distortion.name, distortion.part) if distortion else (_WHOLE, "both")
        for system in self.systems:
            value = recording.audio if system.modality == "audio" else recording.frames
            if value is not None and part in {system.modality, "both"}:
                starts = self._starts(recording, system.seconds)
                self._features[system.name, system.modality, name][number] = system.features(
                    recording, starts, system.seconds
                )
        if recording.audio is not None and part in {"audio", "both"}:
            self._landmarks[name][number] = find_landmarks(recording.audio, recording.sample_rate)

    def _starts(self, recording: Recording, seconds: float) -> Floats:
        room = max(0.0, recording.seconds - seconds)
        starts: Floats = self.hop * np.arange(int(room / self.hop + 1e-6) + 1, dtype=np.float64)
        return starts

    def votes(self, system: str, modality: Modality, distortion: Distortion) -> tuple[Floats, list[int]]:
        """A system's matches of the copies: votes (N, N), and the clips whose copies are queries.

        Args:
            system: its name.
            modality: what it reads; `both` means the mean of its similarities of audio and of video.
            distortion: of the copies. What it does not change stays whole.
        """
        if system == LANDMARKS:
            return self._landmark_votes(distortion)
        database, queries = self._of(system, modality, None), self._of(system, modality, distortion)
        queried = sorted(queries)
        if not queried:
            return np.zeros((self.num_clips, self.num_clips)), []
        return vote(_joined(queries), _joined(database), self.num_clips), queried

    def _landmark_votes(self, distortion: Distortion) -> tuple[Floats, list[int]]:
        votes = np.zeros((self.num_clips, self.num_clips))
        queries = self._landmarks[distortion.name]
        if queries:
            index = LandmarkIndex(self._landmarks[_WHOLE], self.num_clips)
            for number, landmarks in queries.items():
                votes[number] = index.votes(landmarks)
        return votes, sorted(queries)

    def _of(self, system: str, modality: Modality, distortion: Distortion | None) -> dict[int, Floats]:
        """The features of each clip that has what the system reads."""
        if modality != "both":
            name = distortion.name if distortion and distortion.part in {modality, "both"} else _WHOLE
            return self._features[system, modality, name]
        audio = self._of(system, "audio", distortion)
        frames = self._of(system, "video", distortion)
        return {number: _paired(audio[number], frames[number]) for number in audio.keys() & frames.keys()}


def _paired(audio: Floats, frames: Floats) -> Floats:
    """Vectors whose cosines are the means of the cosines of audio and of video."""
    count = min(len(audio), len(frames))
    parts = []
    for values in (audio[:count], frames[:count]):
        norm = np.linalg.norm(values, axis=1, keepdims=True)
        parts.append(values / np.where(norm > 0, norm, 1.0))
    return np.concatenate(parts, axis=1)


def _joined(features: dict[int, Floats]) -> WindowFeatures:
    numbers = sorted(features)
    owners = np.repeat(np.array(numbers, np.int64), [len(features[number]) for number in numbers])
    return WindowFeatures(np.concatenate([features[number] for number in numbers]), owners)
