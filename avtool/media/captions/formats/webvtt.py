"""WebVTT (W3C): cues with voices and regions; notes, style sheets and metadata are skipped."""

import json
import re
from itertools import islice

from avtool.core.errors import BadInputError
from avtool.media.captions.cue import RawCue
from avtool.media.captions.draft import MAX_CUES, Draft
from avtool.media.captions.formats.blocks import Block, blocks
from avtool.media.captions.markup import plain_webvtt
from avtool.media.captions.time_line import CLOCK, milliseconds
from avtool.media.languages import bcp47

_HEADER_LINE = re.compile(r"\s*(language|lang|kind)\s*[:=]\s*(\S+)", re.IGNORECASE)
_NO_CUE_TEXT = re.compile(r"(NOTE|STYLE|REGION)(\s|$)|Region:")
_STYLES = re.compile(r"(STYLE|REGION)\s*$")
_LINE = re.compile(r"(?:^|\s)line:(\d+)(?:\.\d+)?(%?)")
_TOP_ROWS = 5  # of the 15 or more that a frame has
_REGION = re.compile(r"(?:^|\s)region:(\S+)")
_LOCAL = re.compile(rf"LOCAL:{CLOCK.format('a')}(?=,|\s|$)")
_MPEGTS = re.compile(r"MPEGTS:(\d{1,12})")
_MPEGTS_HZ = 90_000
# Automatic captions (YouTube) time each word, and repeat the row above as roll-up captions do.
_TIMED_WORD = re.compile(r"<\d\d:\d\d:\d\d\.\d{3}><c>")
_ROLLING_SHARE = 0.2


def read(text: str, draft: Draft) -> None:
    """Reads WebVTT more tolerantly than the standard, and never loses a cue that the standard keeps.

    Raises:
        BadInputError: the file holds metadata or chapters, no captions.
    """
    _, _, below_signature = text.lstrip().partition("\n")  # the first line may look like a time line
    first, *cues = islice(blocks("WEBVTT\n" + below_signature), MAX_CUES + 2)
    header, *others = [paragraph for paragraph in first.paragraphs if paragraph] or [[]]
    _read_header(header, draft)
    styles = ["\n".join(other) for other in first.paragraphs if other and _STYLES.match(other[0])]
    draft.header = "\n\n".join(styles)
    draft.count("text outside of cues skipped", sum(not _NO_CUE_TEXT.match(other[0]) for other in others))
    raw_cues: list[RawCue] = []
    num_word_timed = 0
    for block in cues:
        lines = _own_lines(block, draft)
        if block.time is None or block.time.start_ms is None:
            draft.unreadable(block.line_number, block.line)
            continue
        plain = plain_webvtt("\n".join(lines))
        region = _REGION.search(block.time.rest)
        style = region[1] if region else ""
        times = block.time.start_ms, block.time.end_ms
        word_times = plain.word_times
        raw = RawCue(*times, plain.lines, plain.italic, plain.voice, style, word_times)
        raw.top, raw.markup, raw.settings = _is_at_top(block.time.rest), "\n".join(lines), block.time.rest
        raw_cues.append(raw)
        num_word_timed += any(map(_TIMED_WORD.search, lines))
    draft.rolls = num_word_timed > len(raw_cues) * _ROLLING_SHARE
    for cue in raw_cues:
        draft.add(cue)
    _refuse_metadata(cues, draft)


def _read_header(lines: list[str], draft: Draft) -> None:
    for line in lines:
        if found := _HEADER_LINE.match(line):
            name, value = found[1].lower(), found[2]
            if name != "kind":
                draft.language = bcp47(value)
            elif value.lower() in ("metadata", "chapters"):
                raise BadInputError(
                    f"{draft.source} is a WebVTT file of {value.lower()}, not of captions",
                    "give its captions",
                )
        elif line.startswith("X-TIMESTAMP-MAP"):
            _read_timestamp_map(line, draft)


def _read_timestamp_map(line: str, draft: Draft) -> None:
    """`X-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:900000` (RFC 8216, 3.5)."""
    local, mpegts = _LOCAL.search(line), _MPEGTS.search(line)
    if local is None or mpegts is None:
        draft.count("unreadable X-TIMESTAMP-MAP")
        return
    draft.mpegts_offset_s = int(mpegts[1]) / _MPEGTS_HZ - milliseconds(local, "a") / 1000


def _is_at_top(settings: str) -> bool:
    """Whether the `line` setting places a cue in the upper part of the frame."""
    line = _LINE.search(settings)
    return line is not None and int(line[1]) < (50 if line[2] else _TOP_ROWS)


def _own_lines(block: Block, draft: Draft) -> list[str]:
    """The cue's lines. A blank line ends a cue, unless it comes before all of its text."""
    texts = [p for p in block.paragraphs if p and not _NO_CUE_TEXT.match(p[0])]
    if block.paragraphs[0]:
        lines, skipped = block.paragraphs[0], [p for p in texts if p is not block.paragraphs[0]]
    else:
        lines, skipped = [line for paragraph in texts for line in paragraph], []
        draft.count("blank line inside a cue", bool(lines))
    draft.count("text outside of cues skipped", len(skipped))
    return lines


def _refuse_metadata(cues: list[Block], draft: Draft) -> None:
    """Metadata tracks carry JSON; nothing else in the file marks them."""
    texts = ("\n".join(line for paragraph in block.paragraphs for line in paragraph) for block in cues)
    if cues and all(map(_is_json, texts)):
        raise BadInputError(
            f"{draft.source} is a WebVTT file of metadata (JSON), not of captions", "give its captions"
        )


def _is_json(text: str) -> bool:
    if not text.lstrip().startswith("{"):
        return False
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
