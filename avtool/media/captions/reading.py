"""The one reader of caption files: whatever the format, the encoding and the damage."""

import math
from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.media.captions.cue import Captions
from avtool.media.captions.document import read_bounded, read_document
from avtool.media.captions.segments import read_caption_segments


def read_captions(
    source: Path | str,
    *,
    fps: float | None = None,
    data: bytes | None = None,
    language: str = "en",
    keep_rows: bool = False,
) -> Captions:
    """Reads captions; the format is found by content, never by the file's name.

    Args:
        source: the file; with `data` only its name in messages.
        fps: frames per second of the film, for formats that count frames without a rate of their own.
        data: the file's content, where it has been read already.
        language: which language to take of a file that holds several (BCP 47).
        keep_rows: whether rows that roll-up captions repeat stay, as the file has them.

    Raises:
        BadInputError: there is no such file, or it holds no captions that can be read.
    """
    if fps is not None and not (math.isfinite(fps) and fps > 0):
        raise BadInputError(f"invalid frame rate {fps:g}", "give frames per second, as in 23.976")
    content = read_bounded(Path(source)) if data is None else data
    captions = read_document(str(source), content, fps=fps, language=language, keep_rows=keep_rows)
    if captions is not None:
        return captions
    if data is not None:
        raise BadInputError(f"{source} is an HLS playlist: its segments lie beside the file", "give its path")
    return read_caption_segments(Path(source))
