"""Sentences with all that METEOR's matchers need, worked out once for a set of texts."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avtool.evaluation.metrics.meteor.data import PHRASE_WORDS, Lexicon, PhraseTable
from avtool.evaluation.metrics.meteor.words import split_words, word_key

STEM, SYNONYM = 1, 2
"""Numbers of matchers; 0 is exact, 3 paraphrase."""
Related = Mapping[int, tuple[int, ...]]
"""Word key → matchers by which another word matches it."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words of a sentence that the phrase table has: where they begin, how many, and their state in it."""

    start: int
    length: int
    state: int


@dataclass(frozen=True, slots=True)
class Sentence:
    """A text.

    Attributes:
        keys: of its words.
        function_words: for each word, whether it is one.
        phrases: by start, then by length.
        places: state of a phrase → where such phrases begin, and how many words they have.
    """

    keys: tuple[int, ...]
    function_words: tuple[bool, ...]
    phrases: tuple[Phrase, ...]
    places: Mapping[int, list[tuple[int, int]]]


@dataclass(frozen=True)
class Sentences:
    """The sentences of a set of texts.

    Attributes:
        of_text: text → sentence.
        related: key of a word → the words of the set that match it by stem or synonym.
        paraphrases: state of a phrase → states of its paraphrases in the set, in the table's order.
    """

    of_text: Mapping[str, Sentence]
    related: Mapping[int, Related]
    paraphrases: Mapping[int, tuple[int, ...]]


def prepare_sentences(texts: Collection[str], lexicon: Lexicon, table: PhraseTable) -> Sentences:
    """Splits the texts and looks their words and phrases up.

    Args:
        texts: distinct lines.
        lexicon: words.
        table: phrases.
    """
    words = {text: split_words(text, lexicon.prefixes) for text in texts}
    phrases = _find_phrases(list(words.values()), table)
    of_text = {}
    for (text, spelled), found in zip(words.items(), phrases, strict=True):
        places: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for phrase in found:
            places[phrase.state].append((phrase.start, phrase.length))
        of_text[text] = Sentence(
            tuple(map(word_key, spelled)),
            tuple(word in lexicon.function_words for word in spelled),
            tuple(found),
            dict(places),
        )
    vocabulary = {word for spelled in words.values() for word in spelled}
    present = {state for sentence in of_text.values() for state in sentence.places}
    return Sentences(of_text, _relate(vocabulary, lexicon), _paraphrases(present, table))


def _find_phrases(sentences: list[list[str]], table: PhraseTable) -> list[list[Phrase]]:
    """The phrases of each sentence, all sentences at a time: a word more of every phrase in each round."""
    lengths = np.array([len(words) for words in sentences], dtype=np.int64)
    starts = np.cumsum(lengths) - lengths
    numbers = table.numbers
    flat = [numbers.get(word, -1) for words in sentences for word in words]
    flat += [-1] * PHRASE_WORDS
    codes: NDArray[np.int64] = np.array(flat, dtype=np.int64)
    owners = np.repeat(np.arange(len(sentences)), lengths)
    ends = (starts + lengths)[owners] if len(owners) else owners
    states = np.zeros(len(owners), dtype=np.int64)
    found: list[list[Phrase]] = [[] for _ in sentences]
    places = np.arange(len(owners))
    for length in range(1, PHRASE_WORDS + 1):
        states = np.where(places + length <= ends, table.step(states, codes[places + length - 1]), -1)
        inside = states >= 0
        places, ends, states = places[inside], ends[inside], states[inside]
        owned = owners[places]
        for owner, start, state in zip(
            owned.tolist(), (places - starts[owned]).tolist(), states.tolist(), strict=True
        ):
            found[owner].append(Phrase(start, length, state))
    for phrases in found:
        phrases.sort(key=lambda phrase: (phrase.start, phrase.length))
    return found


def _relate(vocabulary: Collection[str], lexicon: Lexicon) -> dict[int, Related]:
    """For each word, the words of the vocabulary that match it other than exactly."""
    from snowballstemmer import stemmer

    stem = stemmer("english").stemWord
    groups: tuple[tuple[int, dict[object, set[int]]], ...] = (
        (STEM, defaultdict(set)),
        (SYNONYM, defaultdict(set)),
    )
    (_, stems), (_, synsets) = groups
    for word in vocabulary:
        key = word_key(word)
        stems[word_key(stem(word))].add(key)
        for number in lexicon.synsets_of(word):
            synsets[number].add(key)
    related: dict[int, dict[int, tuple[int, ...]]] = defaultdict(dict)
    for module, members in groups:
        for keys in members.values():
            for one in keys if len(keys) > 1 else ():
                for other in keys - {one}:
                    known = related[one].get(other, ())
                    if module not in known:
                        related[one][other] = (*known, module)
    return dict(related)


def _paraphrases(present: set[int], table: PhraseTable) -> dict[int, tuple[int, ...]]:
    """The paraphrases of phrases, of which only those that are present."""
    marked = np.zeros(len(table.firsts), dtype=bool)
    marked[list(present)] = True
    found = {}
    for state in present:
        targets = table.targets[table.firsts[state] : table.firsts[state + 1]]
        if len(targets) and len(kept := targets[marked[targets]]):
            found[state] = tuple(kept.tolist())
    return found
