"""A word of a clause with the role it plays there."""

from dataclasses import dataclass
from typing import Literal

from avtool.mining.tagger.lexicon import Word

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
