"""SubRip and WebVTT, written so that our reader, and any other, gets back what was meant."""

import html
from collections.abc import Callable, Iterable
from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.core.files import write_text
from avtool.media.captions.cue import Cue
from avtool.media.captions.markup import Plain, plain_subrip, plain_text, plain_webvtt
from avtool.media.captions.time_line import parse_time_line

FORMATS = ("srt", "vtt")


def write_captions(cues: Iterable[Cue], path: Path, *, format: str | None = None) -> None:  # noqa: A002
    """Writes a caption file, all of it or nothing.

    Args:
        cues: in time order.
        path: the file; its suffix decides the format.
        format: `srt` or `vtt`, to override the suffix.

    Raises:
        BadInputError: the format is neither, or the file cannot be written.
    """
    write_text(path, render_captions(cues, format or path.suffix.lstrip(".").lower()))


def render_captions(cues: Iterable[Cue], format: str) -> str:  # noqa: A002
    """The content of a caption file: `srt` or `vtt`.

    Italics are kept, and voices in WebVTT (SubRip has none). A cue without visible text is not written.
    """
    if format not in FORMATS:
        raise BadInputError(f"captions cannot be written as `{format}`", "choose .vtt or .srt")
    cleaned = ((cue, plain_text(cue.text).lines) for cue in cues)
    visible = [(cue, lines) for cue, lines in cleaned if lines]
    if format == "vtt":
        return "\n\n".join(["WEBVTT", *(_webvtt_block(cue, lines) for cue, lines in visible)]) + "\n"
    return "\n".join(_subrip_block(number, *block) for number, block in enumerate(visible, 1))


def _subrip_block(number: int, cue: Cue, lines: tuple[str, ...]) -> str:
    text = "\n".join(line if _is_plain(line) else _escaped(line, plain_subrip) for line in lines)
    text = f"<i>{text}</i>" if cue.italic else text
    times = f"{_clock(cue.start_ms, ',')} --> {_clock(cue.end_ms, ',')}"
    return f"{number}\n{times}\n{text}\n"


def _webvtt_block(cue: Cue, lines: tuple[str, ...]) -> str:
    text = "\n".join(_escaped(line, plain_webvtt) for line in lines)
    text = f"<i>{text}</i>" if cue.italic else text
    voice = html.escape(" ".join(plain_text(cue.voice).lines), quote=False)
    text = f"<v {voice}>{text}</v>" if voice else text
    return f"{_clock(cue.start_ms, '.')} --> {_clock(cue.end_ms, '.')}\n{text}"


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
