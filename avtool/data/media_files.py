"""From the name of a medium in a manifest to a file that can be opened."""

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from avtool.core.addresses import is_address
from avtool.core.files import inside
from avtool.media.addresses import fetch
from avtool.media.probe import probe
from avtool.media.still_images import is_image
from avtool.media.tar_members import extract, split_member


class Media(NamedTuple):
    """A part of a file: its name as the manifest has it, and from where to where, in seconds."""

    name: str
    start: float
    end: float


class Streams(NamedTuple):
    """Whether a file has audio, and video or an image."""

    audio: bool
    video: bool


def local_media(folder: Path, name: str) -> Path:
    """The file of a medium.

    Args:
        folder: what a relative name is relative to; it cannot lead out of it.
        name: a path, or an address such as `s3://bucket/film.mp4`, which is copied into the cache, as is a
            member of a tar file (`shard.tar/0001.wav`).

    Raises:
        BadInputError: the address or the tar file cannot be read.
        CorruptArtifactError: the relative name leads out of the folder.
        MissingError: the library for the address's protocol is not installed.
    """
    if is_address(name):
        return fetch(name)
    path = _plain_file(folder, name)
    member = split_member(path)
    return extract(*member) if member else path


@lru_cache(maxsize=100_000)
def _plain_file(folder: Path, name: str) -> Path:
    """Checked once: the check takes longer than reading a small frame."""
    return Path(name) if Path(name).is_absolute() else inside(folder, name)


@lru_cache(maxsize=100_000)
def streams_in(path: Path) -> Streams:
    """The modalities of a file, from its headers; an attached cover image is no video.

    Raises:
        BadInputError: it cannot be opened.
    """
    if is_image(path):
        return Streams(audio=False, video=True)
    info = probe(path)
    return Streams(bool(info.audio), any(not stream.cover for stream in info.video))
