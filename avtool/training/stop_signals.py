"""SIGINT and SIGTERM, deferred: the step is finished and its state written before the process ends."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, NoReturn

from avtool.core.errors import ExitCode

_CAUGHT = (signal.SIGINT, signal.SIGTERM)


class StopSignals:
    """Inside the block the first signal is only noted; a second one interrupts at once.

    Attributes:
        received: the noted signal, or 0.
    """

    def __init__(self) -> None:
        self.received = 0
        self._old: dict[int, Any] = {}

    def __enter__(self) -> "StopSignals":
        if threading.current_thread() is threading.main_thread():  # Python installs handlers nowhere else
            self._old = {number: signal.signal(number, self._note) for number in _CAUGHT}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if self.received:
            self.leave()
        self.received = number

    def leave(self, *reported: str) -> NoReturn:
        """Ends the process as the signal would have: exit code 130 or 143.

        Args:
            reported: what was reported of it, where anything was.
        """
        if self.received == signal.SIGTERM:
            raise SystemExit(int(ExitCode.TERMINATED))
        raise KeyboardInterrupt(*reported)
