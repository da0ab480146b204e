"""One writer a folder: a lock that ends with its process, and the folder that a name leads to."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.core.files import writing

_held: dict[Path, int] = {}
"""The folders that this process writes, and the open directories that hold their locks."""


_watched: set[Path] = set()
"""The folders that this process watches for."""


class OtherWriterError(BadInputError):
    """Another process writes a folder now (exit code 2); it can be waited for."""


def output_folder(out: Path) -> Path:
    """The folder that an output name means: a link leads to where it points.

    Raises:
        BadInputError: it is the current folder, the root, or one above: an artifact is a folder of its own.
    """
    real = Path(os.path.realpath(out))
    if out.name in {"", ".", ".."} or Path.cwd().is_relative_to(real):
        raise BadInputError(f"`{out}` is the current folder, or above it", "name a new folder with --out")
    return real if out.is_symlink() else out


def lock_folder(folder: Path) -> None:
    """Makes the folder, and this process its only writer until `release_folder` or the end of the process.

    The lock is on the folder itself, and moves with it when it is renamed: nothing stays behind.

    Raises:
        BadInputError: it cannot be made.
        OtherWriterError: another process writes it.
    """
    release_folder(folder)
    with writing(folder):
        while True:
            folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            busy = OtherWriterError(
                f"another process is writing `{folder}`", "wait until it is done, or choose another --out"
            )
            try:
                has_locks = _lock(handle, fcntl.LOCK_EX, busy)
            except OtherWriterError:
                os.close(handle)
                raise
            if not has_locks:
                os.close(handle)
                return
            if _is_same(handle, folder):
                _held[folder] = handle
                return
            os.close(handle)  # the other process has just finished and moved it away


@contextmanager
def only_watcher(out: Path) -> Iterator[None]:
    """Keeps other processes from writing `out`, and from watching for it, between two batches of this one.

    The lock is a file beside `out`, which stays, and ends with the process.

    Raises:
        BadInputError: another process watches for it.
    """
    path = _watch_lock(out)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = path.open("a")
    with handle:
        _lock(handle.fileno(), fcntl.LOCK_EX, _watched_by_another(out))
        _watched.add(path)
        try:
            yield
        finally:
            _watched.discard(path)


def check_unwatched(out: Path) -> None:
    """Makes sure that no other process watches a folder for `out`.

    Raises:
        BadInputError: one does.
    """
    path = _watch_lock(out)
    if path in _watched or not path.is_file():
        return
    with suppress(PermissionError), path.open() as handle:
        _lock(handle.fileno(), fcntl.LOCK_SH, _watched_by_another(out))


def _watch_lock(out: Path) -> Path:
    real = Path(os.path.realpath(out))
    return real.with_name(f".{real.name}.watch")


def _watched_by_another(out: Path) -> BadInputError:
    message = f"another command watches a folder for `{out}`, and writes it"
    return BadInputError(message, "end it first, or choose another --out")


def _lock(handle: int, mode: int, busy: BadInputError) -> bool:
    """Takes a lock without waiting, or raises `busy`; False on a file system without locks."""
    try:
        fcntl.flock(handle, mode | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise busy from error
    except OSError:
        return False
    return True


def release_folder(folder: Path) -> None:
    """Gives a lock back, where this process holds one."""
    if (handle := _held.pop(folder, None)) is not None:
        with suppress(OSError):
            os.close(handle)


def release_all() -> None:
    """Gives back all locks: at the end of a command or of a call, however it ended."""
    for folder in list(_held):
        release_folder(folder)


def _is_same(handle: int, folder: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), folder.stat())
    except FileNotFoundError:
        return False
