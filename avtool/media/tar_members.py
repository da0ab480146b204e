"""Media inside tar files, such as the shards of WebDataset: `shard.tar/0001.wav` is a path of such a medium.

Members are found by the headers of the tar file, once, and read from their place; what only opens files gets
a copy in the cache.
"""

import hashlib
import posixpath
import tarfile
from collections.abc import Mapping
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import soundfile

from avtool.core.addresses import file_name
from avtool.core.errors import BadInputError
from avtool.core.files import atomic_file, is_file, need_space
from avtool.core.paths import cache_folder
from avtool.media.probe import probe

Piece = tuple[int, int]
"""Where a file stands in its shard: from which byte on, and how many."""


def split_member(path: Path) -> tuple[Path, str] | None:
    """The tar file and the member of a path such as `folder/shard.tar/0001.wav`; None for any other path."""
    if ".tar/" not in path.as_posix():
        return None
    for parent in reversed(path.parents):
        if parent.suffix == ".tar" and is_file(parent):
            return parent, path.relative_to(parent).as_posix()
    return None


def tar_members(path: Path) -> Mapping[str, Piece]:
    """The regular files of a plain tar file by name, and where they are; of equal names the last one counts.

    Raises:
        BadInputError: it does not exist, is compressed or no tar file, or is cut short.
    """
    try:
        stat = path.stat()
        return _members(path, stat.st_size, stat.st_mtime_ns)
    except FileNotFoundError as error:
        raise BadInputError(f"`{path}` does not exist", "give a folder of shards") from error
    except (tarfile.TarError, OSError, EOFError) as error:
        raise BadInputError(f"`{path}` is no whole tar file ({error})", "copy or write it again") from error


@lru_cache(maxsize=64)
def _members(path: Path, size: int, modified: int) -> Mapping[str, Piece]:  # noqa: ARG001
    found: dict[str, Piece] = {}
    with tarfile.open(path, "r:") as tar:
        for member in tar:
            if not member.isfile():
                continue
            if member.offset_data + member.size > size:
                raise BadInputError(f"`{path}` is cut short", "copy or write it again")
            name = posixpath.normpath("/" + member.name).lstrip("/")  # `./a.wav` and `../a.wav` are `a.wav`
            found[name] = (member.offset_data, member.size)
    return found


def read_piece(shard: BinaryIO, piece: Piece) -> bytes:
    """The bytes of a file in a shard."""
    shard.seek(piece[0])
    return shard.read(piece[1])


def member_path(tar: Path, name: str) -> Path:
    """Where the copy of a member is, or will be: in the cache, by the name and the state of the tar file.

    Raises:
        BadInputError: the tar file is gone.
    """
    try:
        stat = tar.stat()
    except OSError as error:
        raise BadInputError(f"`{tar}` cannot be read: {error.strerror}", "put it back") from error
    state = f"{tar.resolve()}|{stat.st_size}|{stat.st_mtime_ns}|{name}"
    return cache_folder() / "media" / hashlib.sha256(state.encode()).hexdigest()[:32] / file_name(name)


def extract(tar: Path, name: str) -> Path:
    """A copy of a member as a file of its own, made once.

    Raises:
        BadInputError: there is no such member, or it cannot be read.
    """
    target = member_path(tar, name)
    if target.is_file():
        return target
    piece = tar_members(tar).get(name)
    if piece is None:
        raise BadInputError(f"there is no `{name}` in `{tar}`", "check the name, or write the shard again")
    target.parent.mkdir(parents=True, exist_ok=True)
    need_space(target.parent, piece[1], f"a copy of `{name}`")
    with tar.open("rb") as shard, atomic_file(target) as partial:
        partial.write_bytes(read_piece(shard, piece))
    return target


def member_seconds(tar: Path, name: str) -> float:
    """The duration of an audio file or film in a tar file, by its header where that states it.

    Raises:
        BadInputError: it cannot be read, or has no duration.
    """
    with tar.open("rb") as shard:
        content = read_piece(shard, tar_members(tar)[name])
    try:
        stated = float(soundfile.info(BytesIO(content)).duration)
    except soundfile.LibsndfileError:
        stated = 0.0  # FFmpeg may read it, or names what is wrong with it
    seconds = stated or probe(extract(tar, name)).duration_s
    if not seconds:
        raise BadInputError(f"`{name}` in `{tar}` has no duration", "write the shard again")
    return seconds
