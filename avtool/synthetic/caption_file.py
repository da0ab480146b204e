"""Caption files of cues: SubRip and WebVTT by our own writer, the others by pysubs2."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pysubs2

from avtool.core.files import write_text
from avtool.media.captions import writing
from avtool.media.captions.cue import Cue

CaptionFormat = Literal["srt", "vtt", "ass", "ttml"]


def write_captions(path: Path, cues: Sequence[Cue], format_name: CaptionFormat) -> None:
    """Writes a caption file in UTF-8."""
    if format_name in writing.FORMATS:
        writing.write_captions(cues, path, format=format_name)
        return
    document = pysubs2.SSAFile()
    for cue in cues:
        event = pysubs2.SSAEvent(start=cue.start_ms, end=cue.end_ms)
        event.plaintext = cue.text
        document.append(event)
    write_text(path, document.to_string(format_name))
