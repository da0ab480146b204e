"""The journal of a review: `review.parquet`, and beside it the rows that are not yet in there.

A decision is a line appended to `review.jsonl` and flushed to the disk before it counts; when the review
opens and ends, all rows are written to the Parquet file, whole or not at all. A killed review loses at most
a line that was never acknowledged. One process writes a journal.
"""

import fcntl
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet

from avtool.core.artifact import Input, settings_hash
from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.core.files import atomic_file, fsync_folder, writing
from avtool.mining.review.decisions import Decision, decision_of, fold

_VERSION = "1"
_KEY = b"avtool.review"
_LABELS, _TEXT, _NUMBER = pa.list_(pa.string()), pa.string(), pa.float64()
_KINDS = {
    "sounds": _LABELS, "sources": _LABELS, "qualities": _LABELS,
    "start": _NUMBER, "end": _NUMBER, "seconds": _NUMBER,
}  # fmt: skip
SCHEMA = pa.schema(
    [(field.name, _KINDS.get(field.name, _TEXT)) for field in fields(Decision)], metadata={_KEY: _VERSION}
)
_MAX_BYTES = 500_000_000


def review_path(dataset: Path) -> Path:
    """Where the decisions on a dataset are, unless a file is named."""
    return dataset / "review.parquet" if dataset.is_dir() else dataset.with_suffix(".review.parquet")


def lines_path(path: Path) -> Path:
    """The rows that are not yet in a journal's Parquet file."""
    return path.with_suffix(".jsonl")


def read_decisions(path: Path) -> list[Decision]:
    """The rows of a journal in the order in which they were decided.

    Args:
        path: the Parquet file; rows beside it that a killed review left count too.

    Raises:
        BadInputError: neither is there.
        CorruptArtifactError: one of them is damaged, or another version of avtool wrote it.
    """
    if not path.is_file() and not lines_path(path).is_file():
        raise BadInputError(f"`{path}` does not exist", "`avtool review DATASET` writes it")
    found: dict[tuple[str, str], Decision] = {}
    for row in [*_read_table(path), *_read_lines(lines_path(path))]:
        found.setdefault((row.operation, row.event_id), row)
    return list(found.values())


def read_review(path: Path) -> dict[str, Decision]:
    """What the decisions of a journal leave of each event, by event.

    Raises:
        BadInputError: there is no such file.
        CorruptArtifactError: it is damaged.
    """
    return fold(read_decisions(path))


def review_input(path: Path) -> Input:
    """A journal by what its decisions leave: who decided when makes no difference."""
    review = read_review(path)
    changes = {name: decision.changes() for name, decision in sorted(review.items())}
    return Input(str(path), "review", settings_hash(changes))


def decisions_on(review: Mapping[str, Decision], film_id: str) -> dict[str, Decision]:
    """The decisions on the events of one film, by the event's id within the film."""
    prefix = f"{film_id}/"
    return {name[len(prefix) :]: one for name, one in review.items() if name.startswith(prefix)}


class MovedError(BadInputError):
    """The folder of a journal was moved or deleted while the journal was open."""


class Journal:
    """The journal of a review, open for writing.

    Args:
        path: the Parquet file.

    Attributes:
        rows: all decisions, in order.

    Raises:
        BadInputError: another process writes it, or it cannot be written.
        CorruptArtifactError: it is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._handle = os.open(lines_path(path), os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            self._lock()
            self.rows = read_decisions(path)
            if self.rows:
                self.compact()
        except BaseException:
            os.close(self._handle)
            raise

    def append(self, rows: Sequence[Decision]) -> None:
        """Adds rows: they are on the disk when this returns, all of them or, if it raises, none.

        Raises:
            MovedError: the folder is no longer there.
            BadInputError: the disk refuses.
        """
        self.need_place()
        text = "".join(json.dumps(row.to_dict(), ensure_ascii=False) + "\n" for row in rows)
        size = os.fstat(self._handle).st_size
        content = memoryview(text.encode())
        with writing(lines_path(self.path)):
            try:
                while content:
                    content = content[os.write(self._handle, content) :]
                os.fsync(self._handle)
            except OSError:
                os.ftruncate(self._handle, size)
                raise
        self.rows.extend(rows)

    def need_place(self) -> None:
        """Looks whether the journal still lies under its name.

        Raises:
            MovedError: its folder was moved or deleted: what is written now would be lost, or lie elsewhere.
        """
        try:
            if os.path.samestat(lines_path(self.path).stat(), os.fstat(self._handle)):
                return
        except OSError:  # no such file
            pass
        is_elsewhere = os.fstat(self._handle).st_nlink > 0
        lines = lines_path(self.path)
        what = "moved" if is_elsewhere else "deleted"
        kept = (
            f"its decisions are in `{lines.name}` there" if is_elsewhere else "its decisions are gone with it"
        )
        raise MovedError(
            f"`{lines.parent}` was {what} while it was reviewed; {kept}",
            "put it back, or end with Ctrl-C and review it where it is now",
        )

    def compact(self) -> None:
        """Writes all rows to the Parquet file, then empties the lines beside it."""
        values = [row.to_dict() for row in self.rows]
        table = pa.Table.from_pylist(values, schema=SCHEMA)
        with atomic_file(self.path) as partial:
            parquet.write_table(table, partial, compression="zstd")
        with writing(self.path):
            os.ftruncate(self._handle, 0)

    def close(self) -> None:
        """Compacts the journal and gives its lock back.

        Raises:
            MovedError: the folder is no longer there; nothing is written.
            BadInputError: the disk refuses.
        """
        if self._handle < 0:
            return
        try:
            self.need_place()
            if self.rows:
                self.compact()
            with writing(self.path):
                lines_path(self.path).unlink(missing_ok=True)
                fsync_folder(self.path.parent)
        finally:
            os.close(self._handle)
            self._handle = -1

    def _lock(self) -> None:
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            message = f"another `avtool review` writes `{self.path}`"
            raise BadInputError(message, "open its address in a second browser, or end it") from error
        except OSError:  # a file system without locks
            return


def _read_table(path: Path) -> list[Decision]:
    if not path.is_file():
        return []
    try:
        table = parquet.read_table(path)
    except (pa.ArrowException, OSError) as error:
        first = str(error).splitlines()[0]
        raise CorruptArtifactError(f"`{path}` is not a Parquet file ({first})", "restore it") from error
    version = (table.schema.metadata or {}).get(_KEY, b"").decode()
    if version != _VERSION:
        what = f"of another version ({version})" if version else "no review"
        raise CorruptArtifactError(f"`{path}` is {what}", "give a file that `avtool review` wrote")
    return [_decision(row, f"`{path}` row {number}") for number, row in enumerate(table.to_pylist(), 1)]


def _read_lines(path: Path) -> list[Decision]:
    """The rows of a journal's lines, without one that was cut off while it was written."""
    if not path.is_file():
        return []
    if path.stat().st_size > _MAX_BYTES:
        raise CorruptArtifactError(f"`{path}` is too large for a review", "move it away")
    lines = path.read_bytes().split(b"\n")
    found = []
    for number, line in enumerate(lines[:-1], 1):  # what follows the last line feed was never acknowledged
        where = f"`{path}` line {number}"
        try:
            values: Any = json.loads(line)
        except ValueError as error:
            raise CorruptArtifactError(f"{where} is not JSON", "remove the line") from error
        if not isinstance(values, dict):
            raise CorruptArtifactError(f"{where} is no decision", "remove the line")
        found.append(_decision(values, where))
    return found


def _decision(values: dict[str, Any], where: str) -> Decision:
    try:
        return decision_of(values)
    except ValueError as error:
        raise CorruptArtifactError(f"{where}: {error}", "remove the row") from error
