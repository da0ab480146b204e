"""From the name of a medium in a manifest to a file that can be opened."""

import hashlib
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from avtool.core.errors import BadInputError, MissingError
from avtool.core.files import atomic_file, inside, need_space
from avtool.core.paths import cache_folder
from avtool.core.requirements import require

# A manifest may come from anybody: of fsspec's file systems only those that fetch plain files are opened.
_PROTOCOLS = {"file", "http", "https", "s3", "gs", "gcs", "az", "abfs", "abfss", "hf"}


class Media(NamedTuple):
    """A part of a file: its name as the manifest has it, and from where to where, in seconds."""

    name: str
    start: float
    end: float


def is_address(name: str) -> bool:
    """Whether a name is an fsspec address, and no path."""
    return "://" in name


def local_media(folder: Path, name: str) -> Path:
    """The file of a medium.

    Args:
        folder: what a relative name is relative to; it cannot lead out of it.
        name: a path, or an address such as `s3://bucket/film.mp4`, which is copied into the cache.

    Raises:
        BadInputError: the address cannot be read.
        CorruptArtifactError: the relative name leads out of the folder.
        MissingError: the library for the address's protocol is not installed.
    """
    if is_address(name):
        return _fetch(name)
    return Path(name) if Path(name).is_absolute() else inside(folder, name)


def _fetch(address: str) -> Path:
    protocol, _, rest = address.partition("://")
    if protocol == "file":
        return Path(rest)
    if protocol not in _PROTOCOLS or "::" in address:
        known = ", ".join(sorted(_PROTOCOLS))
        raise BadInputError(
            f"`{address}` cannot be opened: unknown protocol", f"use one of {known}, or a path"
        )
    suffix = PurePosixPath(rest.partition("?")[0]).suffix[:10]
    target = cache_folder() / "media" / (hashlib.sha256(address.encode()).hexdigest()[:32] + suffix)
    if target.is_file():
        return target
    try:
        system, path = require("fsspec.core").url_to_fs(address)
        size = int(system.size(path) or 0)
        target.parent.mkdir(parents=True, exist_ok=True)
        need_space(target.parent, size, f"a copy of `{address}`")
        with atomic_file(target) as partial:
            try:
                system.get_file(path, str(partial))
            except OSError as error:
                raise BadInputError(f"`{address}` cannot be read: {error}", "check the network") from error
    except ImportError as error:
        raise MissingError(f"`{address}` needs another library: {error}", "install it") from error
    except FileNotFoundError as error:
        raise BadInputError(f"`{address}` does not exist", "check the address") from error
    except OSError as error:
        raise BadInputError(f"`{address}` cannot be read: {error}", "check the network") from error
    return target
