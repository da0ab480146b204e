"""The words of captions by number, and the phrasebook of a dataset: its phrases as a trie."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

SPECIALS = ("<unk>", "<pad>", "<init>", "<eos>")
UNKNOWN, PAD, BEGIN, END = range(4)
_WORD = re.compile(r"\w+(?:['’.-]\w+)*")


def words_of(text: str) -> list[str]:
    """The words of a caption in lower case, without punctuation and brackets."""
    return _WORD.findall(text.lower())


@dataclass(frozen=True)
class Vocabulary:
    """Words by number.

    Attributes:
        words: the special ones first: unknown, padding, begin, end.
        max_words: tokens of a sentence, its begin and end among them; what is longer is cut.
    """

    words: tuple[str, ...]
    max_words: int

    @classmethod
    def of(cls, texts: Iterable[str], least: int, max_words: int) -> "Vocabulary":
        """The words that occur at least `least` times, by number of occurrences, then by name."""
        counts = Counter(word for text in texts for word in words_of(text))
        known = [word for word, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))]
        return cls((*SPECIALS, *(word for word in known if counts[word] >= least)), max_words)

    def __len__(self) -> int:
        return len(self.words)

    @cached_property
    def _number_of(self) -> dict[str, int]:
        return {word: number for number, word in enumerate(self.words)}

    def numbers(self, text: str) -> list[int]:
        """The numbers of its words, then the end; cut to what a sentence has room for."""
        found = [self._number_of.get(word, UNKNOWN) for word in words_of(text)]
        return [*found[: self.max_words - 2], END]

    def encode(self, text: str) -> NDArray[np.int64]:
        """(max_words,) begin, words, end, padding."""
        tokens = np.full(self.max_words, PAD, np.int64)
        numbers = self.numbers(text)
        tokens[0], tokens[1 : 1 + len(numbers)] = BEGIN, numbers
        return tokens

    def text(self, tokens: Iterable[int]) -> str:
        """The words up to the end."""
        words = []
        for token in tokens:
            if token == END:
                break
            if token not in (PAD, BEGIN):
                words.append(self.words[token])
        return " ".join(words)

    def to_json(self) -> dict[str, Any]:
        """Its part of `preprocess.json`."""
        return {"words": list(self.words[len(SPECIALS) :]), "max_words": self.max_words}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Vocabulary":
        """Reads it back."""
        return cls((*SPECIALS, *map(str, values["words"])), int(values["max_words"]))


def frequent_phrases(texts: Iterable[str], least: int) -> list[str]:
    """The phrases of a dataset that occur at least `least` times, by name."""
    counts = Counter(" ".join(words_of(text)) for text in texts)
    return sorted(text for text, count in counts.items() if count >= least and text)


class Phrasebook:
    """Phrases as a trie of words, for decoding that writes nothing else.

    Args:
        phrases: each as the numbers of its words with the end.

    Attributes:
        num_nodes: node 0 is the root; the last node is that of what has ended, where only padding follows.
    """

    def __init__(self, phrases: Iterable[Sequence[int]]) -> None:
        children: list[dict[int, int]] = [{}]
        for phrase in phrases:
            node = 0
            for token in phrase:
                if token not in children[node]:
                    children[node][token] = len(children)
                    children.append({})
                node = children[node][token]
        done = len(children)
        children.append({PAD: done})
        for child in children[:-1]:
            if END in child:
                child[END] = done
        self.num_nodes = len(children)
        self.done = done
        self._first = np.cumsum([0, *(len(child) for child in children)])
        self._tokens = np.array([token for child in children for token in child], np.int64)
        self._next = np.array([node for child in children for node in child.values()], np.int64)

    def allowed(self, nodes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """What may follow at nodes (N,): (row, word) of each pair, one after the other."""
        counts = self._first[nodes + 1] - self._first[nodes]
        rows = np.repeat(np.arange(len(nodes)), counts)
        offset = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        return rows, self._tokens[np.repeat(self._first[nodes], counts) + offset]

    def follow(self, nodes: NDArray[np.int64], tokens: NDArray[np.int64]) -> NDArray[np.int64]:
        """The nodes (N,) that words (N,), each an allowed one, lead to; others lead to where it has ended."""
        found = np.full(len(nodes), self.done, np.int64)
        for place, (node, token) in enumerate(zip(nodes.tolist(), tokens.tolist(), strict=True)):
            begin, end = self._first[node], self._first[node + 1]
            match = np.flatnonzero(self._tokens[begin:end] == token)
            if len(match):
                found[place] = self._next[begin + match[0]]
        return found
