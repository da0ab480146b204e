"""A caption file while it is being read: raw cues are collected, mended, counted and put in order."""

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise

from avtool.core.errors import BadInputError
from avtool.media.captions.cue import Captions, Cue, RawCue
from avtool.media.captions.rolling import rolls, without_repeated_rows

MAX_CUES = 200_000
MENDED_CUE_MS = 1000
"""How long a cue is shown whose end does not come after its start."""
OPEN_CUE_MS = 5000
"""How long a cue without an end is shown at most, when no other cue comes before."""


@dataclass
class Draft:
    """What a format's reader fills in.

    Attributes:
        source: the file, or the file and stream, for messages.
        encoding: the encoding of the text, and how it was found.
        format: the name of the format.
        fps: frames per second of the film, for formats that count frames, or None.
        wanted_language: which language to keep of a file with several (BCP 47).
        cues, repairs, language, mpegts_offset_s, header: what becomes of it in `Captions`.
        first_bad: the first thing that could not be read, for the message if nothing can.
        num_seen: cues met so far, kept or not.
        rolls: whether the format itself shows that rows are repeated; otherwise the cues decide.
        keep_rows: whether repeated rows stay, as the file has them.
    """

    source: str
    encoding: str
    format: str
    fps: float | None = None
    wanted_language: str = "en"
    cues: list[RawCue] = field(default_factory=list)
    repairs: Counter[str] = field(default_factory=Counter)
    language: str = ""
    mpegts_offset_s: float | None = None
    first_bad: str = ""
    num_seen: int = 0
    rolls: bool = False
    keep_rows: bool = False
    header: str = ""

    def count(self, what: str, times: int = 1) -> None:
        """Counts a repair or a skipped part."""
        if times:
            self.repairs[what] += times

    def add(self, cue: RawCue) -> None:
        """Takes a cue; one without any text is dropped and counted."""
        self._see_one_more()
        if cue.lines:
            self.cues.append(cue)
        else:
            self.count("empty cue skipped")

    def unreadable(self, line_number: int, line: str, what: str = "unreadable time, cue skipped") -> None:
        """Counts a skipped part, and keeps the first for the message.

        Args:
            line_number: from 1, or 0 where the format has no lines.
            line: its text.
            what: why it is skipped.
        """
        self._see_one_more()
        self.count(what)
        if not self.first_bad:
            where = f"line {line_number} is" if line_number else f"{what}:"
            self.first_bad = f"{where} `{shorten(line)}`"

    def _see_one_more(self) -> None:
        self.num_seen += 1
        if self.num_seen > MAX_CUES:
            raise BadInputError(f"{self.source} has more than {MAX_CUES} cues", "no film needs so many")

    def finish(self) -> Captions:
        """The captions, in time order and mended.

        Raises:
            BadInputError: there were cues, and none of them could be read.
        """
        if not self.cues and self.first_bad:
            raise BadInputError(
                f"no readable cue in {self.source} ({self.format}, {self.encoding}): {self.first_bad}",
                "open the file in a subtitle editor and repair it, or give another",
            )
        self.count("out of order", sum(b.start_ms < a.start_ms for a, b in pairwise(self.cues)))
        raw_cues = sorted(self.cues, key=lambda cue: cue.start_ms)  # equal starts keep their order
        if not self.keep_rows and (self.rolls or rolls(raw_cues)):
            raw_cues, repeated = without_repeated_rows(raw_cues)
            self.repairs += repeated
        cues = self._mended(raw_cues)
        self.count("overlap (kept)", _overlaps(cues))
        return Captions(
            cues=tuple(cues),
            format=self.format,
            encoding=self.encoding,
            source=self.source,
            language=self.language,
            repairs=dict(self.repairs),
            mpegts_offset_s=self.mpegts_offset_s,
            header=self.header,
        )

    def _mended(self, raw_cues: list[RawCue]) -> list[Cue]:
        cues = []
        this_start, next_start = None, None
        for raw in reversed(raw_cues):
            if raw.start_ms != this_start:
                this_start, next_start = raw.start_ms, this_start
            start_ms, end_ms = self._mended_times(raw, next_start)
            placed = raw.style, raw.word_times, raw.top, raw.markup, raw.settings
            cues.append(Cue(start_ms, end_ms, raw.lines, raw.italic, raw.voice, *placed))
        return cues[::-1]

    def _mended_times(self, raw: RawCue, next_start: int | None) -> tuple[int, int]:
        start_ms, end_ms = raw.start_ms, raw.end_ms
        if end_ms is None:
            self.count("no end time")
            end_ms = start_ms + OPEN_CUE_MS
            if next_start is not None:
                end_ms = min(end_ms, next_start)
        if start_ms < 0:
            self.count("negative time")
            start_ms, end_ms = 0, max(0, end_ms)
        elif end_ms <= start_ms:
            self.count("end not after start")
        return start_ms, end_ms if end_ms > start_ms else start_ms + MENDED_CUE_MS


def shorten(line: str, limit: int = 60) -> str:
    """One line of a file as it can stand in a message: no control characters, not too long."""
    printable = "".join(character if character.isprintable() else " " for character in line.strip())
    return printable if len(printable) <= limit else printable[: limit - 1] + "…"


def _overlaps(cues: list[Cue]) -> int:
    """How many cues start while an earlier one is still shown."""
    count, shown_until = 0, 0
    for cue in cues:
        count += cue.start_ms < shown_until
        shown_until = max(shown_until, cue.end_ms)
    return count
