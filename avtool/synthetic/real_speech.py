"""A speech bank filled from recordings: they are cut into utterances at their pauses."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from avtool.core.errors import BadInputError
from avtool.media.audio_decode import decode_audio_array
from avtool.synthetic.sounds import Samples

_READ_SECONDS = 240.0  # of each recording
_FRAME = 0.02
_PAUSE = 0.25  # seconds of quiet that end an utterance
_SHORTEST, _LONGEST = 0.4, 6.0
_QUIET = 0.12  # of the loudness that a tenth of the frames exceed


def cut_utterances(samples: Samples, sample_rate: int) -> list[tuple[int, int]]:
    """Finds the utterances of a recording of speech: (first, last) sample of each, 0.4 to 6 s long."""
    hop = round(_FRAME * sample_rate)
    frames = samples[: len(samples) // hop * hop].reshape(-1, hop)
    loudness = np.sqrt(np.mean(np.square(frames, dtype=np.float64), axis=1))
    if not loudness.any():
        return []
    spoken = loudness > _QUIET * np.quantile(loudness, 0.9)
    longest, pause = round(_LONGEST / _FRAME), round(_PAUSE / _FRAME)
    utterances: list[tuple[int, int]] = []
    first = last = -1
    for index in [*np.flatnonzero(spoken).tolist(), len(spoken) + pause]:
        if first >= 0 and (index - last >= pause or index - first >= longest):
            if (last + 1 - first) * _FRAME >= _SHORTEST:
                utterances.append((first * hop, (last + 1) * hop))
            first = -1
        first = index if first < 0 else first
        last = index
    return utterances


@lru_cache(maxsize=8)
def _read(path: Path, sample_rate: int) -> Samples:
    return (decode_audio_array(path, 0.0, _READ_SECONDS, sample_rate) / 32768).astype(np.float32)


@dataclass(frozen=True)
class RealSpeech:
    """Utterances out of recordings; a recording is a voice, and its words are not those of the captions.

    Attributes:
        voices: a recording, and the (first, last) samples of its utterances.
        sample_rate: in Hz.
    """

    voices: tuple[tuple[Path, tuple[tuple[int, int], ...]], ...]
    sample_rate: int = 16_000

    @property
    def num_voices(self) -> int:
        """How many recordings there are."""
        return len(self.voices)

    def seconds(self, text: str, voice: int, take: int) -> float:  # noqa: ARG002 - recordings cannot read
        _, first, last = self._find(voice, take)
        return (last - first) / self.sample_rate

    def render(self, text: str, voice: int, take: int) -> Samples:  # noqa: ARG002 - recordings cannot read
        path, first, last = self._find(voice, take)
        clip = _read(path, self.sample_rate)[first:last]
        return np.asarray(clip / np.sqrt(np.mean(clip**2)))

    def _find(self, voice: int, take: int) -> tuple[Path, int, int]:
        path, utterances = self.voices[voice % len(self.voices)]
        return path, *utterances[take % len(utterances)]


def real_speech(paths: Sequence[Path], sample_rate: int = 16_000) -> RealSpeech:
    """Cuts recordings of speech into utterances.

    Args:
        paths: sound or film files in which one person speaks and little else is heard.
        sample_rate: to render at, in Hz.

    Raises:
        BadInputError: there is no utterance in them.
    """
    voices = []
    for path in paths:
        utterances = cut_utterances(_read(path, sample_rate), sample_rate)
        if utterances:
            voices.append((path, tuple(utterances)))
    if not voices:
        names = ", ".join(f"`{path.name}`" for path in paths) or "an empty list"
        raise BadInputError(f"no speech found in {names}", "give recordings with pauses between the words")
    return RealSpeech(tuple(voices), sample_rate)
