"""Media that are elsewhere: an address such as `s3://bucket/film.mp4` becomes a file that can be opened."""

import hashlib
from pathlib import Path

from avtool.core.addresses import check_protocol, file_name, file_path, is_address, opened, refused
from avtool.core.files import atomic_file, need_space, without_passwords
from avtool.core.paths import cache_folder


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
    if check_protocol(name) == "file":
        return file_path(name)
    rest = name.partition("://")[2]
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
    with opened(name) as (system, path):
        size = int(system.size(path) or 0)
        target.parent.mkdir(parents=True, exist_ok=True)
        need_space(target.parent, size, f"a copy of `{name}`")
        with atomic_file(target) as partial:
            try:
                system.get_file(path, str(partial))
            except OSError as error:  # which would look like a disk that cannot be written
                raise refused(name, "read", error) from error
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
