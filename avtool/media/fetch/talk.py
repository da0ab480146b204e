"""yt-dlp's talk and progress, given to a reporter."""

import re
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from avtool.core.reporter import Progress, Reporter
from avtool.media.fetch.names import one_line

MEGABYTE = 1_000_000
_EVERYDAY = (
    "ffmpeg is not installed",  # PyAV does that work
    "generic information extractor",  # any page that is not of a known site
)


def reason_of(message: object) -> str:
    """yt-dlp's message as one line, without its labels, the cause in brackets and the plea for a report."""
    text = one_line(str(message).partition("; please report this issue")[0])
    text = re.sub(r" \(caused by .*$", "", text).removeprefix("ERROR: ")
    return re.sub(r"^\[[^\]\s]+\] (?:[^\s:]+: )?", "", text).removeprefix("Got error: ")


class YtDlpLog:
    """yt-dlp's talk, as details; errors come by `FilmSession.trouble`."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    def debug(self, message: str) -> None:
        self._reporter.detail(one_line(message))

    def warning(self, message: str) -> None:
        if any(words in message for words in _EVERYDAY):
            self.debug(message)
        else:
            self._reporter.warn(one_line(message))

    def error(self, message: str) -> None:
        self.debug(message)


class TransferBar:
    """A progress bar for the file that is being downloaded, in megabytes or in fragments of a stream."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._stack = ExitStack()
        self._name = ""
        self._done = 0.0
        self._bar: Progress | None = None

    def update(self, status: dict[str, Any]) -> None:
        name = Path(status["filename"]).name
        fragments = status.get("fragment_count")
        total = fragments or (status.get("total_bytes") or 0) / MEGABYTE or None
        done = float(status.get("fragment_index") or 0)
        if not fragments:
            done = (status.get("downloaded_bytes") or 0) / MEGABYTE
        if self._bar is None or name != self._name:
            self.close()
            self._name, self._done = name, 0.0
            self._bar = self._stack.enter_context(self._reporter.progress(name, total))
        speed = f"{status['speed'] / MEGABYTE:.1f} MB/s" if status.get("speed") else ""
        self._bar.advance(max(0.0, done - self._done), speed)
        self._done = max(self._done, done)
        if status["status"] != "downloading":
            self.close()

    def close(self) -> None:
        self._stack.close()
        self._bar = None
