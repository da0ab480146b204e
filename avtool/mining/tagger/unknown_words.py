"""What a word outside of the lexicon may be, by its ending and by lemminflect's dictionary."""

from dataclasses import dataclass
from functools import lru_cache

# Where the dictionary's lemma is not the word that captions mean.
_OVERRIDE_STEMS = ("whir", "ding", "chitter", "whoosh", "meow")


@dataclass(frozen=True, slots=True)
class Guess:
    """What the dictionary says of one word: the lemma it would have as a verb, and what else it may be."""

    verb: str
    noun: str
    is_verb: bool
    is_noun: bool
    is_adjective: bool
    is_adverb: bool

    @property
    def in_dictionary(self) -> bool:
        """Whether the dictionary has the word at all; names and inventions are not there."""
        return self.is_verb or self.is_noun or self.is_adjective or self.is_adverb


@lru_cache(maxsize=20_000)
def guess(word: str) -> Guess:
    """Looks an unknown word up. Imports lemminflect on the first call, which takes a moment."""
    import lemminflect

    found = lemminflect.getAllLemmas(word)
    verb = _override(word) or (found.get("VERB") or lemminflect.getAllLemmasOOV(word, "VERB")["VERB"])[0]
    noun = (found.get("NOUN") or (word,))[0]
    return Guess(verb, noun, "VERB" in found, "NOUN" in found, "ADJ" in found, "ADV" in found)


def _override(word: str) -> str:
    for stem in _OVERRIDE_STEMS:
        if word.removeprefix(stem) in {"", "s", "es", "ing", "ed", stem[-1] + "ing", stem[-1] + "ed"}:
            return stem
    return ""
