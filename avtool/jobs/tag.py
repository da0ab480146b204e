"""Labels caption tags given as text."""

from collections.abc import Sequence
from pathlib import Path

from avtool.mining.sound_tag import SoundTag


def tag_texts(texts: Sequence[str], lexicon: Path | None = None) -> list[tuple[str, SoundTag]]:
    """Each text with its labels; surrounding brackets are taken off first."""
    from avtool.mining.tagger import Tagger, load_lexicon

    tagger = Tagger(load_lexicon(lexicon))
    return [(text, tagger.tag(text.strip().strip("[](){}"))) for text in texts]
