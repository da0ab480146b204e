"""A video being written clip by clip: as a film, a GIF, or a folder of frames."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from avtool.core.errors import BadInputError
from avtool.core.files import atomic_file, replace_folder, writing
from avtool.media.encode import FilmSettings, FilmWriter, film_writer

Frames = NDArray[np.uint8]
"""(T, height, width, 3) RGB."""
VideoFormat = Literal["mp4", "gif", "frames"]


class VideoOutput(Protocol):
    """Takes the frames of a video in their order."""

    def add(self, frames: Frames) -> None:
        """Appends frames."""


@contextmanager
def video_output(path: Path, kind: VideoFormat, fps: float, size: tuple[int, int]) -> Iterator[VideoOutput]:
    """Opens a video for writing; it appears under its name when it is whole.

    Args:
        path: without a suffix; the name gets `.mp4` or `.gif`, or is that of a folder.
        kind: the form. A GIF is kept in memory until it is whole, a byte a pixel.
        fps: frames per second.
        size: (height, width); of a film both even.

    Raises:
        BadInputError: it cannot be written.
    """
    if kind == "mp4":
        settings = FilmSettings(fps=fps, size=size, video_options=(("crf", "12"),))
        with film_writer(output_path(path, kind), settings) as film:
            yield _Film(film)
    elif kind == "gif":
        gif = _Gif()
        yield gif
        with atomic_file(output_path(path, kind)) as partial:
            first, *rest = gif.images
            duration = round(1000 / fps)
            first.save(partial, "GIF", save_all=True, append_images=rest, duration=duration, loop=0)
    else:
        partial = path.with_name(f".{path.name}.partial")
        with writing(path):
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
        yield _Folder(partial)
        replace_folder(partial, path)


def need_fit(kind: VideoFormat, size: tuple[int, int]) -> None:
    """Refuses frames of a size (height, width) that a form cannot hold.

    Raises:
        BadInputError: it cannot.
    """
    if kind == "mp4" and (size[0] % 2 or size[1] % 2):
        message = f"frames of {size[0]} x {size[1]} pixels fit no mp4, whose sides are even"
        raise BadInputError(message, "use --format frames or gif")


def output_path(path: Path, kind: VideoFormat) -> Path:
    """The file or folder of a video."""
    return path if kind == "frames" else path.with_name(f"{path.name}.{kind}")


class _Film:
    def __init__(self, film: FilmWriter) -> None:
        self.film = film

    def add(self, frames: Frames) -> None:
        for frame in frames:
            self.film.frame(frame)


class _Gif:
    def __init__(self) -> None:
        self.images: list[Image.Image] = []

    def add(self, frames: Frames) -> None:
        self.images += [Image.fromarray(frame).quantize(256) for frame in frames]


class _Folder:
    def __init__(self, path: Path) -> None:
        self.path, self.count = path, 0

    def add(self, frames: Frames) -> None:
        for frame in frames:
            file = self.path / f"{self.count:05d}.png"
            with writing(file):
                Image.fromarray(frame).save(file)
            self.count += 1
