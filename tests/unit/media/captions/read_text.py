"""Short ways to read captions in tests."""

from avtool.media.captions.cue import Captions
from avtool.media.captions.reading import read_captions


def read(content: str | bytes, **options) -> Captions:
    """Captions out of a text or bytes."""
    data = content.encode() if isinstance(content, str) else content
    return read_captions("film.captions", data=data, **options)


def shown(captions: Captions) -> list[tuple[int, int, str]]:
    """What a viewer sees: (start, end, text) of each cue, times in milliseconds."""
    return [(cue.start_ms, cue.end_ms, cue.text) for cue in captions.cues]
