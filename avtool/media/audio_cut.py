"""Clips cut out of decoded audio, exact to the sample."""

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Literal

import numpy as np
import soundfile
from numpy.typing import NDArray

from avtool.core.errors import BadInputError
from avtool.core.files import writing

_PROBE = 1 << 16  # bytes: more than the rest of a file system's last block
ClipFormat = Literal["wav", "flac"]


def clip_bounds(num_samples: int, sample_rate: int, start_s: float, end_s: float) -> tuple[int, int]:
    """The samples (first, past the last) of a span of film time, clipped to the film and never padded.

    Raises:
        BadInputError: nothing of the span lies in the film.
    """
    first = max(0, round(start_s * sample_rate))
    past = min(num_samples, round(end_s * sample_rate))
    if first >= past:
        length = num_samples / sample_rate
        message = f"a clip from {start_s:.3f} to {end_s:.3f} s has no audio: the film's lasts {length:.3f} s"
        raise BadInputError(message, "check that times and film belong together")
    return first, past


def write_clip(
    samples: NDArray[np.int16],
    sample_rate: int,
    start_s: float,
    end_s: float,
    path: Path,
    format: ClipFormat | None = None,  # noqa: A002
) -> tuple[float, float]:
    """Writes a span of decoded audio as a 16-bit WAV or FLAC file.

    The file appears under its name when it is whole. It is not forced to the disk: clips are written by the
    thousand, into a folder that becomes an artifact only when all are there.

    Args:
        samples: the film's audio from film time zero, (num_samples,) int16; a memory map will do.
        sample_rate: of the audio, in Hz.
        start_s: film time; the clip begins with sample round(start_s * sample_rate).
        end_s: film time; the clip ends before sample round(end_s * sample_rate).
        path: the file; its folder is made when it is missing.
        format: by default that of the suffix of `path`.

    Returns:
        The clip's exact (start, end) in seconds of film time.

    Raises:
        BadInputError: nothing of the span lies in the film, or the file cannot be written.
    """
    first, past = clip_bounds(len(samples), sample_rate, start_s, end_s)
    kind = (format or path.suffix.removeprefix(".")).upper()
    assert kind in {"WAV", "FLAC"}, kind
    partial = path.with_name(f".{path.name}.partial")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with writing_audio(partial):
                soundfile.write(partial, samples[first:past], sample_rate, subtype="PCM_16", format=kind)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    return first / sample_rate, past / sample_rate


def encode_audio(samples: NDArray[Any], sample_rate: int, format: str, subtype: str) -> bytes:  # noqa: A002
    """Audio as the content of a file, by way of a file without a name.

    libsndfile would write into memory by calls of Python, which swallow an interrupt that comes meanwhile.
    """
    with TemporaryFile() as stream:
        soundfile.write(stream.fileno(), samples, sample_rate, format=format, subtype=subtype, closefd=False)
        stream.seek(0)
        return stream.read()


def decode_audio(content: bytes, dtype: str) -> tuple[NDArray[Any], int]:
    """The samples, (N,) or (N, channels), and the sample rate of a file's content.

    Raises:
        LibsndfileError: it is no audio that libsndfile reads.
    """
    with TemporaryFile() as stream:
        stream.write(content)
        stream.seek(0)
        samples, sample_rate = soundfile.read(stream.fileno(), dtype=dtype, closefd=False)
    return samples, sample_rate


@contextmanager
def writing_audio(path: Path) -> Iterator[None]:
    """Gives the system's reason where libsndfile, which keeps it to itself, cannot write a file."""
    try:
        yield
    except soundfile.LibsndfileError as error:
        with path.open("ab") as stream:
            stream.write(bytes(_PROBE))
        raise OSError(None, str(error)) from error


def release_pages(array: NDArray[Any]) -> None:
    """Gives back the memory of what was read so far; the content stays on disk, and can be read again.

    The pages of a map count as the process's memory until the system wants them back. An array that is no
    memory map is left alone.
    """
    mapped = getattr(array, "_mmap", None)
    if isinstance(mapped, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)
