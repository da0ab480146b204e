"""Writing files so that nothing is ever half there, and reading names that cannot escape their folder."""

import csv
import ctypes
import errno
import hashlib
import io
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from avtool.core.errors import AvtoolError, BadInputError, CorruptArtifactError, DiskFullError

_DISK_PROBLEMS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.ENOTDIR: "a file stands where a folder is needed",
    errno.EISDIR: "a folder stands where a file is needed",
    errno.ENAMETOOLONG: "the name is too long",
    errno.EFBIG: "the file is larger than the file system or a limit allows",
    errno.ELOOP: "its links lead in a circle",
    errno.EMFILE: "too many files are open",
    errno.EIO: "the disk reports an error",
}


_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a spreadsheet takes for the beginning of a formula, in full width too."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
_PASSWORD = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)[^/?#\s'\"`]*@")


def write_problem(path: Path, error: OSError) -> AvtoolError:
    """The error to show when writing `path` failed."""
    reason = _DISK_PROBLEMS.get(error.errno or 0, error.strerror or str(error))
    message = f"cannot write `{path}`: {reason}"
    if error.errno in _FULL:
        return DiskFullError(message, "free some space, or choose another --out folder")
    return BadInputError(message, "choose another --out folder")


def outside_problem(error: OSError) -> AvtoolError | None:
    """The error to show for a refusal of the operating system that is no mistake of ours; None for others."""
    if error.errno not in _DISK_PROBLEMS:
        return None
    if error.errno in _FULL or not error.filename:
        return write_problem(Path(os.fsdecode(error.filename or "the output")), error)
    name = os.fsencode(error.filename).decode("utf-8", "backslashreplace")
    return BadInputError(f"`{name:.300}`: {_DISK_PROBLEMS[error.errno]}", "check the name and its rights")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns the operating system's refusals inside the block into one clean error about `path`."""
    try:
        yield
    except OSError as error:
        raise write_problem(path, error) from error


def fsync_folder(folder: Path) -> None:
    """Makes a rename inside `folder` durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yields a sibling name to write; it takes the place of `path` only if the block succeeds.

    A link is followed: the file that it points to is written.
    """
    if path.is_symlink():
        path = Path(os.path.realpath(path))
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield partial
            with partial.open("rb") as stream:
                os.fsync(stream.fileno())
            partial.replace(path)
            fsync_folder(path.parent)
        finally:
            partial.unlink(missing_ok=True)


def check_output_file(path: Path, inputs: Iterable[Path] = ()) -> None:
    """Refuses, before the work for it begins, a file that cannot be written or is an input.

    Args:
        path: the file to be written.
        inputs: files, and folders whose files are inputs.

    Raises:
        BadInputError: it is a folder, its folder cannot be made, or it is one of the inputs.
    """
    real = Path(os.path.realpath(path))
    with writing(path):
        if real.is_dir():
            raise IsADirectoryError(errno.EISDIR, "", str(path))
        folder = next(one for one in real.parents if one.exists())
        if not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "", str(path))
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, "", str(path))
        exists = real.exists()
    for one in inputs if exists else ():
        if real.is_relative_to(os.path.realpath(one)):
            raise BadInputError(f"`{path}` is an input, and would be replaced", "choose another --out file")


def check_own_output(
    path: Path, inputs: Iterable[Path], is_ours: Callable[[Path], object], kind: str, *, overwrite: bool
) -> None:
    """Refuses, before the work for it begins, a file that may not take the place of what is there.

    Args:
        path: the file to be written.
        inputs: of the work; folders among them may hold the file.
        is_ours: whether a file is of the kind that the command writes: no other is ever replaced.
        kind: for messages: "holds no features of avtool".
        overwrite: whether a file of that kind may be replaced.

    Raises:
        BadInputError: it cannot be written, exists, is an input, or is of another kind.
    """
    if path.is_dir() or (path.exists() and not overwrite):
        raise BadInputError(f"`{path}` exists", "add --overwrite, or choose another --out")
    check_output_file(path, (one for one in inputs if one.is_file()))
    if path.exists() and not is_ours(path):
        raise BadInputError(f"`{path}` exists and {kind}", "choose another --out")


def write_text(path: Path, text: str) -> None:
    """Writes UTF-8 text atomically, with Unix line ends."""
    with atomic_file(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: Any, indent: int | None = 2) -> None:
    """Writes JSON atomically. NaN is refused: it is not JSON, and no other tool would read it."""
    write_text(path, json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False) + "\n")


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A CSV table with a header, quoted where it must be, with Unix line ends, without formulas."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(csv_cell, columns))
    writer.writerows([csv_cell(value) for value in row] for row in rows)
    return text.getvalue()


def csv_cell(value: object) -> object:
    """A cell that no spreadsheet takes for a formula: behind an apostrophe where it begins like one."""
    if not isinstance(value, str) or not value.startswith(_FORMULAS) or _NUMBER.fullmatch(value):
        return value
    return f"'{value}"


def csv_value(cell: str) -> str:
    """The inverse of `csv_cell` for texts."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULAS) else cell


def without_passwords(text: str) -> str:
    """A text whose addresses have lost the user name and password in them: `https://me:secret@host/a`."""
    return _PASSWORD.sub(r"\1", text)


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Writes a CSV table with a header atomically."""
    write_text(path, csv_text(columns, rows))


def read_json(path: Path) -> Any:
    """Reads a JSON file of ours.

    Raises:
        CorruptArtifactError: the file is absent or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CorruptArtifactError(f"`{path}` is missing", "make the artifact again") from error
    except OSError as error:
        message = f"`{path}` cannot be read: {error.strerror}"
        raise CorruptArtifactError(message, "check its rights") from error
    except (ValueError, RecursionError) as error:
        message = f"`{path}` is not valid JSON ({error})"
        raise CorruptArtifactError(message, "make the artifact again") from error


def is_file(path: Path) -> bool:
    """Whether a file is there; names that no file can have (too long, with a NUL) are not."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def inside(folder: Path, member: str) -> Path:
    """The path of `member` in `folder`.

    Raises:
        CorruptArtifactError: the name is absolute or climbs out of the folder, also through a link.
    """
    path = folder / member
    if not path.resolve().is_relative_to(folder.resolve()):
        raise CorruptArtifactError(f"`{member}` points outside of `{folder}`", "do not use this artifact")
    return path


def need_space(folder: Path, num_bytes: int, purpose: str) -> None:
    """Refuses to begin what the disk of `folder` has no room for.

    Raises:
        DiskFullError: fewer than `num_bytes` are free there.
    """
    free = shutil.disk_usage(folder).free
    if free < num_bytes:
        message = f"{purpose} needs {num_bytes / 1e9:.2f} GB in `{folder}`, {free / 1e9:.2f} GB are free"
        raise DiskFullError(message, "free some space, or choose another --out folder")


def link_file(source: Path, target: Path) -> None:
    """Makes `target` a copy of the file `source`, by a hard link where it can: it costs no space."""
    with writing(target):
        _link(str(source), str(target))


def link_tree(source: Path, target: Path) -> None:
    """Makes `target` a copy of the folder `source`, by hard links where it can."""
    with writing(target):
        shutil.copytree(source, target, copy_function=_link, dirs_exist_ok=True)


def _link(old: str, new: str) -> str:
    try:
        os.link(old, new)
    except OSError:  # another file system, or one without links
        shutil.copy2(old, new)
    return new


def replace_folder(partial: Path, final: Path) -> None:
    """Puts a finished folder in the place of `final`, keeping the old one until the new one stands."""
    if old := swap_folders(partial, final):
        shutil.rmtree(old, ignore_errors=True)


def swap_folders(partial: Path, final: Path) -> Path | None:
    """Puts a finished folder in the place of `final`, in one step where the system can.

    Returns:
        What stood there before, under the dotted name that it has now; None where there was nothing.
    """
    old = final.with_name(f".{final.name}.old")
    with writing(final):
        if not final.exists():
            partial.replace(final)
            fsync_folder(final.parent)
            return None
        shutil.rmtree(old, ignore_errors=True)
        if _exchange(partial, final):
            partial.replace(old)
        else:
            final.replace(old)
            partial.replace(final)
        fsync_folder(final.parent)
    return old


def _exchange(one: Path, other: Path) -> bool:
    """Swaps two names, so that at no time one of them is missing; False where the system cannot."""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):  # not Linux
        return False
    here, exchange = -100, 2
    return bool(renameat2(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0)
