"""First roles: the role of each word in its clause, by the lexicon and its neighbours.

Each rule looks at one word in its place and either decides or leaves it to the next rule.
"""

from dataclasses import dataclass

from avtool.mining.tagger.lexicon import Part, Word
from avtool.mining.tagger.music import is_sung

_PERSON = ("person", "people", "baby")
# Who makes noise, not music, by playing.
_PLAYFUL = ("person", "people", "animal")
# What a thing ends up as, after a verb that sounds: "door creaks open".
_RESULTS = ("open", "close", "shut")
_NO_LABEL = ("article", "quantifier", "continuing", "bearing")
_NO_LABEL_EITHER = ("pronoun", "person_adjective", "perform", "idle", "genre", "title", "silent")


@dataclass(frozen=True, slots=True)
class Place:
    """A word among its neighbours."""

    words: list[Word]
    index: int

    @property
    def word(self) -> Word:
        return self.words[self.index]

    @property
    def before(self) -> list[Word]:
        return self.words[: self.index]

    @property
    def others(self) -> list[Word]:
        return self.before + self.words[self.index + 1 :]

    @property
    def after(self) -> Word:
        """The next word; one without any meaning at the end."""
        return self.words[self.index + 1] if self.index + 1 < len(self.words) else Word("")

    @property
    def verb_follows(self) -> bool:
        """Whether the next word is a verb that sounds, as in "buzz laughs"."""
        return bool(self.after.sound) and self.after.form in {"s", "ing"}

    @property
    def noun_follows(self) -> bool:
        """Whether the next word is a noun that sounds, as in "wheezing laugh"."""
        return bool(self.after.sound) and self.after.form in {"base", ""}

    @property
    def has_subject(self) -> bool:
        """Whether something that can sound stands before the word."""
        return any(word.source for word in self.before)


def first_roles(words: list[Word]) -> list[Part]:
    """The parts of a clause, without the words that give no label."""
    parts = (_first_role(Place(words, index)) for index in range(len(words)))
    return [part for part in parts if part.role != "drop"]


def _first_role(place: Place) -> Part:
    for rule in _RULES:
        part = rule(place)
        if part is not None:
            return part
    return Part(place.word, "unknown", place.word.text)


def _sung_tune(place: Place) -> Part | None:
    """In "singing pop song" the tune and its genre are no labels."""
    is_tune = place.word.has("music", "genre") and any(is_sung(other) for other in place.others)
    return Part(place.word, "drop") if is_tune else None


def _playing(place: Place) -> Part | None:
    """Children play, which is a sound; a television plays, which is none."""
    if not place.word.has("perform"):
        return None
    playful = any(word.has(*_PLAYFUL) for word in place.before)
    return Part(place.word, "sound", "play") if playful else Part(place.word, "drop")


def _language(place: Place) -> Part | None:
    """A language is spoken ("speaking german"); before a noun it only describes ("german soldier")."""
    if not place.word.has("language", "marker"):
        return None
    names_someone = bool(place.after.source) and not place.after.sound
    return Part(place.word, "drop" if names_someone else "language")


def _name(place: Place) -> Part | None:
    """A given name; one that is a common word too, or a sound, only before a verb: "buzz laughs"."""
    word = place.word
    if place.before and place.before[-1].has("title") and not (place.before[-1].source or word.sound):
        is_name = True  # "dr. evil"
    elif word.has("given"):
        is_name = place.verb_follows or not (word.sound or word.quality or word.source)
    else:
        is_plain_sound = word.form == "base" and bool(word.sound) and not (word.source or word.has("noun"))
        verb = place.after
        someone_acts = verb.form == "s" and verb.has("voice sound") and not verb.has("bearing")
        is_name = is_plain_sound and someone_acts and place.index == 0
    return Part(word, "source", word.text, is_person=True) if is_name else None


def _description(place: Place) -> Part | None:
    """A description of someone or something ("old man") is no label of the sound."""
    after = place.after
    is_thing = (bool(after.source) and not after.sound) or after.has("given", "person_adjective")
    return Part(place.word, "drop") if place.word.has("person_adjective") and is_thing else None


def _sound_or_source(place: Place) -> Part | None:
    """A source beside another sound ("crow cawing"), else a sound ("rooster crows")."""
    word = place.word
    if not (word.sound and word.source):
        return None
    sounds_elsewhere = any(other.sound and not other.source for other in place.others)
    is_noun = word.form not in {"ing", "ed"}
    acts = place.verb_follows or (bool(place.after.state) and not word.has("noun"))
    is_subject = word.form == "base" and not place.has_subject and acts
    if (is_noun and sounds_elsewhere) or is_subject:
        return Part(word, "source", word.source)
    return Part(word, "sound", word.sound)


def _modifier(place: Place) -> Part | None:
    """A participle before a noun that sounds: "running footsteps", "pounding beat", "shuddering breath"."""
    word = place.word
    if word.quality and word.form == "base" and place.after.has("language", "marker"):
        return Part(word, "quality", word.quality)
    if not place.noun_follows or word.source:
        return None
    if word.quality and (word.sound or word.form != "ing"):
        return Part(word, "quality", word.quality)
    is_other_verb = word.form == "ing" and not word.sound and (word.state or word.has("silent"))
    return Part(word, "quality", word.text) if is_other_verb else None


def _sound(place: Place) -> Part | None:
    word = place.word
    if not word.sound:
        return None
    is_result = word.sound in _RESULTS and word.form == "base" and any(other.sound for other in place.before)
    return Part(word, "drop") if is_result else Part(word, "sound", word.sound)


def _light(place: Place) -> Part | None:
    """A word that is a thing and a quality: "light buzzing" and "light laughter"."""
    word = place.word
    if not (word.source and word.quality):
        return None
    hums = any(other.has("machine sound") and not other.has("voice sound") for other in place.others)
    return Part(word, "source", word.source) if hums else Part(word, "quality", word.quality)


def _source(place: Place) -> Part | None:
    word = place.word
    acts = word.has("silent") and (word.form == "ing" or (word.form == "s" and place.has_subject))
    if not word.source or acts:
        return None
    is_label = word.has("given") and not place.others  # "penny" alone is someone who speaks
    return Part(word, "source", word.source, is_person=is_label or word.has(*_PERSON))


def _state_or_quality(place: Place) -> Part | None:
    word = place.word
    if word.state and not (word.quality and word.form == "base"):
        return Part(word, "state", word.state)
    if word.has(*_NO_LABEL):
        return Part(word, "drop")
    if word.quality:
        return Part(word, "quality", word.quality)
    return Part(word, "drop") if word.has(*_NO_LABEL_EITHER) else None


_RULES = (
    _sung_tune,
    _playing,
    _language,
    _name,
    _description,
    _sound_or_source,
    _modifier,
    _sound,
    _light,
    _source,
    _state_or_quality,
)
