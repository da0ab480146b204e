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

from avtool.core.errors import BadInputError
from avtool.media.audio_decode import decode_audio_array

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
                if file.channels <= 2 and _is_simple(file.samplerate, sample_rate) and file.seekable():
                    return _finite(_read_span(file, start, end, sample_rate), path)
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
    samples = file.read(min(past, file.frames) - begin, dtype="float32", always_2d=True).mean(axis=1)
    resampled = _resampler(rate, sample_rate)(samples)
    skipped = first - begin // step * (sample_rate * step // rate)
    return resampled[skipped : skipped + wanted]


def _finite(samples: Waveform, path: Path) -> Waveform:
    """The samples; a file of floating-point numbers may hold NaN, which would spread to every statistic."""
    if not np.isfinite(samples).all():
        raise BadInputError(f"`{path}` holds samples that are no finite numbers", "write the file again")
    return samples


def _is_simple(rate: int, wanted: int) -> bool:
    return max(rate, wanted) // gcd(rate, wanted) <= _MAX_PHASES


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
