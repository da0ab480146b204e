"""Text of a tag → words of the lexicon, longest phrases first, cut into clauses."""

import re
from collections.abc import Iterator

from avtool.mining.tagger.lexicon import Lexicon, Word
from avtool.mining.tagger.lexicon_builder import ARTICLES

_SEPARATOR = re.compile(r"\s*[;,/|]\s*|\s+[&+]\s+|\s+-\s+")
_CONJUNCTIONS = frozenset({",", "and", "then", "while", "&"})
_POSSESSIVES = frozenset({"his", "her", "their", "its", "my", "our", "your"})
MAX_WORDS = 40


def _plain(word: str, lexicon: Lexicon) -> str:
    """A word without its possessive ending ("woman's"); a known phrase without its hyphen ("machine-gun")."""
    if lexicon.has_word(word):
        return word
    if word[1:2] == "'" and lexicon.has_word(word[2:]):
        return word[2:]  # French "l'oiseau"
    parted = word.replace("-", " ")
    return parted if parted in lexicon.words else word.removesuffix("'s")


def _lookup(text: str, lexicon: Lexicon) -> Word:
    known = lexicon.words.get(text)
    if known is not None:
        return known
    if any(text in words for kind, words in lexicon.prepositions.items() if kind != "manner"):
        return Word(text, roles=frozenset({"preposition"}))
    if text.strip("#").isdigit():
        return Word(text, roles=frozenset({"number"}))
    return Word(text, roles=frozenset({"unknown"}))


def read_words(text: str, lexicon: Lexicon) -> list[Word]:
    """The words and phrases of a normalised tag, without articles; separators stay as words."""
    raw = [
        part
        for word in _SEPARATOR.sub(" , ", f" {text} ").split()
        if word not in ARTICLES and word not in _POSSESSIVES
        for part in _plain(word, lexicon).split(" ")
    ][:MAX_WORDS]
    words = []
    position = 0
    while position < len(raw):
        length = min(lexicon.longest.get(raw[position], 1), len(raw) - position)
        while length > 1 and " ".join(raw[position : position + length]) not in lexicon.words:
            length -= 1
        words.append(_lookup(" ".join(raw[position : position + length]), lexicon))
        position += length
    return words


def split_clauses(words: list[Word]) -> Iterator[list[Word]]:
    """The parts of a tag that are joined by "and", "then", a comma or the like, without empty ones."""
    clause: list[Word] = []
    for word in words:
        if word.text in _CONJUNCTIONS:
            if clause:
                yield clause
            clause = []
        else:
            clause.append(word)
    if clause:
        yield clause
