"""Where cues stand: beside dialogue, above it, at the top of the frame, or nowhere; and when they end."""

import bisect
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

from avtool.captioning.event import Rule
from avtool.captioning.merging import Ledger, Sketch, milliseconds, reading_ms
from avtool.captioning.style import CaptionStyle
from avtool.media.captions.cue import Cue
from avtool.media.captions.markup import escape_markup

_FAR_MS = 1 << 50


class Busy:
    """Times at which other captions are shown, with the gap around them, as one rising list of edges."""

    def __init__(self, cues: Sequence[Cue], gap_ms: int, film_ms: int | None) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        spans = [(cue.start_ms - gap_ms, cue.end_ms + gap_ms) for cue in cues]
        spans += [] if film_ms is None else [(film_ms, _FAR_MS)]
        for start, end in sorted(spans):
            if self._ends and start < self._ends[-1]:
                self._ends[-1] = max(end, self._ends[-1])
            else:
                self._starts.append(start)
                self._ends.append(end)

    def free_until(self, time_ms: int) -> int:
        """Until when nothing is shown from `time_ms` on; that time itself if something is."""
        place = bisect.bisect_right(self._starts, time_ms)
        if place and self._ends[place - 1] > time_ms:
            return time_ms
        return self._starts[place] if place < len(self._starts) else _FAR_MS

    def nearest_room(self, want_ms: int, bounds: tuple[int, int], length_ms: int) -> int | None:
        """The start nearest to `want_ms`, later ones first, at which `length_ms` are free, or None."""
        low, high = bounds
        start = max(want_ms, low)
        while start <= high:
            if self.free_until(start) - start >= length_ms:
                return start
            place = bisect.bisect_right(self._starts, start)
            is_inside = bool(place) and self._ends[place - 1] > start
            start = self._ends[place - 1 if is_inside else place]
        before = bisect.bisect_right(self._starts, want_ms)
        for place in range(min(before, len(self._starts) - 1), -1, -1):
            start = min(self._starts[place] - length_ms, want_ms)
            if start < low:
                break
            if start <= high and self.free_until(start) - start >= length_ms:
                return start
        return None


@dataclass(slots=True)
class Placed:
    """A cue with its place; `host` is the number of the dialogue cue that it stands above, or None."""

    sketch: Sketch
    start_ms: int
    end_ms: int
    top: bool = False
    host: int | None = None


class Placing:
    """Places a film's sketches from left to right.

    Args:
        dialogue: the cues that are there, in time order; they are never altered.
        style: the rules.
        film_ms: duration of the film, or None.
        ledger: takes the rules that are applied.
    """

    def __init__(
        self, dialogue: Sequence[Cue], style: CaptionStyle, film_ms: int | None, ledger: Ledger
    ) -> None:
        self._style, self._ledger, self._dialogue = style, ledger, dialogue
        self._gap_ms = style.gap_ms
        self._bottom = Busy([cue for cue in dialogue if not cue.top], self._gap_ms, film_ms)
        self._top = Busy([cue for cue in dialogue if cue.top], self._gap_ms, film_ms)
        self._dialogue_starts = [cue.start_ms for cue in dialogue]
        self._hosts: set[int] = set()
        self.placed: list[Placed] = []

    def add(self, sketch: Sketch) -> None:
        """Places the next sketch, or drops it, or drops the one before in its favour."""
        while True:
            placed = self._place(sketch)
            if placed is not None:
                self._trim_last(placed.start_ms)
                self.placed.append(placed)
                return
            last = self.placed[-1] if self.placed else None
            blocks = last is not None and self._next_start(last) > sketch.want_ms
            if last is None or not blocks or last.host is not None or last.sketch.score >= sketch.score:
                self._ledger.note(sketch.members, Rule.NO_ROOM)
                return
            self._ledger.note(self.placed.pop().sketch.members, Rule.NO_ROOM)

    def _place(self, sketch: Sketch) -> Placed | None:
        need = reading_ms(sketch.num_chars, self._style)
        bounds = max(sketch.earliest_ms, self._least_start()), sketch.latest_ms
        wanted = max(sketch.want_ms, bounds[0])
        if wanted > bounds[1]:
            return None
        if wanted == sketch.want_ms and self._bottom.free_until(wanted) - wanted >= need:
            return self._at(sketch, wanted, need, top=False)
        if (host := self._host(sketch, bounds)) is not None:
            self._hosts.add(host)
            self._ledger.note(sketch.members, Rule.ABOVE_DIALOGUE)
            cue = self._dialogue[host]
            return Placed(sketch, cue.start_ms, cue.end_ms, host=host)
        start = self._bottom.nearest_room(wanted, bounds, need)
        if start is not None:
            if start != sketch.want_ms:
                self._ledger.note(sketch.members, Rule.MOVED)
            return self._at(sketch, start, need, top=False)
        if self._dialogue and self._top.free_until(wanted) - wanted >= need:
            self._ledger.note(sketch.members, Rule.TOP)
            return self._at(sketch, wanted, need, top=True)
        return None

    def _least_start(self) -> int:
        """Before what time no further cue may start."""
        if not self.placed:
            return 0
        most = self._style.per_minute
        first = self.placed[-most].start_ms + 60_000 if len(self.placed) >= most else 0
        return max(self._next_start(self.placed[-1]), first)

    def _next_start(self, last: Placed) -> int:
        """Before what time no cue may start after this one, which then is shown just long enough."""
        shown = last.end_ms - last.start_ms
        if last.host is None:
            shown = min(shown, reading_ms(last.sketch.num_chars, self._style))
        return last.start_ms + max(shown + self._gap_ms, milliseconds(self._style.interval))

    def _at(self, sketch: Sketch, start: int, need: int, *, top: bool) -> Placed:
        longest = start + max(need, sketch.most_ms)
        wanted = min(max(sketch.end_ms, start + need), longest)
        end = min(wanted, (self._top if top else self._bottom).free_until(start))
        if end < wanted:
            self._ledger.note(sketch.members, Rule.TRIMMED)
        return Placed(sketch, start, end, top)

    def _host(self, sketch: Sketch, bounds: tuple[int, int]) -> int | None:
        """The dialogue cue with room for the sound's lines that starts nearest to it, alone on the screen."""
        starts = self._dialogue_starts
        near = range(bisect.bisect_left(starts, bounds[0]), bisect.bisect_right(starts, bounds[1]))
        fitting = [number for number in near if self._has_room(number, sketch)]
        return min(fitting, key=lambda number: abs(starts[number] - sketch.want_ms), default=None)

    def _has_room(self, number: int, sketch: Sketch) -> bool:
        cue = self._dialogue[number]
        chars = sketch.num_chars + sum(map(len, cue.lines))
        return (
            not cue.top
            and number not in self._hosts
            and len(cue.lines) + len(sketch.lines) <= self._style.max_lines
            and reading_ms(chars, self._style) <= cue.end_ms - cue.start_ms <= sketch.most_ms
            and (number == 0 or self._dialogue[number - 1].end_ms <= cue.start_ms)
            and (number + 1 == len(self._dialogue) or self._dialogue[number + 1].start_ms >= cue.end_ms)
        )

    def _trim_last(self, start_ms: int) -> None:
        last = self.placed[-1] if self.placed else None
        if last is not None and last.host is None and last.end_ms > start_ms - self._gap_ms:
            last.end_ms = start_ms - self._gap_ms
            self._ledger.note(last.sketch.members, Rule.TRIMMED)

    def close_gaps(self) -> None:
        """Lets cues last until just before the next where the gap would be too short to notice."""
        close, linger = milliseconds(self._style.close_gap), milliseconds(self._style.linger)
        for placed, after in itertools.zip_longest(self.placed, self.placed[1:]):
            if placed.host is not None:
                continue
            busy = self._top if placed.top else self._bottom
            until = busy.free_until(placed.end_ms)
            if after is not None and after.host is None:
                until = min(until, after.start_ms - self._gap_ms)
            need = reading_ms(placed.sketch.num_chars, self._style)
            latest = max(placed.sketch.end_ms, placed.start_ms + need) + linger
            is_short = placed.end_ms < until < placed.end_ms + close - self._gap_ms
            if is_short and until <= min(latest, placed.start_ms + placed.sketch.most_ms):
                placed.end_ms = until


def with_sound_above(cue: Cue, lines: tuple[str, ...]) -> Cue:
    """A dialogue cue with a sound's lines above its own, which stay as they are, markup and all."""
    markup = cue.markup or escape_markup("\n".join(cue.lines), italic=cue.italic)
    above = escape_markup("\n".join(lines))
    return replace(cue, lines=(*lines, *cue.lines), italic=False, word_times=(), markup=f"{above}\n{markup}")
