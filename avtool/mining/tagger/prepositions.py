"""Prepositional phrases: distance and manner, the medium, the language, the thing that is struck."""

from dataclasses import dataclass, field
from itertools import zip_longest

from avtool.mining.tagger.dictionary import look_up
from avtool.mining.tagger.lexicon import Lexicon, Word

# Sounds made on something: "knocking on door", "rain pattering on window".
_STRUCK_BY = frozenset(
    {"knock", "bang", "pound", "tap", "rap", "thump", "thud", "hammer", "hit", "kick", "slap", "drum", "beat"}
    | {"scratch", "scrape", "pat", "patter", "strike", "punch", "type", "click", "crash", "blow", "splash"}
)
# "bursts out laughing", "bursts into tears": what follows may be the sound.
_PARTICLES = frozenset({"out", "into", "up", "down", "along", "off", "around"})
# Words of distance that a noun after them makes prepositions.
_BEFORE_PLACES = frozenset({"outside", "inside", "nearby", "near", "overhead"})
_OF_LANGUAGE = frozenset({"in", "with", "into", "from", "to"})


@dataclass
class Circumstances:
    """The labels of a clause's prepositional phrases.

    Attributes:
        qualities: "in distance", "in pain", the adjective of "in deep voice".
        medium: lemma of the medium ("on radio" → "radio"), or "".
        surface: the thing after "on" or "at", which is the source if a blow is what is heard.
        spoken: whether a language or an accent is named.
        voice: whether a voice is described ("in deep voice").
        more: words that belong to the clause itself ("sound of rain", "dancing to slow music").
    """

    qualities: list[str] = field(default_factory=list)
    medium: str = ""
    surface: str = ""
    spoken: bool = False
    voice: bool = False
    more: list[Word] = field(default_factory=list)


def split_phrases(words: list[Word]) -> tuple[list[Word], list[tuple[str, list[Word]]]]:
    """The words before the first preposition, and (preposition, its words) for each that follows.

    A phrase that stands between who sounds and the verb ends at the verb: "man on tv laughing".
    """
    core: list[Word] = []
    phrases: list[tuple[str, list[Word]]] = []
    is_open = False
    for word, following in zip_longest(words, words[1:]):
        if word.has("preposition") or _leads(word, following, core):
            phrases.append((word.text, []))
            is_open = True
        elif is_open and phrases[-1][1] and _resumes(word, phrases[-1], core):
            core.append(word)
            is_open = False
        elif is_open and not (word.quality and word.has("phrase", "adverb")):
            phrases[-1][1].append(word)
        else:
            core.append(word)
    return core, phrases


def _resumes(word: Word, phrase: tuple[str, list[Word]], core: list[Word]) -> bool:
    """Whether a word after the noun of a phrase is of the clause again: its verb, or who speaks there."""
    preposition, inside = phrase
    if any(other.sound and other.form in {"s", "ing"} for other in core):
        return False
    if not core:
        return inside[-1].has("medium") and word.has("person", "people", "baby") and not word.has("medium")
    if preposition == "of" or inside[-1].has("music") or not _is_noun(inside[-1]):
        return False
    if word.state == "swell" and not any(other.has("music") for other in core):
        return False  # "in office building"
    if word.form in {"s", "ing"} and (word.sound or word.state or word.has("perform", "continuing")):
        return not word.source or word.form == "ing"
    return word.has("unknown") and word.text.endswith("ing") and _is_only_verb(word.text)


def _leads(word: Word, following: Word | None, core: list[Word]) -> bool:
    """Whether a word of distance stands before a place: "kids outside window", "bird inside cage"."""
    is_place = following is not None and bool(following.source) and not following.sound
    return bool(core) and is_place and word.text in _BEFORE_PLACES


def _is_noun(word: Word) -> bool:
    is_plain = word.form in {"", "base"} or not (word.quality or word.sound)
    return bool(word.source) or word.has("unknown") or is_plain


def _is_only_verb(text: str) -> bool:
    known = look_up(text)
    return known.is_verb and not known.is_noun and not known.is_adjective


def read_phrases(phrases: list[tuple[str, list[Word]]], lexicon: Lexicon) -> Circumstances:
    """All labels of the prepositional phrases of a clause."""
    found = Circumstances()
    for preposition, words in phrases:
        _read_phrase(preposition, words, lexicon, found)
    return found


def _read_phrase(preposition: str, words: list[Word], lexicon: Lexicon, found: Circumstances) -> None:
    if not words:
        if preposition == "off":
            found.qualities.append("off")
        return
    last = words[-1]
    if any(word.sound == "voice" for word in words):
        found.voice = True
        found.qualities += [word.quality for word in words if word.quality]
    elif (
        preposition == "of"
        or any(word.has("music") for word in words)
        or (preposition == "on" and last.has("instruments"))
    ):
        found.more += words
    elif preposition in _PARTICLES and any(word.sound and not word.source for word in words):
        found.more += [word for word in words if word.sound and not word.source]
    elif preposition in _OF_LANGUAGE and any(word.has("language", "marker") for word in words):
        found.spoken = True
    elif last.has("medium") and preposition in lexicon.prepositions["medium"]:
        found.medium = last.source
    elif preposition in {"in", "with", "of"} and last.text in lexicon.prepositions["manner"]:
        found.qualities.append(f"{preposition} {last.text}")
    elif preposition in {"on", "at", "against", "from"} and last.source:
        found.surface = last.source
    else:
        found.qualities += [word.quality for word in words if word.quality and not word.source]


def struck(sounds: tuple[str, ...]) -> bool:
    """Whether one of the sounds is made on something."""
    return not _STRUCK_BY.isdisjoint(sounds)
