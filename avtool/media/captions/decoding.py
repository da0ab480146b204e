"""The encoding of a caption file: byte order mark, UTF-8, UTF-16 by its zeros, a guess, Windows-1252."""

import codecs
import re
from typing import TYPE_CHECKING, NamedTuple

from avtool.core.errors import BadInputError

if TYPE_CHECKING:
    from charset_normalizer import CharsetMatch

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark begins with that of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# The encodings subtitles come in; without the exotic ones the guess is better and faster.
_LIKELY = [
    "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257",
    "cp874", "koi8_r", "cp932", "euc_jp", "cp949", "gb18030", "big5",
]  # fmt: skip
_LINE_END = re.compile(r"\r{1,9}\n|\r")  # several returns before a feed: translated twice
_BLANK_LINE = re.compile(r"^[ \t]+$", re.MULTILINE)
_GAP = re.compile(r"\n+")
_FEWEST_GAPS = 4  # a cue alone has two: after its number and after its times
_SAMPLE_BYTES = 65_536
_CHAOS_TOLERANCE, _WESTERN_BONUS = 0.01, 0.02
_NOT_TEXT = (
    (re.compile(rb"\x1aE\xdf\xa3|....ftyp|RIFF....AVI |\x00\x00\x01\xb3|FLV\x01", re.DOTALL), "a film"),
    (re.compile(rb"PG........[\x14-\x17\x80]", re.DOTALL), "bitmap subtitles (PGS)"),
    (re.compile(rb"\x00\x00\x01\xba"), "an MPEG program stream (bitmap subtitles or a film)"),
    (re.compile(rb"PK\x03\x04|\x1f\x8b|7z\xbc\xaf|Rar!|BZh|\xfd7zXZ"), "a packed archive"),
    (re.compile(rb"%PDF|\x89PNG|\xff\xd8\xff|GIF8|\xd0\xcf\x11\xe0"), "a document or image"),
)
_HINTS = {
    "a film": "name it as the film, and take its captions with stream:N",
    "bitmap subtitles (PGS)": "OCR is not offered: give a text file",
    "a packed archive": "unpack it first",
}


class Decoded(NamedTuple):
    """Text, and which encoding it was in and how that was found."""

    text: str
    encoding: str


def decode(data: bytes, source: str) -> Decoded:
    """Decodes a caption file; line ends become line feeds, zero bytes go.

    Raises:
        BadInputError: the bytes are no text.
    """
    text, encoding = _decode(data, source)
    text = text.removeprefix("\ufeff").replace("\0", "")
    return Decoded(_LINE_END.sub("\n", text), encoding)


def without_double_spacing(text: str) -> tuple[str, int]:
    """A text in which every line is followed by blank ones, without them; and how many went.

    Each line end was doubled (or trebled): so no two lines with text touch, and longer gaps become shorter.
    """
    bare = _BLANK_LINE.sub("", text).strip("\n")
    lengths = [len(gap[0]) for gap in _GAP.finditer(bare)]
    step = min(lengths, default=1)
    if step == 1 or len(lengths) < _FEWEST_GAPS:
        return text, 0
    closed = _GAP.sub(lambda gap: "\n" * max(1, round(len(gap[0]) / step)), bare)
    return closed, text.count("\n") - closed.count("\n")


def _decode(data: bytes, source: str) -> Decoded:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return Decoded(data[len(mark) :].decode(encoding, errors="replace"), f"{encoding} (BOM)")
    _refuse_known_binary(data, source)
    if encoding := _utf16_by_zeros(data):
        return Decoded(data.decode(encoding, errors="replace"), f"{encoding} (by its zero bytes)")
    if _has_many_controls(data[:4096]):
        raise BadInputError(f"{source} is binary, not a caption file", "give a text caption file")
    try:
        return Decoded(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError as error:
        guess = _guessed(data, first_foreign=error.start)
    if guess:
        try:
            return Decoded(data.decode(guess), f"{guess} (guessed)")
        except UnicodeDecodeError:
            pass  # the sample was in it, the whole is not
    return Decoded(data.decode("cp1252", errors="replace"), "cp1252 (assumed)")


def _refuse_known_binary(data: bytes, source: str) -> None:
    for pattern, what in _NOT_TEXT:
        if pattern.match(data):
            hint = _HINTS.get(what, "give a caption file")
            raise BadInputError(f"{source} is {what}, not a caption file", hint)


def _has_many_controls(head: bytes) -> bool:
    """Whether over a twentieth are control characters that text does not use."""
    return sum(byte < 32 and byte not in b"\0\t\n\x0b\x0c\r\x1a" for byte in head) > len(head) // 20


def _utf16_by_zeros(data: bytes) -> str:
    """UTF-16 without a mark: in Western text each second byte is zero, always on the same side."""
    head = data[:4096]
    first, second = head[0::2].count(0), head[1::2].count(0)
    if max(first, second) < max(2, len(head) // 8) or min(first, second) * 10 > max(first, second):
        return ""
    return "utf-16-be" if first > second else "utf-16-le"


def _guessed(data: bytes, first_foreign: int) -> str:
    """The likeliest encoding of a piece around the first byte that is not UTF-8, or ""."""
    from charset_normalizer import from_bytes

    begin = max(0, first_foreign - 1000)
    matches = list(from_bytes(data[begin : begin + _SAMPLE_BYTES], cp_isolation=_LIKELY))
    if not matches:
        return ""
    plausible = [match for match in matches if match.chaos <= matches[0].chaos + _CHAOS_TOLERANCE]
    # Most files that fit Windows-1252 and another encoding as well are in Windows-1252.
    best = max(plausible, key=lambda match: match.coherence + _WESTERN_BONUS * _is_western(match))
    return "cp1252" if _is_western(best) else str(best.encoding)


def _is_western(match: "CharsetMatch") -> bool:
    return "cp1252" in match.could_be_from_charset
