"""Words outside of the lexicon in lemminflect's English dictionary."""

from dataclasses import dataclass
from functools import lru_cache

_LONGEST = 50  # letters of a word that is looked up
# Where the dictionary's lemma is not the word that captions mean ("dinging" is not from "dinge").
_STEMS = ("whir", "ding", "chitter", "whoosh", "meow")


@dataclass(frozen=True, slots=True)
class Entry:
    """The lemma a word would have as a verb and as a noun, and which classes the dictionary lists it in."""

    verb: str
    noun: str
    is_verb: bool = False
    is_noun: bool = False
    is_adjective: bool = False
    is_adverb: bool = False

    @property
    def in_dictionary(self) -> bool:
        """Whether the dictionary has the word at all; names and inventions are not there."""
        return self.is_verb or self.is_noun or self.is_adjective or self.is_adverb


@lru_cache(maxsize=20_000)
def look_up(word: str) -> Entry:
    """Looks an unknown word up. The first call imports lemminflect, which takes a moment."""
    if len(word) > _LONGEST:
        return Entry(word, word)
    import lemminflect

    found = lemminflect.getAllLemmas(word)
    verb = _stem(word) or (found.get("VERB") or lemminflect.getAllLemmasOOV(word, "VERB")["VERB"])[0]
    noun = (found.get("NOUN") or (word,))[0]
    return Entry(
        verb,
        noun,
        is_verb="VERB" in found,
        is_noun="NOUN" in found,
        is_adjective="ADJ" in found,
        is_adverb="ADV" in found,
    )


def _stem(word: str) -> str:
    endings = {"", "s", "es", "ing", "ed"}
    for stem in _STEMS:
        if word.startswith(stem) and word[len(stem) :].removeprefix(stem[-1]) in endings:
            return stem
    return ""
