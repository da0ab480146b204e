"""Repairs what optical character recognition does to captions read from a disc.

A repair is accepted only if the result stands in the lexicon and the original does not.
"""

from collections.abc import Iterator
from itertools import pairwise

from avtool.mining.tagger.lexicon import Lexicon

# Shapes that are taken for one another; a "t" often comes out as an apostrophe and an "i".
_CONFUSIONS = (
    ("l", "i"), ("i", "l"), ("|", "l"), ("|", "i"), ("1", "l"), ("1", "i"), ("!", "l"), ("!", "i"),
    ("/", "l"), ("/", "i"), ("0", "o"), ("o", "q"), ("q", "g"), ("q", "o"),
    ("vv", "w"), ("rn", "m"), ("cl", "d"),
    ("ti'", "tt"), ("t'i", "tt"), ("'i'i'", "tt"), ("'i'i", "tt"), ("'i'", "t"), ("'i", "t"), ("i'", "t"),
    ("'t", "t"), ("5", "s"), ("$", "s"), ("ii", "ll"),
)  # fmt: skip
_MAX_WORD = 24
_MAX_REPLACEMENTS = 3
_MAX_FRONTIER = 300  # bounds the work on a hostile word


def _variants(word: str) -> Iterator[str]:
    """Every word that one confusion away from `word` could have been."""
    for wrong, right in _CONFUSIONS:
        start = word.find(wrong)
        while start >= 0:
            yield word[:start] + right + word[start + len(wrong) :]
            start = word.find(wrong, start + 1)


def repair_word(word: str, lexicon: Lexicon) -> str:
    """The nearest lexicon word by at most three confusions, or the word itself."""
    if len(word) < 4 or len(word) > _MAX_WORD:
        return word
    seen = {word}
    frontier = [word]
    for _ in range(_MAX_REPLACEMENTS):
        frontier = [new for old in frontier for new in dict.fromkeys(_variants(old)) if new not in seen]
        for candidate in frontier:
            if lexicon.has_word(candidate):
                return candidate
        seen.update(frontier)
        frontier = frontier[:_MAX_FRONTIER]
    return word


def _join_split(words: list[str], lexicon: Lexicon) -> list[str]:
    """Joins "laug hter": two neighbours of which one is unknown and which together are known."""
    for index, (left, right) in enumerate(pairwise(words)):
        whole = left + right
        if (
            len(whole) >= 5
            and not (lexicon.has_word(left) and lexicon.has_word(right))
            and lexicon.has_word(whole)
        ):
            return _join_split([*words[:index], whole, *words[index + 2 :]], lexicon)
    return words


def repair(text: str, lexicon: Lexicon) -> str:
    """Repairs every unknown word of a normalised tag; see the module."""
    words = text.split(" ")
    if all(lexicon.has_word(word) for word in words):
        return text
    words = _join_split(words, lexicon)
    return " ".join(word if lexicon.has_word(word) else repair_word(word, lexicon) for word in words)
