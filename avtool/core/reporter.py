"""The reporter: a job's messages and progress. A job gets a `Reporter` and never prints.

The command line renders a reporter on stderr, a test records one, and a library user passes `Silent`.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Protocol


class Progress(Protocol):
    """A running count of work done."""

    def advance(self, amount: float = 1, note: str = "") -> None:
        """Adds finished work; `note` is shown beside the bar (a file name, a rate)."""


class Reporter(Protocol):
    """Messages and progress of a job."""

    def info(self, text: str) -> None:
        """Something worth one line: a decision taken automatically, with its reason."""

    def detail(self, text: str) -> None:
        """Something worth a line only under `--verbose`."""

    def warn(self, text: str) -> None:
        """A problem that the user should look at although the work continues."""

    def progress(self, description: str, total: float | None) -> AbstractContextManager[Progress]:
        """Opens a progress bar; `total` is in the units that `advance` counts, None when unknown."""


class _NoProgress:
    def advance(self, amount: float = 1, note: str = "") -> None:
        pass


class Silent:
    """A reporter that prints nothing."""

    def info(self, text: str) -> None:
        pass

    def detail(self, text: str) -> None:
        pass

    def warn(self, text: str) -> None:
        pass

    @contextmanager
    def progress(self, description: str, total: float | None) -> Iterator[Progress]:  # noqa: ARG002
        yield _NoProgress()


@dataclass
class Recorder(Silent):
    """A reporter that remembers, for worker processes and tests."""

    infos: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def info(self, text: str) -> None:
        self.infos.append(text)

    def detail(self, text: str) -> None:
        self.details.append(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def replay(self, reporter: Reporter) -> None:
        """Repeats everything to another reporter."""
        for text in self.infos:
            reporter.info(text)
        for text in self.details:
            reporter.detail(text)
        for text in self.warnings:
            reporter.warn(text)
