"""The grammar of one clause: which word is the sound, which its source, which says how it sounds."""

from dataclasses import dataclass
from typing import Literal

from avtool.mining.sound_tag import Aspect
from avtool.mining.tagger.lexicon import Lexicon, Word
from avtool.mining.tagger.music import is_music, is_sung, read_music
from avtool.mining.tagger.prepositions import Circumstances, read_phrases, split_phrases, struck
from avtool.mining.tagger.reading import Reading, unique
from avtool.mining.tagger.unknown_words import guess

Role = Literal["sound", "source", "quality", "state", "language", "silent", "unknown", "drop"]
_EMPTY_ROLES = ("article", "quantifier", "continuing", "abstract", "title")

# What a thing ends up as, after a verb that sounds: "door creaks open".
_RESULTS = ("open", "close", "shut")
# Who makes noise, not music, by playing.
_PLAYFUL = ("person", "people", "animal")


@dataclass(slots=True)
class Part:
    """A word with the role it plays in this clause, and the lemma it has in that role."""

    word: Word
    role: Role
    lemma: str = ""
    sure: bool = True
    named: bool = False


def read_clause(words: list[Word], lexicon: Lexicon) -> Reading:
    """The labels of one clause."""
    core, phrases = split_phrases(words)
    found = read_phrases(phrases, lexicon)
    core += found.more
    reading = read_music(core) if is_music(core) else _read_event(core)
    return _settle(reading, found, lexicon)


def _settle(reading: Reading, found: Circumstances, lexicon: Lexicon) -> Reading:
    """Adds what the prepositional phrases say, and what goes without saying."""
    sounds, sources, rule = reading.sounds, reading.sources, reading.rule
    if found.voice and not sounds:
        sounds, rule = ("voice",), "voice"
    if found.spoken and not sounds:
        sounds, rule = ("speak",), "language"
        sources = () if reading.named else sources
        reading = reading.but(subject="")
    if found.medium:
        sources, rule = (found.medium,), rule if sounds else "medium"
    if found.surface and not sources and struck(sounds):
        sources = (found.surface,)
    if not sources and len(sounds) == 1 and sounds[0] in lexicon.implied:
        sources = (lexicon.implied[sounds[0]],)
    qualities = unique(*reading.qualities, *found.qualities)
    if rule == "nothing" and qualities:
        rule = "quality"
    return reading.but(sounds=sounds, sources=sources, qualities=qualities, rule=rule)


def _read_event(words: list[Word]) -> Reading:
    """The reading of a clause without music, from its words alone."""
    parts = [part for part in _first_roles(words) if part.role != "drop"]
    _tell_heads_from_modifiers(parts)
    _guess_unknown(parts)
    sounds = [part for part in parts if part.role == "sound"]
    spoken = any(part.role == "language" for part in parts)
    source = _source(parts)
    qualities = unique(*(part.lemma for part in parts if part.role in {"quality", "state"}))
    named = source is not None and source.named
    reading = Reading(
        sounds=unique(*(part.lemma for part in sounds)),
        sources=(source.lemma,) if source else (),
        qualities=qualities,
        aspect=_aspect(sounds, source is not None, qualities),
        confidence=0.95 if all(part.sure for part in parts) else 0.7,
        rule="sound",
        named=named,
    )
    if spoken and not sounds:
        return reading.but(sounds=("speak",), sources=() if named else reading.sources, rule="language")
    if sounds:
        unsure = any(not part.sure for part in sounds)
        return reading.but(rule="unknown-verb" if unsure else "source+sound" if source else "sound")
    return _without_sound(reading, parts, source)


def _without_sound(reading: Reading, parts: list[Part], source: "Part | None") -> Reading:
    """A clause in which nothing sounds: a state, a manner, a thing, or a speaker label."""
    if any(part.role == "state" for part in parts):
        return reading.but(rule="state", confidence=0.85)
    if source is None:
        return reading.but(rule="quality" if reading.qualities else "nothing", confidence=0.7)
    if source.named:
        return Reading(rule="speaker", named=True, subject=source.lemma, qualities=reading.qualities)
    return reading.but(rule="source", confidence=0.6)


def _first_roles(words: list[Word]) -> list[Part]:
    """The role of each word as far as its neighbours in the clause decide it."""
    parts = []
    for index, word in enumerate(words):
        after = words[index + 1] if index + 1 < len(words) else None
        others = [other for other in words if other is not word]
        parts.append(_first_role(word, after, others, words[:index]))
    return parts


def _first_role(word: Word, after: Word | None, others: list[Word], before: list[Word]) -> Part:
    is_verb_next = after is not None and bool(after.sound) and after.form in {"s", "ing"}
    if word.has("music", "genre") and any(is_sung(other) for other in others):
        return Part(word, "drop")
    if word.has("perform"):
        return (
            Part(word, "sound", "play")
            if any(other.has(*_PLAYFUL) for other in before)
            else Part(word, "drop")
        )
    if word.has("language", "marker"):
        names_someone = after is not None and (bool(after.source) or after.has("name")) and not after.sound
        return Part(word, "drop" if names_someone else "language")
    if word.has("given") and (is_verb_next or not (word.sound or word.quality or word.source)):
        return Part(word, "source", word.text, named=True)
    if word.has("person_adjective") and after is not None and _is_thing(after):
        return Part(word, "drop")
    if word.sound and word.source:
        sounds_elsewhere = any(other.sound and not other.source for other in others)
        is_source = word.form not in {"ing", "ed"} and sounds_elsewhere
        follows_source = any(other.source for other in before)
        if is_source or (word.form == "base" and follows_source is False and is_verb_next):
            return Part(word, "source", word.source)
        return Part(word, "sound", word.sound)
    if word.sound and word.quality and after is not None and after.sound and after.form in {"base", ""}:
        return Part(word, "quality", word.quality)
    if word.sound:
        result = word.sound in _RESULTS and word.form == "base" and any(other.sound for other in before)
        return Part(word, "drop" if result else "sound", word.sound)
    if (
        word.has("silent")
        and word.form == "ing"
        and after is not None
        and after.sound
        and after.form in {"base", ""}
    ):
        return Part(word, "quality", word.text)
    return _silent_role(word, others, before)


def _is_thing(word: Word) -> bool:
    """Whether a word names someone or something and no sound, so that an adjective before it describes it."""
    return (bool(word.source) and not word.sound) or word.has("given", "person_adjective")


def _silent_role(word: Word, others: list[Word], before: list[Word]) -> Part:
    """The role of a word that cannot be a sound."""
    if word.source and word.quality:
        machine = any(other.has("machine sound") and not other.has("voice sound") for other in others)
        return Part(word, "source", word.source) if machine else Part(word, "quality", word.quality)
    subject = any(other.source for other in before)
    acts = word.has("silent") and (word.form == "ing" or (word.form == "s" and subject))
    if word.source and not acts:
        return Part(word, "source", word.source, named=word.has("person", "people", "baby", "given"))
    if word.state and not (word.quality and word.form == "base"):
        return Part(word, "state", word.state)
    if word.has("continuing", "quantifier", "article", "bearing"):
        return Part(word, "drop")
    if word.quality:
        return Part(word, "quality", word.quality)
    if word.has("number"):
        return Part(word, "unknown", word.text)
    if word.has("silent"):
        return Part(word, "silent")
    if word.has("pronoun", "person_adjective", "perform", "idle", "genre", "abstract", "title"):
        return Part(word, "drop", named=True)
    return Part(word, "unknown", word.text)


def _tell_heads_from_modifiers(parts: list[Part]) -> None:
    """Of several sounds in one clause, finds which are only said of another: changes roles in place."""
    sounds = [part for part in parts if part.role == "sound"]
    if len(sounds) < 2:
        return
    for part in sounds:
        if part.lemma == "sound" or part.lemma == "noise":
            part.role = "drop"
    sounds = [part for part in sounds if part.role == "sound"]
    if len(sounds) < 2:
        return
    for left, right in zip(sounds, sounds[1:], strict=False):
        _subordinate(left, right)


def _subordinate(left: Part, right: Part) -> None:
    """Decides between two neighbouring sounds: "whistle blowing", "voice breaking", "wheezing laugh"."""
    if "bearing" in right.word.roles and right.word.form in {"s", "ing", "ed"}:
        right.role = "drop"
    elif "bearing" in left.word.roles:
        left.role = "drop"
    elif right.lemma == "echo":
        right.role, right.lemma = "quality", "echoing"
    elif left.lemma == "voice" and "voice sound" in right.word.roles:
        left.role = "drop"
    elif left.word.has("noun") and right.word.form in {"s", "ing"}:
        right.role = "quality"
    elif left.word.form in {"ing", "ed"} and right.word.form in {"base", ""}:
        left.role, left.lemma = "quality", left.word.text


def _guess_unknown(parts: list[Part]) -> None:
    """Gives every unknown word a role, by its place and by the dictionary: changes roles in place."""
    heads = [index for index, part in enumerate(parts) if part.role == "sound"]
    first_head = heads[0] if heads else len(parts)
    for index, part in enumerate(parts):
        if part.role != "unknown":
            continue
        text = part.word.text
        before = parts[index - 1] if index else None
        if part.word.has("number"):
            part.role = "drop"
            if before is not None and before.role == "source":
                before.lemma = f"{before.lemma} {text}"
        elif index > first_head:
            _guess_after_sound(part, parts[first_head])
        elif index == len(parts) - 1 and not heads:
            _guess_last(part, before)
        else:
            _guess_before_sound(part, parts[index + 1])
            _join_name(before, part)


def _guess_after_sound(part: Part, head: Part) -> None:
    """ "laughs giddily", "snaps towel": an adverb, or the thing that something is done to."""
    known = guess(part.word.text)
    if known.is_adverb or part.word.text.endswith("ly") and known.in_dictionary:
        part.role, part.lemma = "quality", part.word.text
    elif known.is_noun and not head.word.has("voice sound"):
        part.role, part.lemma, part.sure = "source", known.noun, False
    else:
        part.role = "drop"


def _guess_before_sound(part: Part, after: Part) -> None:
    """ "maniacal laughter" against "chewie growls": a manner, or a name."""
    known = guess(part.word.text)
    participle = known.is_verb and part.word.text.endswith(("ing", "ed"))
    noun_follows = after.word.form in {"base", "ing", ""}
    if known.is_adverb or participle or (known.is_adjective and (noun_follows or not known.is_noun)):
        part.role, part.lemma, part.sure = "quality", part.word.text, False
    else:
        part.role, part.sure = "source", False
        part.lemma = known.noun if known.is_noun else part.word.text
        part.named = not known.is_noun


def _join_name(before: "Part | None", part: Part) -> None:
    """Two unknown names in a row are one name ("kylo ren")."""
    if before is not None and before.word.has("unknown") and before.named and part.named:
        part.lemma = f"{before.lemma} {part.lemma}"


def _guess_last(part: Part, before: "Part | None") -> None:
    """A last word of a clause without a sound: an unknown verb after its subject, a manner, or a name."""
    text = part.word.text
    known = guess(text)
    subject = before is not None and before.role in {"source", "quality"}
    if subject and text.endswith(("ing", "s")) and (known.is_verb or not known.in_dictionary):
        part.role, part.lemma, part.sure = "sound", known.verb, False
    elif known.is_adverb or (known.is_adjective and not known.is_noun and not known.is_verb):
        part.role, part.lemma, part.sure = "quality", text, False
    else:
        part.role, part.lemma, part.sure, part.named = "source", text, False, True


def _source(parts: list[Part]) -> "Part | None":
    """The source of the clause: the last of the nouns before the sound, else the first one after it."""
    sources = [(index, part) for index, part in enumerate(parts) if part.role == "source"]
    if not sources:
        return None
    heads = [index for index, part in enumerate(parts) if part.role in {"sound", "state", "silent"}]
    first_head = heads[0] if heads else len(parts)
    before = [part for index, part in sources if index < first_head]
    return before[-1] if before else sources[0][1]


def _aspect(sounds: list[Part], has_source: bool, qualities: tuple[str, ...]) -> Aspect:
    """Sustained for an -ing form, abrupt for a third person, unknown for a noun and for a mixture."""
    forms = {_form(part) for part in sounds}
    if forms == {"ing"}:
        return "sustained"
    if forms == {"s"} and (has_source or not qualities):
        return "abrupt"
    return "unknown"


def _form(part: Part) -> str:
    if part.sure:
        return part.word.form
    return "ing" if part.word.text.endswith("ing") else "s"
