"""SubRip and WebVTT share one shape: a time line, and the lines below it until the next."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from avtool.media.captions.time_line import TimeLine, parse_time_line


@dataclass(slots=True)
class Block:
    """A time line with what follows it up to the next time line (or the end of the file).

    Attributes:
        time: the times; None for what stands before the first time line.
        line_number: of the time line, from 1.
        line: the time line itself.
        paragraphs: the text below, split at blank lines; the first is empty if a blank line comes first.
    """

    time: TimeLine | None
    line_number: int
    line: str
    paragraphs: list[list[str]] = field(default_factory=lambda: [[]])


def blocks(text: str) -> Iterator[Block]:
    """Cuts a text at its time lines; the first block is what stands before the first of them."""
    block = Block(None, 1, "")
    for line_number, line in enumerate(text.split("\n"), 1):
        time = parse_time_line(line)
        if time is not None:
            _drop_identifier(block)
            yield block
            block = Block(time, line_number, line)
        elif line.strip():
            block.paragraphs[-1].append(line)
        elif block.paragraphs[-1] or len(block.paragraphs) == 1:
            block.paragraphs.append([])
    yield block


def _drop_identifier(block: Block) -> None:
    """Takes the next cue's index or name off the end of this block.

    It is the last line if that is a number, or stands alone after a blank line.
    """
    last = block.paragraphs[-1]
    if not last:
        return
    alone = len(last) == 1 and (len(block.paragraphs) > 1 or block.time is None)
    if last[-1].strip().isdecimal() or alone:
        last.pop()
    if not last and len(block.paragraphs) > 1:
        block.paragraphs.pop()
