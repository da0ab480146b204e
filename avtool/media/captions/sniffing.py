"""The format of a caption text by its content: names of files lie, or have no suffix at all."""

import re
import unicodedata

from avtool.core.errors import BadInputError
from avtool.media.captions.draft import shorten
from avtool.media.captions.formats.json_cues import SIGN

# The first line that fits one of these decides; SRT stands last because its sign is the least specific.
_SIGNS = {
    "vtt": r"\AWEBVTT(?=\s|\Z|#)",
    "scc": r"^[ \t]*Scenarist_SCC",
    "hls": r"\A#EXTM3U",
    "sami": r"<\s*SAMI\b",
    "ttml": r"<(?:\w+:)?tt[\s>]",
    "ass": r"^[ \t]*\[(?:Script Info|V4\+? Styles|Events)\]|^[ \t]*Dialogue:\s*[^,\n]{0,20},\s*\d",
    "subviewer": r"^[ \t]*\[INFORMATION\]|^[ \t]*\d{1,2}:\d\d:\d\d\.\d\d,\d{1,2}:\d\d:\d\d\.\d\d\s*$",
    "sbv": r"^[ \t]*\d{1,2}:\d\d:\d\d\.\d{3},\d{1,2}:\d\d:\d\d\.\d{3}\s*$",
    "spruce": r"^[ \t]*\$(?:FontName|HorzAlign)\s*=|^(?:[ \t]*\d\d:\d\d:\d\d[:;.]\d\d\s*,){2}",
    "microdvd": r"^[ \t]*\{\s*\d+\s*\}\s*\{\s*\d*\s*\}",
    "mpl2": r"^[ \t]*\[-?\d+\]\[-?\d*\]",
    "tmplayer": r"^[ \t]*\d{1,2}:\d\d:\d\d[:=](?!\d\d\b)(?![^\n]{0,20}[-=–—]>)",
    "srt": r"^[^\n]{0,40}?\d ?[:.,] ?\d[^\n]{0,20}(?:[-–—=]{1,2}(?: -)? ?>|→)|-->[^\n]{0,10}\d[:.,]\d",
}
_HEAD = 65_536  # characters to look at
_SIGN = re.compile(
    "|".join(f"(?P<{name}>{sign})" for name, sign in _SIGNS.items()), re.MULTILINE | re.IGNORECASE
)

_NOT_CAPTIONS = (
    (r"\{\\rtf", "an RTF document", "save it as plain text in a word processor first"),
    (r"[\[{]\s*[\"\[{\]}]", "JSON", "give the captions as WebVTT or SRT (yt-dlp: --convert-subs vtt)"),
    (r"Decoded Line 21 / CEA-608", "a decoded CEA-608 listing", "give the SCC file that it was made from"),
    (r"# VobSub index file", "an index of bitmap subtitles (VobSub)", "OCR is not offered: give a text file"),
)


def sniff(text: str, source: str, encoding: str) -> str:
    """The name of the format.

    Raises:
        BadInputError: the text is empty, of a known kind that holds no captions, or of an unknown one.
    """
    head = text.lstrip()[:_HEAD]
    if not head:
        raise BadInputError(f"{source} is empty ({encoding})", "give a file with captions")
    if re.match(SIGN, head):
        return "json"
    for pattern, what, hint in _NOT_CAPTIONS:
        if re.match(pattern, head):
            raise BadInputError(f"{source} is {what}, not a caption file ({encoding})", hint)
    for written in (head, unicodedata.normalize("NFKC", head)):  # the latter for full-width times
        if found := _SIGN.search(written):
            return str(found.lastgroup)
    line = head.partition("\n")[0]
    line_number = text[: text.index(line)].count("\n") + 1
    raise BadInputError(
        f"{source} is in no caption format known ({encoding}): line {line_number} is `{shorten(line)}`",
        "see docs/reference/captions.md for the formats that can be read",
    )
