"""The session of a command: its reporter, its result as text or JSON, its tables."""

import json as json_library
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avtool.core.console import ConsoleReporter
from avtool.core.errors import AvtoolError
from avtool.core.files import without_passwords
from avtool.core.parallel import is_first_process

if TYPE_CHECKING:
    from avtool.evaluation.report import BenchmarkReport
    from avtool.evaluation.report import Table as ReportTable

JSON_SCHEMA_VERSION = 1
_ERRORS_ONLY = -2
_SHOWN_ROWS = 40  # of a report's table, on the terminal


@dataclass(frozen=True)
class Session:
    """One run of a subcommand.

    Attributes:
        reporter: messages and progress of a job (stderr, and the log file).
        json: whether the result is printed as one JSON object instead of text for people.
    """

    reporter: ConsoleReporter
    json: bool

    @classmethod
    def from_options(
        cls, *, json: bool, quiet: bool, verbose: int, log_file: Path | None, no_progress: bool
    ) -> "Session":
        """The session of the common command-line options.

        Of processes that were launched together the first one reports; the others print errors only.
        """
        if not is_first_process():
            return cls(ConsoleReporter(_ERRORS_ONLY, progress=False), json)
        reporter = ConsoleReporter(-1 if quiet else verbose, progress=not no_progress, log_file=log_file)
        return cls(reporter, json)

    @property
    def command_line(self) -> str:
        """The command as the user typed it, for the artifact's card."""
        return without_passwords(shlex.join(["avtool", *sys.argv[1:]]))

    def emit(self, result: Mapping[str, Any], text: str = "") -> None:
        """Prints the result on stdout: `result` as JSON under `--json`, otherwise `text`."""
        if not is_first_process():
            return
        if self.json:
            value = {"schema_version": JSON_SCHEMA_VERSION, **plain(result)}
            sys.stdout.write(json_library.dumps(value, ensure_ascii=False) + "\n")
        elif text:
            sys.stdout.write(text.rstrip("\n") + "\n")

    def flush(self) -> None:
        """Hands over what was printed, before a command that runs on."""
        sys.stdout.flush()

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[Any]], title: str = "") -> None:
        """Prints a short table for people on stdout; nothing under `--json`."""
        if self.json or not rows or not is_first_process():
            return
        from rich.table import Table
        from rich.text import Text

        if title:  # a line of its own, which is not folded at the table's width
            _print(Text(title, style="italic"))
        table = Table(header_style="bold", box=None, pad_edge=False)
        for index, column in enumerate(columns):
            numeric = all(isinstance(row[index], int | float) for row in rows)
            table.add_column(column, justify="right" if numeric else "left", overflow="fold")
        for row in rows:
            table.add_row(*(Text(str(cell)) for cell in row))
        _print(table)

    def report(self, report: "BenchmarkReport", out: Path) -> None:
        """Prints the tables of a report that was written, and its path."""
        self.report_tables(report.tables)
        self.emit({"out": out, "report": report}, text=str(out))

    def report_tables(self, tables: "Iterable[ReportTable]") -> None:
        """Prints the first rows of each table; the page and `--json` have all of them."""
        for table in tables:
            more = len(table.rows) - _SHOWN_ROWS
            title = f"{table.title} (and {more} more rows in the report)" if more > 0 else table.title
            self.table(table.columns, table.rows[:_SHOWN_ROWS], title=title)


def with_report(out: Path) -> str:
    """The folder that was written, below the line of its report where it has one."""
    report = out / "report.html"
    return f"report: {report}\n{out}" if report.is_file() else str(out)


def _print(renderable: object) -> None:
    from rich.console import Console

    class Stdout(Console):
        def on_broken_pipe(self) -> None:  # rich would end the process with 1 here
            raise BrokenPipeError

    # a file or a pipe has no width: give the cells room instead of folding them at 80 columns
    Stdout(highlight=False, width=None if sys.stdout.isatty() else 200).print(renderable)


def plain(value: Any) -> Any:
    """A value in JSON's types: dataclasses as objects, paths as text, tuples as lists, NaN as null."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, float) and value != value:
        return None
    if isinstance(value, AvtoolError):
        return {"message": value.message, "hint": value.hint, "exit_code": int(value.exit_code)}
    return str(value) if isinstance(value, Path) else value
