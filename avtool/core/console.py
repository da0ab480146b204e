"""The reporter of the command line: talk goes to stderr, with bars on a terminal and lines elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from avtool.core.errors import AvtoolError
from avtool.core.files import without_passwords, writing
from avtool.core.reporter import Progress

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bars

_LINE_EVERY_S = 10.0
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(9), *range(11, 32), *range(127, 160))}
"""Characters that would steer a terminal, as names in files of others may, but tabs and ends of lines."""


class ConsoleReporter:
    """A job's messages and progress on a terminal or in a log.

    Args:
        verbosity: -1 only warnings and errors, 0 decisions too, 1 details too.
        progress: whether long work shows its progress.
        log_file: every line is appended there too, with its time, whatever the verbosity.
    """

    def __init__(self, verbosity: int = 0, *, progress: bool = True, log_file: Path | None = None) -> None:
        self.verbosity = verbosity
        self.show_progress = progress and verbosity >= 0
        self._console: Console | None = None
        self._bars: Bars | None = None
        self._log_file = log_file
        if log_file:
            with writing(log_file):
                log_file.parent.mkdir(parents=True, exist_ok=True)
                log_file.touch()

    @property
    def console(self) -> "Console":
        """The rich console on stderr; rich honours NO_COLOR and plain terminals."""
        if self._console is None:
            from rich.console import Console

            self._console = Console(stderr=True, highlight=False)
        return self._console

    def info(self, text: str) -> None:
        self._print(text, at_least=0)

    def detail(self, text: str) -> None:
        self._print(text, at_least=1)

    def warn(self, text: str) -> None:
        self._print(text, label="warning", style="yellow", at_least=-1)

    def error(self, error: AvtoolError) -> None:
        """The one line that ends a failed command, and its hint."""
        self._print(error.message, label="error", style="bold red", at_least=-2)
        if error.hint:
            self._print(error.hint, label="hint", style="cyan", at_least=-2)

    def _print(self, text: str, *, at_least: int, label: str = "", style: str = "") -> None:
        line = without_passwords(" ".join(text.split("\n"))).translate(_CONTROLS)
        if self._log_file:
            prefix = f"{label}: " if label else ""
            with self._log_file.open("a", encoding="utf-8", errors="backslashreplace") as log:
                log.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S')} {prefix}{line}\n")
        if self.verbosity < at_least:
            return
        from rich.text import Text

        message = Text(f"{label}: ", style=style) + Text(line) if label else Text(line)
        self.console.print(message, soft_wrap=True)

    @contextmanager
    def progress(self, description: str, total: float | None) -> Iterator[Progress]:
        """A bar with ETA on a terminal; elsewhere a line every ten seconds."""
        if not self.show_progress:
            yield _Quiet()
        elif self.console.is_terminal:
            with self._bar(description, total) as bar:
                yield bar
        else:
            yield _Lines(self, description, total)

    @contextmanager
    def _bar(self, description: str, total: float | None) -> Iterator[Progress]:
        from rich import progress as bars

        outermost = self._bars is None
        if self._bars is None:
            self._bars = bars.Progress(
                bars.TextColumn("{task.description}"),
                bars.BarColumn(),
                bars.TaskProgressColumn(),
                bars.TimeRemainingColumn(elapsed_when_finished=True),
                bars.TextColumn("[dim]{task.fields[note]}"),
                console=self.console,
                transient=True,
            )
            self._bars.start()
        task = self._bars.add_task(description, total=total, note="")
        try:
            yield _Bar(self._bars, task)
        finally:
            self._bars.remove_task(task)
            if outermost:
                self._bars.stop()
                self._bars = None


class _Quiet:
    def advance(self, amount: float = 1, note: str = "") -> None:
        pass


class _Bar:
    def __init__(self, bars: "Bars", task: int) -> None:
        self._bars = bars
        self._task = task

    def advance(self, amount: float = 1, note: str = "") -> None:
        from rich.markup import escape
        from rich.progress import TaskID

        self._bars.update(TaskID(self._task), advance=amount, note=escape(note))


class _Lines:
    def __init__(self, reporter: ConsoleReporter, description: str, total: float | None) -> None:
        self._reporter = reporter
        self._description = description
        self._total = total
        self._done = 0.0
        self._last = time.monotonic()

    def advance(self, amount: float = 1, note: str = "") -> None:
        self._done += amount
        now = time.monotonic()
        if now - self._last < _LINE_EVERY_S:
            return
        self._last = now
        share = f"{100 * self._done / self._total:.0f} %" if self._total else f"{self._done:g}"
        self._reporter.info(f"{self._description}: {share}{f' ({note})' if note else ''}")
