"""From marked-up cue text to plain lines: tags, entities, override codes and invisible characters go."""

import functools
import html
import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from avtool.media.captions.time_line import CLOCK, milliseconds

Run = tuple[str, bool]
"""A piece of text, and whether it is italic."""


class Plain(NamedTuple):
    """Cue text without markup; `word_times` are (offset in the lines joined by line feeds, milliseconds)."""

    lines: tuple[str, ...]
    italic: bool = False
    voice: str = ""
    word_times: tuple[tuple[int, int], ...] = ()


# In SubRip an angle bracket is markup only around these names: captions also write <sighs> and 3 < 4.
_HTML_NAMES = (
    "a|b|body|br|c|center|div|em|font|html|i|lang|p|rt|ruby|s|small|span|strike|strong|sub|sup|sync|u|v"
    r"|\d\d:\d\d:\d\d[.,]\d{3}"  # of words, in converted WebVTT
)
_CODES = r"\{(?P<codes>\\[^{}\n]*)\}"
_SUBRIP_MARKUP = re.compile(
    rf"<(?P<slash>/?)[ \t]*(?P<name>{_HTML_NAMES})(?P<rest>[ \t./][^<>\n]*)?>|{_CODES}", re.IGNORECASE
)
_WEBVTT_MARKUP = re.compile(
    rf"<(?P<slash>/?)(?P<name>[A-Za-z][^\s<>./]*|[\d:.]{{5,16}}|)(?P<rest>[\s./][^<>]*)?>|{_CODES}"
)
_BRACES = re.compile(r"\{([^{}]*)\}")
_CODE = re.compile(r"\\(i|p|r)([^\\]*)")
_LINE_ENDS = re.compile(r"\r\n?|[\n\x0b\x0c\x85\u2028\u2029]")
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)
_SPACES = str.maketrans(dict.fromkeys("\t\u00a0\u2002\u2003\u2007\u2009\u200a\u202f", " "))
_WORD_TIME = re.compile(CLOCK.format("a"))
_TIME_MARK = "\ufdd0"  # no character of any text
_ASS_BREAKS = re.compile(r"\\[Nn]")


def from_runs(runs: Iterable[Run]) -> Plain:
    """Joins pieces of text into clean lines; the whole is italic if each visible piece is."""
    visible = [(_INVISIBLE.sub("", text).translate(_SPACES), italic) for text, italic in runs]
    lines = (line.strip() for line in _LINE_ENDS.split("".join(text for text, _ in visible)))
    inked = [italic for text, italic in visible if text.strip()]
    return Plain(tuple(filter(None, lines)), bool(inked) and all(inked))


def plain_text(text: str) -> Plain:
    """The lines of text that has no markup."""
    return from_runs([(text, False)])


def escape_markup(text: str, *, italic: bool = False) -> str:
    """Plain text as markup that SubRip and WebVTT players show alike."""
    escaped = html.escape(text, quote=False) if "<" in text or "&" in text or "-->" in text else text
    return f"<i>{escaped}</i>" if italic else escaped


def plain_subrip(text: str) -> Plain:
    r"""The lines of SubRip text: HTML tags of common players, ASS codes such as `{\an8}`, entities."""
    return _plain_html(text, _SUBRIP_MARKUP, _without_ass_breaks)


def plain_webvtt(text: str) -> Plain:
    """The lines of WebVTT (or SAMI) text: each tag is markup, `<v Bob>` names the voice."""
    return _plain_html(text, _WEBVTT_MARKUP, html.unescape)


def _without_ass_breaks(text: str) -> str:
    return html.unescape(_ASS_BREAKS.sub("\n", text).replace("\\h", " "))


def _plain_html(text: str, markup: re.Pattern[str], decoded: Callable[[str], str]) -> Plain:
    runs: list[Run] = []
    voices: list[str] = []
    times: list[int] = []
    position, depth = 0, 0
    for found in markup.finditer(text):
        runs.append((decoded(text[position : found.start()]), depth > 0))
        position = found.end()
        name = (found["name"] or "").lower()
        if name in ("i", "em"):
            depth = max(0, depth + (-1 if found["slash"] else 1))
        elif name == "br":
            runs.append(("\n", depth > 0))
        elif name == "v" and not found["slash"]:
            voices.append(_annotation(found["rest"] or ""))
        elif found["codes"]:
            depth = _italic_after(found["codes"], depth)
        elif clock := _WORD_TIME.fullmatch(name):
            runs.append((_TIME_MARK, depth > 0))
            times.append(milliseconds(clock))
    runs.append((decoded(text[position:]), depth > 0))
    plain = _timed(from_runs(runs), times) if times else from_runs(runs)
    return plain._replace(voice=", ".join(dict.fromkeys(filter(None, voices))))


def _timed(plain: Plain, times: Sequence[int]) -> Plain:
    """The text without its time marks, and where each of them stood: at the first character after it."""
    pieces = "\n".join(plain.lines).split(_TIME_MARK)
    if len(pieces) != len(times) + 1:
        return plain._replace(lines=tuple(filter(None, "".join(pieces).split("\n"))))
    text, found = pieces[0].lstrip(), []
    for piece, time_ms in zip(pieces[1:], times, strict=True):
        found.append((len(text) + len(piece) - len(piece.lstrip()), time_ms))
        text += piece
    lines = tuple(line.strip() for line in text.split("\n"))
    return plain._replace(lines=tuple(filter(None, lines)), word_times=tuple(found) if all(lines) else ())


def _annotation(rest: str) -> str:
    """The name in the inside of a voice tag such as `.loud Mary Ann`."""
    _, _, name = rest.partition(" ") if rest.startswith(".") else ("", "", rest)
    return " ".join(plain_text(html.unescape(name)).lines)


def _italic_after(codes: str, depth: int) -> int:
    for code, value in _CODE.findall(codes):
        if code == "i" and value.strip() in ("0", "1"):
            depth = int(value)
    return depth


def plain_ass(text: str, *, italic: bool = False) -> Plain:
    r"""The lines of an ASS or SSA event; what stands between `{\p1}` and `{\p0}` is a drawing, no text.

    Args:
        text: the Text field.
        italic: whether the event's style is italic.
    """
    runs: list[Run] = []
    position, now_italic, drawing = 0, italic, False
    for braces in _BRACES.finditer(text):
        if not drawing:
            runs.append((text[position : braces.start()], now_italic))
        position = braces.end()
        for code, value in _CODE.findall(braces[1]):
            if code == "p" and value.strip().isdecimal():
                drawing = int(value) > 0
            elif code == "i" and value.strip() in ("0", "1"):
                now_italic = value.strip() == "1"
            elif code == "r":
                now_italic = italic
    if not drawing:
        runs.append((text[position:], now_italic))
    return from_runs([(_ASS_BREAKS.sub("\n", text).replace("\\h", " "), italic) for text, italic in runs])


@functools.cache
def _mojibake() -> tuple[re.Pattern[str], dict[str, str]]:
    """What punctuation and notes look like when UTF-8 was read as Windows-1252 → what they are."""
    characters = [chr(point) for point in (*range(0x2010, 0x2045), 0x20AC, 0x2122, *range(0x2669, 0x2670))]
    damaged = {}
    for character in characters:
        data = character.encode()
        damaged["".join(_as_windows_1252(byte) for byte in data)] = character
    return re.compile("|".join(map(re.escape, damaged))), damaged


def _as_windows_1252(byte: int) -> str:
    return bytes([byte]).decode("cp1252", errors="ignore") or chr(byte)


def mend_mojibake(text: str) -> tuple[str, int]:
    """Notes and punctuation that were decoded with the wrong encoding once (`â™ª` → `♪`), and how many."""
    if "â" not in text:
        return text, 0
    pattern, meant = _mojibake()
    return pattern.subn(lambda found: meant[found[0]], text)
