"""Two baselines of the tagger; both take their words from a training part of the table.

`ContiguousMatch` is how the SAM-S authors label rare tags from frequent ones: every label word that occurs in
the tag, alone or as contiguous words, is given. `LongestMatch` reads the tag once from left to right; each
phrase goes to one dimension only.
"""

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

from avtool.benchmarks.sams_tags.tables import DIMENSIONS, AnnotatedTag, Labels, Lemmas

_MAX_PHRASE = 4


@lru_cache(maxsize=50_000)
def _dictionary_lemma(word: str, dimension: str) -> str:
    """The lemma by the dictionary: as a verb, then as a noun for sounds; as a noun for the others."""
    import lemminflect

    for part_of_speech in ("VERB", "NOUN") if dimension == "sound" else ("NOUN",):
        lemmas = lemminflect.getLemma(word, part_of_speech, lemmatize_oov=False)
        if lemmas:
            return str(lemmas[0])
    return word


def lemma_of(word: str, dimension: str, lemmas: Lemmas | None) -> str:
    """The lemma of a label word: by the table where the word is in it; without a table by the dictionary."""
    if lemmas is not None:
        return lemmas[dimension].get(word, word)
    return _dictionary_lemma(word, dimension)


def lemmatised(labels: Iterable[Iterable[str]], lemmas: Lemmas | None) -> Labels:
    """Three sets of words → three sets of lemmas."""
    sound, source, quality = (
        frozenset(lemma_of(word, name, lemmas) for word in words)
        for name, words in zip(DIMENSIONS, labels, strict=True)
    )
    return sound, source, quality


def _matched_lemma(phrase: str, dimension: str, lemmas: Lemmas | None) -> str:
    """The lemma of words found in a tag: these baselines may fall back on the dictionary."""
    if lemmas is not None and phrase in lemmas[dimension]:
        return lemmas[dimension][phrase]
    return _dictionary_lemma(phrase, dimension)


class ContiguousMatch:
    """Labels a tag with every lemma of the training part that occurs in it as contiguous words."""

    def __init__(self, training: list[AnnotatedTag], lemmas: Lemmas | None) -> None:
        self._lemmas = lemmas
        self._known: list[set[str]] = [set(), set(), set()]
        for row in training:
            for known, labels in zip(self._known, lemmatised(row.labels, lemmas), strict=True):
                known.update(labels)

    def __call__(self, tag: str) -> Labels:
        words = tag.lower().split()
        phrases = {
            " ".join(words[start : start + length])
            for length in range(1, _MAX_PHRASE + 1)
            for start in range(len(words) - length + 1)
        }
        sound, source, quality = (
            frozenset(_matched_lemma(phrase, name, self._lemmas) for phrase in phrases) & known
            for name, known in zip(DIMENSIONS, self._known, strict=True)
        )
        return sound, source, quality


class LongestMatch:
    """Reads a tag from left to right; the longest known words count, in the dimension they mostly have."""

    def __init__(self, training: list[AnnotatedTag], lemmas: Lemmas | None) -> None:
        self._lemmas = lemmas
        counts: Counter[tuple[str, str]] = Counter()
        for row in training:
            for name, labels in zip(DIMENSIONS, lemmatised(row.labels, lemmas), strict=True):
                counts.update((lemma, name) for lemma in labels)
        self._counts = counts

    def _meaning(self, phrase: str) -> tuple[str, str] | None:
        """(lemma, dimension) of known words."""
        found = [(_matched_lemma(phrase, name, self._lemmas), name) for name in DIMENSIONS]
        known = [meaning for meaning in found if self._counts[meaning]]
        return max(known, key=lambda meaning: self._counts[meaning]) if known else None

    def __call__(self, tag: str) -> Labels:
        words = tag.lower().split()
        labels: dict[str, set[str]] = {name: set() for name in DIMENSIONS}
        position = 0
        while position < len(words):
            for length in range(min(_MAX_PHRASE, len(words) - position), 0, -1):
                meaning = self._meaning(" ".join(words[position : position + length]))
                if meaning:
                    labels[meaning[1]].add(meaning[0])
                    break
            position += length
        sound, source, quality = (frozenset(labels[name]) for name in DIMENSIONS)
        return sound, source, quality
