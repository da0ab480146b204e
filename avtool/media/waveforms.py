"""The audio of a clip: mono float32 at one sample rate, read from where it is without decoding the rest.

Plain audio files go through libsndfile, which is fast and exact; films, and what libsndfile cannot read,
through FFmpeg. Both give the same audio at the same times.
"""

from collections.abc import Callable
from functools import lru_cache
from math import gcd
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from avtool.media.audio_decode import decode_audio_array
from avtool.media.audio_timeline import not_finite

Waveform = NDArray[np.float32]

_Audio_FILES = {".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".w64", ".au"}
# Resampling builds a filter for every phase; rates without a common factor would have ten thousands of them.
_MAX_PHASES = 1000
_FILTER_S = 0.01  # more than the resampling filter reaches to either side, at any rate


def read_waveform(path: Path, start: float, end: float, *, sample_rate: int = 16000) -> Waveform:
    """Reads a span of a file's audio, channels mixed to one.

    Args:
        path: an audio file or a film.
        start: in seconds from the file's start.
        end: in seconds; a file that ends before gives what there is.
        sample_rate: of the result, in Hz.

    Returns:
        At most round((end - start) * sample_rate) samples, (N,) in [-1, 1].

    Raises:
        BadInputError: the file is missing, has no audio, or cannot be decoded.
    """
    assert 0 <= start <= end, (start, end)
    if path.suffix.lower() in _Audio_FILES and path.is_file():
        try:
            with soundfile.SoundFile(path) as file:
                if _is_plain(file, sample_rate):
                    return _read_span(file, start, end, sample_rate)
        except soundfile.LibsndfileError:
            pass  # FFmpeg may read it, or names what is wrong with it
    pcm = decode_audio_array(path, start, end - start, sample_rate)
    return pcm.astype(np.float32) / np.float32(32768)


def _read_span(file: soundfile.SoundFile, start: float, end: float, sample_rate: int) -> Waveform:
    """The span out of an open file; equal to a slice of the whole file resampled."""
    rate, step = file.samplerate, file.samplerate // gcd(file.samplerate, sample_rate)
    first = round(start * sample_rate)
    wanted = round((end - start) * sample_rate)
    # Begin on a common point of both clocks, early enough for the filter to be filled.
    begin = max(0, int(first / sample_rate * rate) - round(_FILTER_S * rate)) // step * step
    past = int((first + wanted) / sample_rate * rate) + round(_FILTER_S * rate) + 1
    if begin >= file.frames:
        return np.zeros(0, np.float32)
    file.seek(begin)
    exact = "float64" if file.subtype == "DOUBLE" else "float32"  # whose largest numbers would be infinite
    samples = file.read(min(past, file.frames) - begin, dtype=exact, always_2d=True)
    resampled = _resampler(rate, sample_rate)(mono(samples, f"`{file.name}`"))
    skipped = first - begin // step * (sample_rate * step // rate)
    return resampled[skipped : skipped + wanted]


def mono(samples: NDArray[np.floating], name: str) -> Waveform:
    """The mean of the channels of (N, channels), clipped to [-1, 1] as FFmpeg clips what it decodes.

    Raises:
        BadInputError: a sample is NaN or infinite: it would spread to every statistic.
    """
    finite = np.isfinite(samples)
    if not finite.all():
        raise not_finite(name, int(finite.size - finite.sum()))
    mixed: Waveform = np.clip(samples, -1, 1).mean(axis=1, dtype=np.float32)
    return mixed


def _is_plain(file: soundfile.SoundFile, wanted: int) -> bool:
    """Whether libsndfile reads a file as FFmpeg does: one of no frames may be a stream of unknown length."""
    rate = file.samplerate
    if file.channels > 2 or not file.frames or not file.seekable():
        return False
    return int(max(rate, wanted)) // gcd(rate, wanted) <= _MAX_PHASES


@lru_cache(maxsize=16)
def _resampler(rate: int, wanted: int) -> Callable[[Waveform], Waveform]:
    if rate == wanted:
        return lambda samples: samples
    import torch
    from torchaudio.transforms import Resample

    resample: Any = Resample(rate, wanted)

    def apply(samples: Waveform) -> Waveform:
        resampled: Waveform = resample(torch.from_numpy(samples)).numpy()
        return resampled

    return apply
