"""The grammar of one clause: the sound, its source, and its qualities."""

from itertools import pairwise

from avtool.mining.sound_tag import Aspect
from avtool.mining.tagger.guesses import guess_unknown
from avtool.mining.tagger.lexicon import Lexicon, Part, Word
from avtool.mining.tagger.music import is_music, read_music
from avtool.mining.tagger.prepositions import Circumstances, read_phrases, split_phrases, struck
from avtool.mining.tagger.reading import Reading, unique
from avtool.mining.tagger.roles import first_roles

_KNOWN, _GUESSED = 0.95, 0.7


def read_clause(words: list[Word], lexicon: Lexicon) -> Reading:
    """The labels of one clause."""
    core, phrases = split_phrases(words)
    found = read_phrases(phrases, lexicon)
    core += found.more
    reading = read_music(core) if is_music(core) else _read_event(core, lexicon)
    return _complete(reading, found, lexicon)


def _complete(reading: Reading, found: Circumstances, lexicon: Lexicon) -> Reading:
    """Adds the prepositional phrases, and implied sources."""
    if not reading.sounds and found.voice:
        reading = reading.but(sounds=("voice",), rule="voice")
    if not reading.sounds and found.spoken:
        reading = _spoken(reading)
    sources = reading.sources
    if found.medium:
        sources = (found.medium,)
        reading = reading.but(rule=reading.rule if reading.sounds else "medium")
    elif found.surface and not sources and struck(reading.sounds):
        sources = (found.surface,)
    if not sources and len(reading.sounds) == 1:
        sources = unique(lexicon.implied.get(reading.sounds[0], ""))
    qualities = unique(*reading.qualities, *found.qualities)
    rule = "quality" if reading.rule == "nothing" and qualities else reading.rule
    return reading.but(sources=sources, qualities=qualities, rule=rule)


def _spoken(reading: Reading) -> Reading:
    """Someone speaks a language; a name before it is a speaker label and no source."""
    sources = () if reading.is_person else reading.sources
    return reading.but(sounds=("speak",), sources=sources, rule="language", subject="")


def _read_event(words: list[Word], lexicon: Lexicon) -> Reading:
    """The reading of a clause without music, from its words alone."""
    parts = first_roles(words)
    settle_heads(parts)
    guess_unknown(parts)
    sounds = [part for part in parts if part.role == "sound"]
    source = _source(parts)
    qualities = unique(*(part.lemma for part in parts if part.role in {"quality", "state"}))
    reading = Reading(
        sounds=unique(*(part.lemma for part in sounds)),
        sources=(source.lemma,) if source else (),
        qualities=qualities,
        aspect=_aspect(sounds, source is not None, qualities),
        confidence=_KNOWN if all(part.is_sure for part in parts) else _GUESSED,
        is_person=source is not None and source.is_person,
        acts=not sounds and any(_is_silent_verb(word, words[:n]) for n, word in enumerate(words)),
    )
    if not sounds:
        spoken = any(part.role == "language" for part in parts)
        return _spoken(reading) if spoken else _without_sound(reading, parts)
    if not all(part.is_sure for part in sounds):
        guess = reading.but(rule="unknown-verb")
        return guess if lexicon.guesses_verbs else Reading(rule="nothing", confidence=_GUESSED)
    return reading.but(rule="source+sound" if source else "sound")


def _is_silent_verb(word: Word, before: list[Word]) -> bool:
    is_verb = word.form in {"s", "ing", "ed"} or (word.form == "base" and any(noun.source for noun in before))
    return is_verb and bool(word.state or word.has("silent"))


def _without_sound(reading: Reading, parts: list[Part]) -> Reading:
    """A clause in which nothing sounds: a state, a speaker label, a thing, a manner, or nothing at all."""
    if any(part.role == "state" for part in parts):
        return reading.but(rule="state", confidence=min(reading.confidence, 0.85))
    if reading.is_person:
        manner = unique(*(part.lemma for part in parts if part.role == "quality" and part.is_sure))
        return reading.but(rule="speaker", sources=(), qualities=manner, subject=reading.sources[0])
    if reading.sources:
        sounding = any(part.role == "source" and part.word.has("sounding") for part in parts)
        is_sure = sounding and all(part.is_sure for part in parts)
        return reading.but(rule="source", confidence=0.85 if is_sure else 0.6)
    if all(part.word.has("unheard") for part in parts):
        return Reading(rule="nothing", confidence=_GUESSED)
    return reading.but(rule="quality", confidence=_GUESSED)


def _source(parts: list[Part]) -> Part | None:
    """The source of the clause: the last of the nouns before the sound, else the first one after it."""
    verbs = [index for index, part in enumerate(parts) if part.role in {"sound", "state"}]
    first_verb = verbs[0] if verbs else len(parts)
    before = [part for part in parts[:first_verb] if part.role == "source"]
    after = [part for part in parts[first_verb:] if part.role == "source"]
    return before[-1] if before else after[0] if after else None


def _aspect(sounds: list[Part], has_source: bool, qualities: tuple[str, ...]) -> Aspect:
    """Sustained for an -ing form, abrupt for a third person, unknown for a noun and for a mixture."""
    forms = {_verb_form(part) for part in sounds}
    if forms == {"ing"}:
        return "sustained"
    if forms == {"s"} and (has_source or not qualities):
        return "abrupt"
    return "unknown"


def _verb_form(part: Part) -> str:
    if part.is_sure:
        return part.word.form
    return "ing" if part.word.text.endswith("ing") else "s"


def settle_heads(parts: list[Part]) -> None:
    """Changes, in place, the role of every sound that belongs to another sound of the same clause."""
    sounds = [part for part in parts if part.role == "sound"]
    if len(sounds) > 1:
        for part in sounds:
            if part.lemma == "sound":  # "kissing sounds": the word adds nothing to another
                part.role = "drop"
    for left, right in pairwise([part for part in sounds if part.role == "sound"]):
        _subordinate(left, right)


def _subordinate(left: Part, right: Part) -> None:
    """Decides between two neighbours: "whistle blowing", "voice breaking", "wheezing laugh"."""
    is_verb = right.word.form in {"s", "ing", "ed"}
    if right.word.has("bearing") and is_verb:
        right.role = "drop"
    elif left.word.has("bearing"):
        left.role = "drop"
    elif right.lemma == "echo":
        right.role, right.lemma = "quality", "echoing"
    elif left.lemma == "voice" and right.word.has("voice sound"):
        left.role = "drop"
    elif left.word.has("noun") and is_verb:
        right.role = "quality"
    elif left.word.form in {"ing", "ed"} and not is_verb:
        left.role, left.lemma = "quality", left.word.text
