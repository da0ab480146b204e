"""All distortions of the benchmark: of audio, of frames, and of both."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from avtool.benchmarks.fingerprint.audio_distortions import AUDIO_DISTORTIONS
from avtool.benchmarks.fingerprint.frame_distortions import FRAME_DISTORTIONS
from avtool.benchmarks.fingerprint.recording import Recording

Part = Literal["audio", "video", "both"]
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
        if self.part == "audio":
            assert recording.audio is not None, "a silent recording has no audio to distort"
            changed = AUDIO_DISTORTIONS[self.name](recording.audio, recording.sample_rate, rng)
            return replace(recording, audio=changed)
        assert recording.frames is not None, "there are no frames to distort"
        return replace(recording, frames=FRAME_DISTORTIONS[self.name](recording.frames, rng))


DISTORTIONS = (
    *(Distortion(name, "audio") for name in AUDIO_DISTORTIONS),
    *(Distortion(name, "video") for name in FRAME_DISTORTIONS),
    Distortion(TRIM, "both"),
)
