"""SubRip, WebVTT, TTML and JSON, written so that our reader, and any other, gets back what was meant."""

import html
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.core.files import atomic_file, writing
from avtool.media.captions.cue import Cue
from avtool.media.captions.formats.json_cues import as_json
from avtool.media.captions.markup import Plain, plain_subrip, plain_text, plain_webvtt
from avtool.media.captions.time_line import parse_time_line

FORMATS = ("srt", "vtt", "ttml", "json")
_PORTABLE = re.compile(r"</?[ibu]>")
"""Tags that mean the same in SubRip and WebVTT."""


@dataclass(frozen=True, slots=True)
class Rendering:
    r"""How captions are written.

    Attributes:
        markup_of: the format that the cues' markup and settings are in, to pass on; "" writes plain text.
        header: style sheets and regions for a WebVTT file.
        note: a comment for a WebVTT file, or "".
        numbered: whether WebVTT cues have ids, from 1; SubRip always has them.
        top_in_subrip: whether SubRip places cues at the top, by `{\an8}`, which some players ignore.
        language: of the captions (BCP 47), for TTML and JSON.
        crlf, bom: Windows line ends and a byte order mark, for SubRip.
    """

    markup_of: str = ""
    header: str = ""
    note: str = ""
    numbered: bool = False
    top_in_subrip: bool = False
    language: str = ""
    crlf: bool = False
    bom: bool = False


_PLAIN = Rendering()


def write_captions(
    cues: Iterable[Cue],
    path: Path,
    *,
    format: str | None = None,  # noqa: A002
    rendering: Rendering = _PLAIN,
) -> None:
    """Writes a caption file, all of it or nothing.

    Args:
        cues: in time order.
        path: the file; its suffix decides the format.
        format: `srt`, `vtt`, `ttml` or `json`, to override the suffix.
        rendering: what is passed on and added.

    Raises:
        BadInputError: the format is none of these, or the file cannot be written.
    """
    format_ = format or path.suffix.lstrip(".").lower()
    text = render_captions(cues, format_, rendering)
    is_windows = format_ == "srt" and rendering.crlf
    encoding = "utf-8-sig" if format_ == "srt" and rendering.bom else "utf-8"
    with atomic_file(path) as partial, writing(path):
        partial.write_text(text, encoding=encoding, newline="\r\n" if is_windows else "\n")


def render_captions(cues: Iterable[Cue], format: str, rendering: Rendering = _PLAIN) -> str:  # noqa: A002
    """The content of a caption file: `srt`, `vtt`, `ttml` or `json`.

    Italics are kept, and voices in WebVTT (SubRip has none). A cue without visible text is not written.
    """
    if format not in FORMATS:
        raise BadInputError(f"captions cannot be written as `{format}`", f"choose {', '.join(FORMATS)}")
    cleaned = ((cue, plain_text(cue.text).lines) for cue in cues)
    visible = [(cue, lines) for cue, lines in cleaned if lines]
    if format == "ttml":
        from avtool.media.captions.formats.ttml_writing import as_ttml

        return as_ttml(visible, rendering.language)
    if format == "json":
        return json.dumps(as_json(visible, rendering.language), indent=1, ensure_ascii=False) + "\n"
    if format == "srt":
        return "\n".join(_subrip_block(number, *block, rendering) for number, block in enumerate(visible, 1))
    header = [rendering.header] if rendering.markup_of == "vtt" and rendering.header else []
    note = " ".join(rendering.note.replace("-->", "").split())
    header += [f"NOTE {note}"] if note else []
    cue_blocks = (_webvtt_block(number, *block, rendering) for number, block in enumerate(visible, 1))
    return "\n\n".join(["WEBVTT", *header, *cue_blocks]) + "\n"


def _subrip_block(number: int, cue: Cue, lines: tuple[str, ...], rendering: Rendering) -> str:
    times = f"{_clock(cue.start_ms, ',')} --> {_clock(cue.end_ms, ',')}"
    text = _passed_on(cue, lines, "srt", rendering)
    if text is None:
        text = "\n".join(line if _is_plain(line) else _escaped(line, plain_subrip) for line in lines)
        text = f"<i>{text}</i>" if cue.italic else text
    elif rendering.markup_of == "srt" and cue.settings:
        times += f" {cue.settings}"
    if cue.top and rendering.top_in_subrip and "\\an" not in text:
        text = "{\\an8}" + text
    return f"{number}\n{times}\n{text}\n"


def _webvtt_block(number: int, cue: Cue, lines: tuple[str, ...], rendering: Rendering) -> str:
    times = f"{_clock(cue.start_ms, '.')} --> {_clock(cue.end_ms, '.')}"
    text = _passed_on(cue, lines, "vtt", rendering)
    settings = cue.settings if text is not None and rendering.markup_of == "vtt" else ""
    if text is None:
        text = "\n".join(_escaped(line, plain_webvtt) for line in lines)
        text = f"<i>{text}</i>" if cue.italic else text
        voice = html.escape(" ".join(plain_text(cue.voice).lines), quote=False)
        text = f"<v {voice}>{text}</v>" if voice else text
    if cue.top and "line:" not in settings:
        settings = f"{settings} line:10%".strip()
    identifier = f"{number}\n" if rendering.numbered else ""
    return f"{identifier}{times}{' ' if settings else ''}{settings}\n{text}"


def _passed_on(cue: Cue, lines: tuple[str, ...], format_: str, rendering: Rendering) -> str | None:
    """The cue's markup as it is, where it means the same in this format; else None."""
    if not rendering.markup_of or not cue.markup:
        return None
    if rendering.markup_of != format_ and not set("<>&{\\").isdisjoint(_PORTABLE.sub("", cue.markup)):
        return None
    read_back = (plain_webvtt if format_ == "vtt" else plain_subrip)(cue.markup)
    rows = cue.markup.split("\n")
    breaks = not all(row.strip() for row in rows) or any(parse_time_line(row) is not None for row in rows)
    return None if breaks or read_back.lines != lines else cue.markup


def _is_plain(line: str) -> bool:
    """Whether SubRip, which has no way to escape, shows this line as it is."""
    return plain_subrip(line).lines == (line,) and parse_time_line(line) is None


def _escaped(line: str, read_back: Callable[[str], Plain]) -> str:
    """The line with character references in place of what would be taken for markup."""
    text = html.escape(line, quote=False)
    if read_back(text).lines != (line,):  # override codes in braces, which no standard has
        text = text.replace("{", "&#123;").replace("\\", "&#92;")
    return text


def _clock(time_ms: int, point: str) -> str:
    assert time_ms >= 0, "captions begin at zero"
    seconds, milliseconds = divmod(time_ms, 1000)
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours:02}:{minutes:02}:{seconds % 60:02}{point}{milliseconds:03}"
