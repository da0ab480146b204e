"""Formats with one cue a line: MicroDVD (frames), MPL2 (tenths of a second), TMPlayer (seconds)."""

import re

from avtool.core.errors import BadInputError
from avtool.media.captions.cue import RawCue
from avtool.media.captions.draft import Draft, shorten
from avtool.media.captions.markup import plain_subrip

_MICRODVD = re.compile(r"\s*\{\s*(\d{1,9})\s*\}\s*\{\s*(\d{0,9})\s*\}(.*)")
_MICRODVD_CODE = re.compile(r"\{([A-Za-z]):([^{}]*)\}")
_MPL2 = re.compile(r"\s*\[(-?\d{1,9})\]\[(-?\d{0,9})\](.*)")
_TMPLAYER = re.compile(r"\s*(\d{1,2}):(\d\d):(\d\d)[:=](.*)")
_FPS_RANGE = (1.0, 1000.0)


def read_microdvd(text: str, draft: Draft) -> None:
    """Reads MicroDVD: `{start frame}{end frame}text|second line`.

    The file's own frame rate, in a first line `{1}{1}23.976`, goes before that of the film.

    Raises:
        BadInputError: neither the file nor the caller gives the frame rate.
    """
    fps: float | None = None
    for line_number, line, found in _rows(text, _MICRODVD, draft):
        start, end, body = found.groups()
        if fps is None:
            declared = _fps_of(body) if start == end and int(start) <= 1 else None
            fps = declared or _fps_of_film(line_number, line, draft)
            if declared:
                continue
        start_ms = round(1000 * int(start) / fps)
        end_ms = round(1000 * int(end) / fps) if end else None
        codes = {name: value.lower() for name, value in _MICRODVD_CODE.findall(body)}
        plain = plain_subrip(_MICRODVD_CODE.sub("", body).replace("|", "\n"))
        italic = "i" in codes.get("Y", "") or ("i" in codes.get("y", "") and len(plain.lines) == 1)
        draft.add(RawCue(start_ms, end_ms, plain.lines, italic or plain.italic))


def _fps_of_film(line_number: int, line: str, draft: Draft) -> float:
    if draft.fps is None:
        raise BadInputError(
            f"{draft.source} counts frames (MicroDVD) without a frame rate: "
            f"line {line_number} is `{shorten(line, 40)}`",
            "read it with its film, or begin it with a line such as {1}{1}23.976",
        )
    draft.count(f"frame rate taken as {draft.fps:g}")
    return draft.fps


def _fps_of(text: str) -> float | None:
    try:
        fps = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return fps if _FPS_RANGE[0] <= fps <= _FPS_RANGE[1] else None


def read_mpl2(text: str, draft: Draft) -> None:
    """Reads MPL2: `[tenths][tenths]text|/italic line`."""
    for _, _, found in _rows(text, _MPL2, draft):
        lines = [line.strip() for line in found[3].split("|")]
        slanted = [line.startswith("/") for line in lines if line]
        plain = plain_subrip("\n".join(line.removeprefix("/") for line in lines))
        end_ms = int(found[2]) * 100 if found[2].strip("-") else None
        italic = plain.italic or (bool(slanted) and all(slanted))
        draft.add(RawCue(int(found[1]) * 100, end_ms, plain.lines, italic))


def read_tmplayer(text: str, draft: Draft) -> None:
    """Reads TMPlayer: `hh:mm:ss:text`. A cue lasts until the next; an empty one only ends the one before."""
    before: RawCue | None = None
    for _, _, found in _rows(text, _TMPLAYER, draft):
        start_ms = 1000 * (int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3]))
        if before and start_ms > before.start_ms:
            before.end_ms = start_ms
        plain = plain_subrip(found[4].replace("|", "\n"))
        before = RawCue(start_ms, None, plain.lines, plain.italic)
        if plain.lines:
            draft.add(before)


def _rows(text: str, pattern: re.Pattern[str], draft: Draft) -> "list[tuple[int, str, re.Match[str]]]":
    """The lines that fit the pattern; the others are counted."""
    rows = []
    for line_number, line in enumerate(text.split("\n"), 1):
        if found := pattern.match(line):
            rows.append((line_number, line, found))
        elif line.strip():
            draft.unreadable(line_number, line, "unreadable line skipped")
    return rows
