"""One caption document: its bytes decoded, its format recognised by content, its cues read."""

import os
from collections.abc import Callable
from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.media.captions.cue import Captions
from avtool.media.captions.decoding import decode, without_double_spacing
from avtool.media.captions.draft import Draft
from avtool.media.captions.formats import (
    comma_times,
    ebu_stl,
    json_cues,
    one_liners,
    sami,
    scc,
    subrip,
    substation,
    ttml,
    webvtt,
)
from avtool.media.captions.markup import mend_mojibake
from avtool.media.captions.sniffing import sniff

MAX_BYTES = 32 * 1024 * 1024
MAX_LINE = 1_000_000
_ON_ONE_LINE = {"ttml", "sami", "json"}

_READERS: dict[str, Callable[[str, Draft], None]] = {
    "srt": subrip.read,
    "vtt": webvtt.read,
    "ass": substation.read,
    "ttml": ttml.read,
    "scc": scc.read,
    "sami": sami.read,
    "sbv": comma_times.read,
    "subviewer": comma_times.read,
    "spruce": comma_times.read_spruce,
    "microdvd": one_liners.read_microdvd,
    "mpl2": one_liners.read_mpl2,
    "tmplayer": one_liners.read_tmplayer,
    "json": json_cues.read,
}


def read_document(
    name: str, content: bytes, *, fps: float | None = None, language: str = "en", keep_rows: bool = False
) -> Captions | None:
    """Captions of one document; None for an HLS playlist, which holds none itself.

    Args:
        name: of the document, in messages.
        content: its bytes.
        fps: frames per second of the film, for formats that count frames without a rate of their own.
        language: which language to take of a file that holds several (BCP 47).
        keep_rows: whether rows that roll-up captions repeat stay.

    Raises:
        BadInputError: it holds no captions that can be read.
    """
    if len(content) > MAX_BYTES:
        raise BadInputError(f"{name} is over {MAX_BYTES >> 20} MiB", "no caption file is so large")
    if ebu_stl.is_ebu_stl(content):
        draft = Draft(name, "binary", "stl", keep_rows=keep_rows)
        ebu_stl.read(content, draft)
        return draft.finish()
    text, encoding = decode(content, name)
    format_ = sniff(text, name, encoding)
    if format_ == "hls":
        return None
    if format_ not in _ON_ONE_LINE and max(map(len, text.split("\n"))) > MAX_LINE:
        raise BadInputError(f"{name} has a line of over {MAX_LINE} characters ({encoding})", "no caption has")
    text, num_blank = without_double_spacing(text)
    text, num_mended = mend_mojibake(text)
    draft = Draft(name, encoding, format_, fps, language, keep_rows=keep_rows)
    draft.count("blank line between all lines", num_blank)
    draft.count("wrongly decoded character", num_mended)
    draft.count("unreadable character", text.count("\N{REPLACEMENT CHARACTER}"))
    _READERS[format_](text, draft)
    return draft.finish()


def read_bounded(path: Path) -> bytes:
    """The content of a file, one byte over the bound at most.

    Raises:
        BadInputError: the file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise BadInputError(f"cannot read `{path}`: {reason.lower()}", "check the name") from error
    except ValueError as error:  # a zero byte in the name
        raise BadInputError(f"cannot read {str(path)!r}: {error}", "check the name") from error
