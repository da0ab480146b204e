"""Captions that roll up: each cue repeats the rows still on screen, and a sound would count twice."""

from collections import Counter

from avtool.media.captions.draft import Draft, RawCue


def without_repeated_rows(cues: list[RawCue], draft: Draft) -> list[RawCue]:
    """The cues with each row only where it first appears.

    A cue repeats another if it follows it without a gap; one that brings no new row goes.
    """
    result: list[RawCue] = []
    shown: tuple[str, ...] = ()
    shown_until: int | None = None
    for cue in cues:
        rows = cue.lines
        if rows and cue.start_ms == shown_until:
            new = (Counter(rows) - Counter(shown)).elements()  # in the order of `rows`
            cue.lines = tuple(new)
            draft.count("row repeated by roll-up left out", len(rows) - len(cue.lines))
        shown, shown_until = rows, cue.end_ms
        if cue.lines or not rows:
            result.append(cue)
    return result
