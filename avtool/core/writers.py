"""One writer a folder: a lock that ends with its process, and the folder that a name leads to."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.core.files import writing

_held: dict[Path, int] = {}
"""The folders that this process writes, and the open directories that hold their locks."""


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
        BadInputError: another process writes it, or it cannot be made.
    """
    release_folder(folder)
    with writing(folder):
        while True:
            folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                os.close(handle)
                message = f"another process is writing `{folder}`"
                raise BadInputError(message, "wait until it is done, or choose another --out") from error
            except OSError:  # a file system without locks
                os.close(handle)
                return
            if _is_same(handle, folder):
                _held[folder] = handle
                return
            os.close(handle)  # the other process has just finished and moved it away


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
