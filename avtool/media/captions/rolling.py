"""Roll-up and paint-on captions: each row is given once, in the cue where it first appears.

Such captions show a row again while others join it below, whatever the format they were converted to.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from avtool.media.captions.cue import RawCue

GAP_MS = 100
"""How far apart two cues may be that show one screen: conversions round, or clear it for a moment."""
_ROLLING_SHARE, _FEWEST = 0.2, 2
_MOST_ROWS = 15  # of a screen
REPEATED = "row repeated by roll-up skipped"
GROWN = "row that grew joined"


def rolls(cues: Sequence[RawCue]) -> bool:
    """Whether cues in time order repeat rows of the cue before as roll-up captions do.

    A fifth of the neighbours must: a line spoken twice, or a sound that lasts, does not make a file roll.
    """
    num_rolling = sum(_rolls_on(before, cue) for before, cue in pairwise(cues))
    return num_rolling >= max(_FEWEST, _ROLLING_SHARE * (len(cues) - 1))


def _rolls_on(before: RawCue, cue: RawCue) -> bool:
    shown, rows = before.lines, cue.lines
    if shown == rows or cue.start_ms <= before.start_ms or not _follows(before, cue):
        return False
    most = min(len(shown), len(rows), _MOST_ROWS)
    kept = any(shown[-count:] == rows[:count] for count in range(1, most + 1))
    return kept or _grows(shown, rows)


def _follows(before: RawCue, cue: RawCue) -> bool:
    return before.end_ms is not None and cue.start_ms - before.end_ms <= GAP_MS


def _grows(shown: Sequence[str], rows: Sequence[str]) -> bool:
    """Whether the last row shown is the beginning of the row that stands in its place now."""
    last = len(shown) - 1
    if last < 0 or len(rows) <= last or shown[:last] != rows[:last]:
        return False
    return rows[last] != shown[last] and rows[last].startswith(shown[last])


def without_repeated_rows(cues: Sequence[RawCue]) -> tuple[list[RawCue], Counter[str]]:
    """The cues with each row only where it first appears, and how many rows went.

    A cue repeats another if it follows it without a gap; one that brings no new row goes. A row that grew
    word by word is shown whole from its first word on.
    """
    result: list[RawCue] = []
    counts: Counter[str] = Counter()
    before: RawCue | None = None
    for cue in cues:
        rows = cue.lines
        shown = before.lines if before is not None and _follows(before, cue) else ()
        before = RawCue(cue.start_ms, cue.end_ms, rows)
        if shown and result and _grows(shown, rows) and result[-1].lines[-1:] == shown[-1:]:
            grown = rows[len(shown) - 1]
            result[-1].lines = (*result[-1].lines[:-1], grown)
            result[-1].end_ms = cue.end_ms
            shown = (*shown[:-1], grown)
            counts[GROWN] += 1
        counts[REPEATED] += _drop(cue, Counter(shown))
        if cue.lines or not rows:
            result.append(cue)
    return result, counts


def _drop(cue: RawCue, shown: Counter[str]) -> int:
    """Takes the rows that are shown already out of a cue; how many those are."""
    kept: list[str] = []
    times: list[tuple[int, int]] = []
    at = new_at = 0
    for row in cue.lines:
        if shown[row] > 0:
            shown[row] -= 1
        else:
            times += [(new_at + t - at, ms) for t, ms in cue.word_times if at <= t <= at + len(row)]
            kept.append(row)
            new_at += len(row) + 1
        at += len(row) + 1
    num_dropped = len(cue.lines) - len(kept)
    cue.lines, cue.word_times = tuple(kept), tuple(times)
    return num_dropped
