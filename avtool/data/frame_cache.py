"""Frames of whole videos at one size, decoded once and memory-mapped from then on."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from avtool.core.artifact import settings_hash
from avtool.core.errors import AvtoolError, BadInputError
from avtool.core.files import atomic_file, need_space, writing
from avtool.core.paths import cache_folder
from avtool.core.reporter import Reporter
from avtool.data.clip_filter import Skipped
from avtool.data.frame_clips import FrameSource, fit, iter_source, map_stack

FOLDER = "video-frames"
"""Of the cache."""
_SCHEMA = 1


@dataclass(frozen=True)
class CachedVideo:
    """A decoded video.

    Attributes:
        source: where it comes from.
        frames: (T, height, width, 3) uint8, memory-mapped.
        content: a hash of what the frames follow from.
    """

    source: FrameSource
    frames: NDArray[np.uint8]
    content: str


def cache_videos(
    sources: Sequence[FrameSource], size: tuple[int, int], least: int, reporter: Reporter
) -> tuple[list[CachedVideo], list[Skipped]]:
    """All videos that are long enough, from the cache where they are there.

    Args:
        sources: the videos.
        size: (height, width) of the frames.
        least: frames that a video needs.
        reporter: receives progress.

    Returns:
        The videos, and those that are skipped with the reason: too short, or unreadable.

    Raises:
        BadInputError: none is long enough, or the disk is too small.
    """
    videos, skipped = [], []
    with reporter.progress("frames", len(sources)) as bar:
        for source in sources:
            try:
                video = _cached(source, size)
            except AvtoolError as error:
                skipped.append(Skipped(source.name, str(source.path), str(error)))
            else:
                if len(video.frames) >= least:
                    videos.append(video)
                else:
                    reason = f"it has {len(video.frames)} frames, needs {least}"
                    skipped.append(Skipped(source.name, str(source.path), reason))
            bar.advance(note=source.name)
    if not videos:
        raise no_video_fits(len(sources), least, skipped)
    return videos, skipped


def no_video_fits(count: int, least: int, skipped: Sequence[Skipped]) -> BadInputError:
    """The error where none of `count` videos has the frames that it needs; it names the first one."""
    first = f" (`{skipped[0].clip_id}`: {skipped[0].reason})" if skipped else ""
    message = f"0 of {count} videos have {least} or more readable frames{first}"
    return BadInputError(message, "use fewer --frames, or longer videos")


def cached_file(source: FrameSource, size: tuple[int, int]) -> Path:
    """Where this machine's cache keeps the frames of a video, once they are decoded."""
    return cache_folder() / FOLDER / f"{_content(source, size)}.npy"


def _content(source: FrameSource, size: tuple[int, int]) -> str:
    return settings_hash([_SCHEMA, source.content(), size])


def _cached(source: FrameSource, size: tuple[int, int]) -> CachedVideo:
    content = _content(source, size)
    if source.is_stack and (frames := map_stack(source.path)).shape[1:3] == size:
        return CachedVideo(source, frames, content)
    file = cached_file(source, size)
    if not file.is_file():
        decode_frames(source, size, file)
    return CachedVideo(source, map_stack(file), content)


def decode_frames(source: FrameSource, size: tuple[int, int], file: Path, every: int = 1) -> None:
    """Writes a video's frames as a `.npy` file; memory does not grow with its length.

    Args:
        source: the video.
        size: (height, width) that each is cut to around its centre, and scaled to.
        file: to write, (T, height, width, 3) uint8.
        every: take the first frame and each so many-th one after it.

    Raises:
        BadInputError: the video cannot be read, or the disk is too small.
    """
    height, width = size
    stated = -(-source.num_frames() // every)
    with writing(file.parent):
        file.parent.mkdir(parents=True, exist_ok=True)
    need_space(file.parent, stated * height * width * 3, f"the frames of `{source.name}`")
    with atomic_file(file) as partial, partial.open("wb") as stream:
        _write_header(stream, (stated, height, width, 3))
        count = 0
        for frame in islice(iter_source(source), None, None, every):
            stream.write(fit(frame, size).tobytes())
            count += 1
        stream.seek(0)
        _write_header(stream, (count, height, width, 3))


def _write_header(stream: BinaryIO, shape: tuple[int, ...]) -> None:
    """The header of a `.npy` file, of one length for any number of rows: it can be written twice."""
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, header)
