"""The distortions of the benchmark: of sound, of pictures, and of both."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from avtool.benchmarks.fingerprint.picture_distortions import PICTURE_DISTORTIONS
from avtool.benchmarks.fingerprint.recording import Recording
from avtool.benchmarks.fingerprint.sound_distortions import SOUND_DISTORTIONS

Part = Literal["sound", "pictures", "both"]
_TRIM_S = 3.0
TRIM = "trim to 3 s"


@dataclass(frozen=True)
class Distortion:
    """A distortion: its name, and what it changes."""

    name: str
    part: Part

    def __call__(self, recording: Recording, seed: int) -> Recording:
        """The distorted recording; what is drawn at random depends on the seed and the names alone."""
        rng = np.random.default_rng([seed, *recording.name.encode(), *self.name.encode()])
        if self.part == "both":
            room = max(0.0, recording.seconds - _TRIM_S)
            start = float(rng.uniform(0.0, room))
            return recording.span(start, start + min(_TRIM_S, recording.seconds))
        if self.part == "sound":
            assert recording.sound is not None, "a silent recording has no sound to distort"
            changed = SOUND_DISTORTIONS[self.name](recording.sound, recording.sample_rate, rng)
            return replace(recording, sound=changed)
        assert recording.pictures is not None, "there are no pictures to distort"
        return replace(recording, pictures=PICTURE_DISTORTIONS[self.name](recording.pictures, rng))


DISTORTIONS = (
    *(Distortion(name, "sound") for name in SOUND_DISTORTIONS),
    *(Distortion(name, "pictures") for name in PICTURE_DISTORTIONS),
    Distortion(TRIM, "both"),
)
