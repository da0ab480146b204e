"""The lexicon as the grammar sees it: surface forms, and all that each may mean."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from avtool.mining.tagger.inflection import VerbForm


@dataclass(frozen=True, slots=True)
class Word:
    """One surface form and all that it may mean.

    Attributes:
        text: the surface form, lower case; may be a phrase ("car door").
        sound, source, quality: the lemma in that dimension, or "".
        state: the quality that it means as a verb of starting, stopping or moving, or "".
        form: as a verb, which form it is; "" for what is no verb.
        roles: word classes of the grammar ("medium", "genre", "article", a source's coarse group, …).
    """

    text: str
    sound: str = ""
    source: str = ""
    quality: str = ""
    state: str = ""
    form: VerbForm | Literal[""] = ""
    roles: frozenset[str] = frozenset()

    def has(self, *roles: str) -> bool:
        """Whether the word belongs to one of these classes."""
        return not self.roles.isdisjoint(roles)


@dataclass(frozen=True)
class Lexicon:
    """Surface forms and what they mean.

    Attributes:
        words: surface form → word.
        longest: first word of a phrase → words in the longest phrase that begins with it.
        parts: the single words that phrases are made of, and the prepositions.
        prepositions: kind ("medium", "place", "of", "manner") → words.
        implied: a sound with an implied source → that source.
        coarse: source lemma → its coarse group, "" for none.
        guesses_verbs: whether an unknown word may be a sound by its English ending.
    """

    words: Mapping[str, Word]
    longest: Mapping[str, int]
    parts: frozenset[str]
    prepositions: Mapping[str, frozenset[str]]
    implied: Mapping[str, str]
    coarse: Mapping[str, str]
    guesses_verbs: bool = True

    def has_word(self, text: str) -> bool:
        """Whether a single word stands in the lexicon, alone or within a phrase."""
        return text in self.words or text in self.parts


Role = Literal["sound", "source", "quality", "state", "language", "unknown", "drop"]


@dataclass(slots=True)
class Part:
    """A word, its role in the clause, and its lemma in that role.

    Attributes:
        word: the word; its other meanings are still there.
        role: what it is in this clause. Later rules may change it: a second sound becomes a quality.
        lemma: the label it gives in this role, or "".
        is_sure: whether it is in the lexicon, rather than a guess from the dictionary.
        is_person: whether it names a person or anything with a name, who makes no event by being there.
    """

    word: Word
    role: Role
    lemma: str = ""
    is_sure: bool = True
    is_person: bool = False
