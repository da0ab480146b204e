"""Media that are elsewhere: an address such as `s3://bucket/film.mp4` becomes a file that can be opened."""

import hashlib
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from avtool.core.errors import AvtoolError, BadInputError, MissingError
from avtool.core.files import atomic_file, need_space, without_passwords
from avtool.core.paths import cache_folder
from avtool.core.requirements import require

# A manifest may come from anybody: of fsspec's file systems only those that fetch plain files are opened.
_LIBRARIES = {
    "file": "",
    "memory": "",
    "http": "aiohttp",
    "https": "aiohttp",
    "s3": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "az": "adlfs",
    "abfs": "adlfs",
    "abfss": "adlfs",
    "hf": "huggingface_hub",
}
"""The protocols, and the package that each needs."""

_LONGEST_NAME = 100


def is_address(name: str) -> bool:
    """Whether a name is an fsspec address, and no path."""
    return "://" in name


def is_elsewhere(name: str) -> bool:
    """Whether a name is an address of another machine, whose file must be fetched."""
    return is_address(name) and not name.startswith("file://")


def local_path(name: str) -> Path:
    """Where the file of a name is, or will be when it is fetched: a path itself, or a place in the cache.

    Raises:
        BadInputError: the protocol is not known.
    """
    if not is_address(name):
        return Path(name)
    protocol, _, rest = name.partition("://")
    if protocol not in _LIBRARIES or "::" in name:
        known = ", ".join(sorted(_LIBRARIES))
        raise BadInputError(f"`{name}` cannot be opened: unknown protocol", f"use one of {known}, or a path")
    if protocol == "file":
        path = Path("/" + rest.partition("/")[2])  # after the host, which is empty or this machine
        return path if path.exists() else Path(unquote(str(path)))
    name = without_passwords(name)
    folder = hashlib.sha256(name.encode()).hexdigest()[:32]
    return cache_folder() / "media" / folder / file_name(rest)


def fetch(name: str) -> Path:
    """The file of a name; what has an address elsewhere is copied into the cache, once.

    Raises:
        BadInputError: the address cannot be read.
        MissingError: the library of its protocol is not installed.
    """
    target = local_path(name)
    if not is_elsewhere(name) or target.is_file():
        return target
    try:
        system, path = require("fsspec.core").url_to_fs(name)
        size = int(system.size(path) or 0)
        target.parent.mkdir(parents=True, exist_ok=True)
        need_space(target.parent, size, f"a copy of `{name}`")
        with atomic_file(target) as partial:
            try:
                system.get_file(path, str(partial))
            except OSError as error:  # which would look like a disk that cannot be written
                raise _unreadable(name, error) from error
    except AvtoolError:
        raise
    except ImportError as error:
        library = _LIBRARIES[name.partition("://")[0]]
        message = f"`{name}` needs `{library}`, which is not installed"
        raise MissingError(message, f"pip install {library}") from error
    except FileNotFoundError as error:
        raise BadInputError(f"`{name}` does not exist", "check the address") from error
    except Exception as error:  # each protocol's library has errors of its own
        raise _unreadable(name, error) from error
    return target


def storable(name: str) -> str:
    """A name as it may be stored: an address that holds a password is fetched now, and goes without it.

    Raises:
        AvtoolError: as `fetch`.
    """
    plain = without_passwords(name)
    if plain != name and is_elsewhere(name):
        fetch(name)
    return plain


def _unreadable(name: str, error: Exception) -> BadInputError:
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return BadInputError(f"`{name}` cannot be read: {reason}", "check the address and the network")


def file_name(rest: str) -> str:
    """The name of a copy: what follows from it (suffix, title) follows from the address's last part."""
    last = PurePosixPath(unquote(rest.partition("?")[0])).name[-_LONGEST_NAME:]
    plain = "".join(letter if letter.isalnum() or letter in "-_. " else "_" for letter in last)
    return plain if plain.strip(".") else "media"
