"""EBU STL (EBU Tech 3264): a binary header (GSI) and text blocks (TTI) of 128 bytes.

ttconv reads the time codes and the characters of ISO 6937. Its own block reader is not used: it takes
translators' comments for captions, and skips blocks whose times are wrong where they can be mended.
"""

import codecs
import itertools
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from ttconv.stl import iso6937
from ttconv.time_code import SmpteTimeCode

from avtool.media.captions.cue import RawCue
from avtool.media.captions.draft import Draft
from avtool.media.captions.markup import Plain, Run, from_runs

_GSI_BYTES, _TTI_BYTES = 1024, 128
_TTI = struct.Struct("<3xBxBBBBBBBBxxB112s")
_FRAME_RATES = {
    b"STL23.01": Fraction(24000, 1001),
    b"STL24.01": Fraction(24),
    b"STL25.01": Fraction(25),
    b"STL30.01": Fraction(30000, 1001),
    b"STL50.01": Fraction(50),
}
_CODE_PAGES = {b"01": "iso8859_5", b"02": "iso8859_6", b"03": "iso8859_7", b"04": "iso8859_8"}
# The GSI's language code (EBU Tech 3264, appendix 3) for the languages of its European part.
_LANGUAGES = dict(enumerate([
    "", "sq", "br", "ca", "hr", "cy", "cs", "da", "de", "en", "es", "eo", "et", "eu", "fo", "fr", "fy", "ga",
    "gd", "gl", "is", "it", "se", "la", "lv", "lb", "lt", "hu", "mt", "nl", "no", "oc", "pl", "pt", "ro",
    "rm", "sr", "sk", "sl", "fi", "sv", "tr", "nl", "wa",
]))  # fmt: skip
_LAST_BLOCK = 0xFF
_USER_DATA = range(0xF0, 0xFF)
_NEW_LINE, _UNUSED, _ITALIC_ON, _ITALIC_OFF = 0x8A, 0x8F, 0x80, 0x81


def is_ebu_stl(data: bytes) -> bool:
    """Whether the bytes begin with the header of an EBU STL file."""
    return len(data) >= _GSI_BYTES and data[3:6] == b"STL" and data[6:8].isdigit() and data[8:9] == b"."


@dataclass(slots=True)
class _Subtitle:
    """A subtitle put together from its blocks; times in seconds, None where the time code is invalid."""

    begin: Fraction | None
    end: Fraction | None
    is_comment: bool
    text: bytes


def read(data: bytes, draft: Draft) -> None:
    """Reads an EBU STL file; times count from the start of the programme that the header states."""
    frame_rate = _FRAME_RATES.get(data[3:11])
    if frame_rate is None:
        draft.count("unknown frame rate taken as 25")
        frame_rate = Fraction(25)
    draft.language = _language(data[14:16])
    decode = _decoder(data[12:14], draft)
    subtitles = list(_subtitles(data, frame_rate, draft))
    programme_start = _programme_start(data[256:264], frame_rate, subtitles, draft)
    for subtitle in subtitles:
        plain = _plain(subtitle.text, decode)
        if subtitle.is_comment:
            draft.count("comment skipped")
        elif subtitle.begin is None:
            draft.unreadable(0, " ".join(plain.lines))
        elif subtitle.begin < programme_start:
            draft.unreadable(0, " ".join(plain.lines), "before the start of the programme, skipped")
        else:
            end_ms = None if subtitle.end is None else round(1000 * (subtitle.end - programme_start))
            start_ms = round(1000 * (subtitle.begin - programme_start))
            draft.add(RawCue(start_ms, end_ms, plain.lines, plain.italic))


def _language(code: bytes) -> str:
    try:
        return _LANGUAGES.get(int(code, 16), "")
    except ValueError:
        return ""


def _decoder(code_page: bytes, draft: Draft) -> Callable[[bytes], str]:
    name = _CODE_PAGES.get(code_page)
    draft.encoding = f"{name or 'iso6937'} (stated in the header)"
    if name:
        return lambda data: codecs.decode(data, name, "replace")
    return lambda data: str(iso6937.decode(data, errors="replace")[0])


def _subtitles(data: bytes, frame_rate: Fraction, draft: Draft) -> Iterator[_Subtitle]:
    """The subtitles; the text of a long one continues in extension blocks."""
    text = b""
    for offset in itertools.count(_GSI_BYTES, _TTI_BYTES):
        block = data[offset : offset + _TTI_BYTES]
        if len(block) < _TTI_BYTES:
            draft.count("block cut off", bool(block.strip(b"\0 \x1a\r\n")))
            return
        extension, *clocks, comment, field = _TTI.unpack(block)
        if extension in _USER_DATA:
            continue
        text += field.rstrip(bytes([_UNUSED]))
        if extension == _LAST_BLOCK:
            begin, end = (_seconds(clock, frame_rate) for clock in (clocks[:4], clocks[4:]))
            yield _Subtitle(begin, end, comment == 1, text)
            text = b""


def _seconds(clock: list[int], frame_rate: Fraction) -> Fraction | None:
    hours, minutes, seconds, frames = clock
    if hours > 23 or minutes > 59 or seconds > 59 or frames >= frame_rate:
        return None
    # The standard counts frames without dropping any.
    return Fraction(SmpteTimeCode(hours, minutes, seconds, frames, frame_rate, False).to_temporal_offset())


def _programme_start(
    field: bytes, frame_rate: Fraction, subtitles: list[_Subtitle], draft: Draft
) -> Fraction:
    """The time code of the film's first frame; 0 if the header has none, or if no subtitle comes after it."""
    if not field.isdigit():
        return Fraction(0)
    start = _seconds([int(field[at : at + 2]) for at in (0, 2, 4, 6)], frame_rate)
    begins = [
        subtitle.begin for subtitle in subtitles if subtitle.begin is not None and not subtitle.is_comment
    ]
    if not start or max(begins, default=Fraction(0)) < start:
        return Fraction(0)
    draft.count("time counted from the start of the programme", sum(begin >= start for begin in begins))
    return start


def _plain(text: bytes, decode: Callable[[bytes], str]) -> Plain:
    """The lines of a text field: teletext codes stand for a space, 0x80 and 0x81 switch italics."""
    runs: list[Run] = []
    piece = bytearray()
    italic = False
    for byte in text.split(bytes([_UNUSED]))[0] + bytes([_UNUSED]):
        if 0x20 <= byte <= 0x7E or byte >= 0xA0:
            piece.append(byte)
            continue
        runs.append((decode(bytes(piece)), italic))
        piece.clear()
        if byte == _NEW_LINE:
            runs.append(("\n", italic))
        elif byte < 0x20:
            runs.append((" ", italic))
        elif byte in (_ITALIC_ON, _ITALIC_OFF):
            italic = byte == _ITALIC_ON
    return from_runs(runs)
