"""CEA-608 closed captions that travel inside the video (ATSC A/53 side data) or in a track of their own."""

from collections.abc import Iterable, Iterator

from ttconv.time_code import FPS_29_97, SmpteTimeCode

from avtool.media.captions.draft import Draft
from avtool.media.captions.formats import scc

_VALID, _TYPE_MASK, _FIELD_1 = 0b100, 0b11, 0
_NO_PARITY = 0x7F

TimedPairs = Iterable[tuple[float, bytes]]
"""Seconds from the film's start, and the caption data at that time in groups of three bytes."""


def read_pairs(timed: TimedPairs, draft: Draft) -> None:
    """Decodes channel CC1 (the first field), as a Scenarist file of the same codes is decoded."""
    scc.read("\n".join(_scenarist_lines(timed)), draft)


def _scenarist_lines(timed: TimedPairs) -> Iterator[str]:
    """One line for each unbroken run of codes; each code takes a frame of 1001/30000 s."""
    words: list[str] = []
    first = following = 0
    for time_s, data in timed:
        frame = max(0, round(time_s * float(FPS_29_97)))
        for word in _words(data):
            if words and frame > following:
                yield _line(first, words)
                words = []
            if not words:
                first = following = max(frame, following)
            words.append(word)
            following += 1
    if words:
        yield _line(first, words)


def _words(data: bytes) -> Iterator[str]:
    """The codes of the first field without padding."""
    for offset in range(0, len(data) - 2, 3):
        marker, high, low = data[offset : offset + 3]
        if marker & _VALID and marker & _TYPE_MASK == _FIELD_1 and (high | low) & _NO_PARITY:
            yield f"{high:02x}{low:02x}"


def _line(first: int, words: list[str]) -> str:
    return f"{SmpteTimeCode.from_frames(first, FPS_29_97)}\t{' '.join(words)}"
