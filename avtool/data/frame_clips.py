"""Clips of consecutive frames, cut to one size: of films, folders of frames, clips of a dataset."""

import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avtool.core.errors import AvtoolError, BadInputError
from avtool.core.files import sha256_of
from avtool.data.dataset import open_dataset
from avtool.data.manifest import MANIFEST
from avtool.media.probe import probe
from avtool.media.still_images import is_image, read_image
from avtool.media.suffixes import VIDEO_SUFFIXES
from avtool.media.video_frames import iter_frames

Frames = NDArray[np.uint8]
"""(T, height, width, 3) RGB."""

FRAME_SUFFIXES = (*VIDEO_SUFFIXES, ".gif")
STACK = ".npy"
"""Suffix of decoded frames in a file, (T, height, width, 3) uint8."""


@dataclass(frozen=True)
class FrameSource:
    """A video.

    Attributes:
        name: unique in its collection.
        path: a film, a folder of frames in natural order of their names, or a `.npy` stack of frames.
        start, end: the part of a film that counts, in seconds.
        split: of a dataset's clip; else empty.
        group: the recording of a dataset's clip; else empty.
    """

    name: str
    path: Path
    start: float = 0.0
    end: float = inf
    split: str = ""
    group: str = ""

    @property
    def is_stack(self) -> bool:
        """Whether its frames are decoded already; of a stack all of them count."""
        return self.path.suffix == STACK

    def files(self) -> list[Path]:
        """The frame files of a folder, in natural order; none of a film."""
        if not self.path.is_dir():
            return []
        return sorted((path for path in self.path.iterdir() if _is_shown_image(path)), key=natural_key)

    def num_frames(self) -> int:
        """Its frames, as the container states them; exact of a folder.

        Raises:
            BadInputError: it cannot be read, or has no frames.
        """
        if files := self.files():
            return len(files)
        if self.is_stack:
            return len(map_stack(self.path))
        found = probe(self.path)
        stream = next((one for one in found.video if not one.cover), None)
        if stream is None:
            raise BadInputError(f"`{self.path}` has no video", "give films or folders of frames")
        if stream.num_frames and self.start == 0 and self.end == inf:
            return stream.num_frames
        until = min(self.end, stream.duration_s or found.duration_s or inf)
        if stream.fps is None or until == inf:
            return sum(1 for _ in iter_frames(self.path, start=self.start, end=self.end, threads=1))
        return max(round((until - self.start) * stream.fps), 0)

    def content(self) -> list[object]:
        """What its frames follow from: hashes of its files, and its span."""
        files = self.files() or [self.path]
        if self.is_stack:
            return [[sha256_of(self.path)], 0.0, None]
        return [[sha256_of(path) for path in files], self.start, None if self.end == inf else self.end]

    def size(self) -> tuple[int, int] | None:
        """The (height, width) of its first frame; None of a film whose header has none.

        Raises:
            BadInputError: it cannot be read.
        """
        if self.is_stack:
            height, width = map_stack(self.path).shape[1:3]
            return height, width
        if files := self.files():
            height, width = read_image(files[0]).shape[:2]
            return height, width
        stream = next((one for one in probe(self.path).video if not one.cover), None)
        return (stream.height, stream.width) if stream is not None and stream.height else None


def find_frame_sources(path: Path, *, split: str = "") -> list[FrameSource]:
    """The videos of a film, a folder, or a dataset.

    Args:
        path: a film; a folder of films, or of folders of frames, at any depth; a `dataset` artifact.
        split: of a dataset, the wanted one; empty for all.

    Raises:
        BadInputError: there are none, or the path does not exist.
    """
    hint = "give films, folders of frames, or a dataset"
    if path.is_file():
        return [FrameSource(path.name, path)]
    if not path.is_dir():
        raise BadInputError(f"`{path}` does not exist", hint)
    is_dataset = (path / MANIFEST).is_file()
    found = list(_of_dataset(path, split) if is_dataset else _of_folder(path))
    if not found:
        raise BadInputError(f"`{path}` holds no videos", hint)
    return found


def scaled_up(sources: Sequence[FrameSource], size: tuple[int, int]) -> str:
    """Names videos whose frames have fewer pixels than wanted; of films the first alone is opened.

    Args:
        sources: the videos.
        size: (height, width) that each frame is cut to, and scaled to.

    Returns:
        A clause, or nothing where there are none.
    """
    small, films = [], 0
    for source in sources:
        is_film = not source.is_stack and not source.path.is_dir()
        films += is_film
        if is_film and films > 1:
            continue
        try:
            found = source.size()
        except AvtoolError:  # whoever reads it reports that
            continue
        if found is not None and (found[0] < size[0] or found[1] < size[1]):
            small.append(f"`{source.name}` has {found[0]} x {found[1]}")
    if not small:
        return ""
    more = f" (and {len(small) - 1} more)" if len(small) > 1 else ""
    return f"frames are scaled up to {size[0]} x {size[1]} pixels: {small[0]}{more}"


def _of_dataset(path: Path, split: str) -> Iterator[FrameSource]:
    clips = open_dataset(path)
    for clip in clips:
        if split and clip.split != split:
            continue
        media = clip.video
        yield FrameSource(
            clip.clip_id, clips.local(media), media.start, media.end, clip.split or "", clip.group
        )


def _of_folder(path: Path) -> Iterator[FrameSource]:
    shown = [one for one in sorted(path.rglob("*")) if not _is_dotted(one.relative_to(path))]
    for one in shown:
        if one.is_file() and one.suffix.lower() in FRAME_SUFFIXES:
            yield FrameSource(one.relative_to(path).as_posix(), one)
    for folder in [path, *(one for one in shown if one.is_dir())]:
        if sum(_is_shown_image(one) for one in folder.iterdir()) > 1:
            yield FrameSource(folder.relative_to(path).as_posix(), folder)


def _is_dotted(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _is_shown_image(path: Path) -> bool:
    return path.is_file() and is_image(path) and not path.name.startswith(".")


def natural_key(path: Path) -> list[tuple[int, str]]:
    """A key that puts `frame2` before `frame10`."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", path.name)]


def read_clip(
    source: FrameSource, frames: int, size: tuple[int, int], rng: np.random.Generator | None = None
) -> Frames | None:
    """Consecutive frames of a video at its own rate.

    Args:
        source: the video.
        frames: how many.
        size: (height, width) that each is cut to around its centre, and scaled to.
        rng: draws where they begin; None for the first ones.

    Returns:
        (frames, height, width, 3); None where the video has fewer.

    Raises:
        BadInputError: it cannot be read.
    """
    count = source.num_frames()
    if count < frames:
        return None
    return read_clip_at(source, 0 if rng is None else int(rng.integers(count - frames + 1)), frames, size)


def read_clip_at(source: FrameSource, first: int, frames: int, size: tuple[int, int]) -> Frames | None:
    """Consecutive frames of a video from one on.

    Args:
        source: the video.
        first: number of the first frame. Where the container states more frames than a film has, so that
            the clip would end behind it, the last frames are read.
        frames: how many.
        size: as for `read_clip`.

    Returns:
        (frames, height, width, 3); None where the video has fewer.

    Raises:
        BadInputError: it cannot be read.
    """
    if source.is_stack:
        stack = np.array(map_stack(source.path)[first : first + frames])
        return np.stack([fit(frame, size) for frame in stack]) if len(stack) == frames else None
    if files := source.files():
        return np.stack([fit(read_image(path), size) for path in files[first : first + frames]])
    found: deque[Frames] = deque(maxlen=frames)
    for frame in _frames_from(source, first):
        found.append(fit(frame, size))
        if len(found) == frames:
            return np.stack(found)
    if not first:
        return None
    for frame in _frames_from(source, 0):  # the container states more frames than it has: the last ones
        found.append(fit(frame, size))
    return np.stack(found) if len(found) == frames else None


def read_last(source: FrameSource, frames: int, size: tuple[int, int]) -> Frames | None:
    """The last frames (frames, height, width, 3) of a video; None where it has fewer.

    Of a film the end alone is decoded.

    Args:
        source: the video.
        frames: how many.
        size: as for `read_clip`.

    Raises:
        BadInputError: it cannot be read.
    """
    if source.is_stack:
        found = [np.array(frame) for frame in map_stack(source.path)[-frames:]]
    elif files := source.files():
        found = [read_image(path) for path in files[-frames:]]
    else:
        found = []
        for first in (max(source.num_frames() - 2 * frames, 0), 0):  # a container may state too many frames
            if len(found) < frames:
                found = list(deque(_frames_from(source, first), maxlen=frames))
    return np.stack([fit(frame, size) for frame in found]) if len(found) == frames else None


def iter_source(source: FrameSource) -> Iterator[Frames]:
    """All frames of a video, (height, width, 3) each, one after the other.

    Raises:
        BadInputError: it cannot be read.
    """
    if source.is_stack:
        return (np.array(frame) for frame in map_stack(source.path))
    if files := source.files():
        return (read_image(path) for path in files)
    return _frames_from(source, 0)


def _frames_from(source: FrameSource, first: int) -> Iterator[Frames]:
    start = source.start
    if first:
        start += (first - 0.5) / (probe(source.path).fps or 25.0)
    return (pixels for _, pixels in iter_frames(source.path, start=start, end=source.end, threads=1))


def map_stack(file: Path) -> Frames:
    """The frames (N, height, width, 3) of a `.npy` file, memory-mapped.

    Raises:
        BadInputError: it holds anything else.
    """
    try:
        frames = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise BadInputError(f"`{file}` is no stack of frames ({error})", "make the cache again") from error
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[3] != 3:
        message = (
            f"`{file}` holds {frames.dtype} values of {frames.shape}, not uint8 of (T, height, width, 3)"
        )
        raise BadInputError(message, "make the cache again")
    return np.asarray(frames) if not len(frames) else frames


def fit(frame: Frames, size: tuple[int, int]) -> Frames:
    """A frame cut around its centre to the shape of `size`, and scaled bilinearly, without antialiasing.

    Args:
        frame: (height, width, 3).
        size: (height, width) wanted.
    """
    import torch
    import torch.nn.functional as F  # noqa: N812

    height, width = frame.shape[:2]
    scale = min(height / size[0], width / size[1])
    inner = max(round(size[0] * scale), 1), max(round(size[1] * scale), 1)
    top, left = (height - inner[0]) // 2, (width - inner[1]) // 2
    box = np.ascontiguousarray(frame[top : top + inner[0], left : left + inner[1]])
    if inner == size:
        return box
    pixels = torch.from_numpy(box).permute(2, 0, 1)[None].float()
    scaled = F.interpolate(pixels, size=size, mode="bilinear", align_corners=False)
    return np.asarray(scaled[0].round().clamp(0, 255).byte().permute(1, 2, 0).numpy(), np.uint8)
