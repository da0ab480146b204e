"""The errors a user may see, each with its message, its hint and its exit code.

`AvtoolError` and its kinds are for people: one line with the problem and its place, and a hint with the
remedy. A programmer's mistake is an `assert`, and ends in exit code 70.
"""

from collections.abc import Mapping
from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of the process; the numbers are part of the command line's contract."""

    DONE = 0
    SOME_FAILED = 1
    BAD_INPUT = 2
    MISSING = 3
    CORRUPT_ARTIFACT = 4
    OUR_FAULT = 70
    INTERRUPTED = 130
    TERMINATED = 143
    BROKEN_PIPE = 141


class AvtoolError(Exception):
    """A failure that a user can understand and act on.

    Args:
        message: one line: what is wrong and where, without a final period.
        hint: one line: what to do about it, or an empty string.
    """

    exit_code = ExitCode.BAD_INPUT

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)  # both, so that the error survives a trip between processes
        self.message = message
        self.hint = hint
        if hint:  # for the traceback that a Python program shows
            self.add_note(f"hint: {hint}")

    def __str__(self) -> str:
        return self.message


class BadInputError(AvtoolError):
    """A file or an argument that cannot be used as it is (exit code 2)."""


class DiskFullError(BadInputError):
    """No room to write (exit code 2); a batch stops here, since every further film would fail alike."""


class SomeFailedError(AvtoolError):
    """A batch that ended with failures, or a check that did not pass (exit code 1)."""

    exit_code = ExitCode.SOME_FAILED


class NoneDoneError(SomeFailedError):
    """A batch of which no input could be done (exit code 1).

    Args:
        message: as for any error.
        hint: what to do.
        problems: input → why it failed.
    """

    def __init__(self, message: str, hint: str = "", problems: Mapping[str, str] | None = None) -> None:
        super().__init__(message, hint)
        self.args = (message, hint, problems)
        self.problems = dict(problems or {})


class MissingError(AvtoolError):
    """A dependency, device or network that is not there (exit code 3)."""

    exit_code = ExitCode.MISSING


class CorruptArtifactError(AvtoolError):
    """An artifact that is damaged or was written by an incompatible version (exit code 4)."""

    exit_code = ExitCode.CORRUPT_ARTIFACT
