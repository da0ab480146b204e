"""The collector of a conversion: finds media, applies the rules for segments without a length, counts."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import Any, Literal

from avtool.data.queries.checks import WindowProblems
from avtool.data.queries.table import QueryRow, QueryTable
from avtool.data.readers.media_index import MediaIndex

ZeroLength = Literal["drop", "pad", "keep"]


@dataclass(frozen=True)
class ConvertOptions:
    """How annotations become a table.

    Attributes:
        media: folder of the films; None leaves names as the annotations have them.
        films: name without suffix → path of the films, instead of a folder.
        fix: drop or cut what makes no sense, instead of refusing it.
        zero_length: what becomes of segments without a length.
        pad: length that they are padded to, in seconds.
        untimed: keep queries without a segment, as of a test set; they are `absent`.
        kinds: kinds of queries that are made of a dataset's events.
        audio_queries: audio queries of a label in a film, each from another event.
        absent: label queries a film whose label it lacks.
        seed: of the choice of audio and absent queries.
    """

    media: Path | None = None
    films: Mapping[str, str] | None = None
    fix: bool = False
    zero_length: ZeroLength = "drop"
    pad: float = 1.0
    untimed: bool = False
    kinds: tuple[str, ...] = ("label", "text", "audio")
    audio_queries: int = 1
    absent: int = 0
    seed: int = 0


@dataclass
class Collector:
    """Rows while annotations are read.

    Attributes:
        options: of the conversion.
        rows: so far.
        problems: segments that made no sense.
        segments: that were read.
        zero_length: of them without a length.
        outside: of them that begin behind the end of their film, or of what is searched: no prediction
            finds them.
        skipped: records without a query, by reason.
        lost: names of media that are not in the folder.
    """

    options: ConvertOptions
    rows: list[QueryRow] = field(default_factory=list)
    problems: WindowProblems = field(init=False)
    segments: int = 0
    zero_length: int = 0
    outside: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Opens the folder of media."""
        self.problems = WindowProblems(self.options.fix)
        self._media = MediaIndex(self.options.media) if self.options.media else None
        self._found: dict[str, str | None] = {}

    def skip(self, reason: str) -> None:
        """Counts a record without a query."""
        self.skipped[reason] = self.skipped.get(reason, 0) + 1

    def add(self, row: QueryRow, start: Any, end: Any, where: str) -> None:
        """Adds a row, unless its segment is dropped, or it has none.

        Args:
            row: without the segment; its `offset` is added to it, and to `search_end`.
            start: in the source's seconds, as it was read.
            end: as it was read.
            where: its place, for messages.

        Raises:
            BadInputError: it is no segment, and they are not fixed.
        """
        until = None if row.search_end is None else row.search_end + row.offset
        if start is None and end is None and self.options.untimed:
            self.rows.append(replace(row, absent=True, search_end=until))
            return
        self.segments += 1
        window = self.problems.window(start, end, where, empty=True)
        if window is None:
            self.problems.dropped += 1
            return
        first, last = window
        if first == last:
            self.zero_length += 1
            if self.options.zero_length == "drop":
                return
            if self.options.zero_length == "pad":
                first, last = self._padded(first, row.duration)
        limit = min((one for one in (row.duration, row.search_end) if one is not None), default=None)
        self.outside += limit is not None and first >= limit
        self.rows.append(replace(row, start=first + row.offset, end=last + row.offset, search_end=until))

    def _padded(self, time: float, duration: float | None) -> tuple[float, float]:
        """A segment around a time, moved into the film."""
        first = max(time - self.options.pad / 2, 0.0)
        last = first + self.options.pad
        beyond = max(last - duration, 0.0) if duration else 0.0
        return max(first - beyond, 0.0), last - beyond

    def find(self, name: str) -> str | None:
        """The absolute path of a film in the folder of media; None where it is not, or none is given."""
        if self.options.films is not None:
            return self.options.films.get(name) or self.options.films.get(PurePath(name).stem)
        if self._media is None:
            return None
        if name not in self._found:
            self._found[name] = self._media.find((name,))
        return self._found[name]

    def media(self, name: str) -> str:
        """The path of a film, or its name where it is not in the folder."""
        found = self.find(name)
        if found is None and (self._media is not None or self.options.films is not None):
            self.lost.add(name)
        return found or name

    def clip_media(self, clip: str, video: str, start: float) -> tuple[str, float]:
        """The file of a clip and 0, or the file of its video and where the clip begins in it."""
        if self.find(clip) is None and video and (whole := self.find(video)):
            return whole, start
        return self.media(clip), 0.0

    def table(self) -> QueryTable:
        """What was collected."""
        return QueryTable(tuple(self.rows), Path(), self.problems.dropped, self.problems.clipped)
