"""The grammar of music: mood is a quality, instrument is a source, genre is neither."""

from avtool.mining.tagger.dictionary import look_up
from avtool.mining.tagger.lexicon import Word
from avtool.mining.tagger.reading import Reading, unique

_NO_LABEL = ("perform", "idle", "continuing", "silent", "language", "quantifier", "article")
_MAKERS = ("instruments", "ensemble", "people", "medium")


def is_sung(word: Word) -> bool:
    """Whether a word is what a voice does: it is the sound, and a tune is not ("singing pop song")."""
    return word.has("voice sound") and word.form in {"s", "ing"} and not word.has("music", "bearing")


def is_music(words: list[Word]) -> bool:
    """Whether a clause names music, or an instrument or a band that plays, or an instrument alone."""
    if any(is_sung(word) for word in words):
        return False
    if any(word.has("music") for word in words):
        return True
    players = [word for word in words if word.has("instruments", "ensemble")]
    if any(word.has("perform") for word in words):
        return bool(players) or any(word.has("genre") for word in words)
    return bool(players) and players[-1].has("instruments") and not any(word.sound for word in words)


def read_music(words: list[Word]) -> Reading:
    """The reading of a clause that speaks of music."""
    tunes = [word.sound for word in words if word.has("music") and word.sound]
    named = [tune for tune in tunes if tune != "music"]
    voices = [word.sound for word in words if word.has("voice sound") and _is_noun_beside_music(word)]
    sources: list[str] = []
    qualities: list[str] = []
    for word in words:
        if word.has("music", "genre", "bearing") or word.sound in voices:
            continue
        if word.source and word.form != "ing":
            sources.append(word.source)
        elif word.state or word.quality or not word.has(*_NO_LABEL):
            qualities.append(_quality(word))
    makers = [word.source for word in words if word.source in sources and word.has(*_MAKERS)]
    return Reading(
        sounds=unique(*voices, named[-1] if named else "music"),
        sources=tuple(unique(*(makers or sources))[-1:]),
        qualities=unique(*qualities),
        confidence=0.7 if any(word.has("unknown") for word in words) else 0.95,
        rule="music",
    )


def _is_noun_beside_music(word: Word) -> bool:
    """Whether a word is a second sound ("chatter over music") and not a genre ("rap music")."""
    return word.form == "base" and not word.has("genre", "bearing")


def _quality(word: Word) -> str:
    if word.quality and word.form in {"", "base"}:
        return word.quality
    if word.state or word.quality:
        return word.state or word.quality
    if word.sound:
        return word.sound
    known = look_up(word.text) if word.has("unknown") else None
    if known is None:
        return ""
    is_manner = word.text.endswith(("ing", "ed", "ly")) and known.in_dictionary
    return word.text if known.is_adjective or is_manner else ""
