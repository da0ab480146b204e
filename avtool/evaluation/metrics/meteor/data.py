"""METEOR's data, read from an installed `pycocoevalcap`: WordNet, function words, and the phrase table."""

import gzip
import zipfile
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avtool.core.errors import MissingError
from avtool.core.files import atomic_file
from avtool.core.paths import cache_folder
from avtool.core.reporter import Reporter
from avtool.evaluation.metrics.meteor.words import read_prefixes

PHRASE_WORDS = 7
"""The longest phrase of the table, in words."""
_FORMAT = 1
_BASES = (
    *(("s", ""), ("ses", "s"), ("xes", "x"), ("zes", "z"), ("ches", "ch"), ("shes", "sh"), ("men", "man")),
    *(("ies", "y"), ("s", ""), ("ies", "y"), ("es", "e"), ("es", ""), ("ed", "e"), ("ed", "")),
    *(("ing", "e"), ("ing", ""), ("er", ""), ("est", ""), ("er", "e"), ("est", "e")),
)
"""Endings of inflected words and of their bases: WordNet's rules of nouns, verbs and adjectives, in order."""
_INSTALL = "pip install 'avtool[meteor]'"


def package_file(*parts: str) -> Path:
    """A file of the installed `pycocoevalcap`.

    Raises:
        MissingError: the package or the file is absent.
    """
    spec = find_spec("pycocoevalcap")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    path = Path(folders[0], *parts) if folders else None
    if path is None or not path.is_file():
        raise MissingError("METEOR data not found", _INSTALL)
    return path


def jar() -> Path:
    """The authors' program, an archive that has the dictionaries too."""
    return package_file("meteor", "meteor-1.5.jar")


@dataclass(frozen=True)
class Lexicon:
    """The dictionaries of METEOR 1.5, English.

    Attributes:
        function_words: weigh less than other words.
        prefixes: abbreviations, as `read_prefixes` gives them.
        synsets: word → numbers of its WordNet synsets, as a text.
        bases: irregular form → its bases.
    """

    function_words: frozenset[str]
    prefixes: Mapping[str, bool]
    synsets: Mapping[str, str]
    bases: Mapping[str, tuple[str, ...]]

    def synsets_of(self, word: str) -> frozenset[str]:
        """The synsets of a word and of its base."""
        bases = self.bases.get(word) or (self._base(word),)
        return frozenset(
            number
            for one in (word, *bases)
            for number in (self.synsets[one].split() if one in self.synsets else ())
        )

    def _base(self, word: str) -> str:
        if word.endswith("ss") or len(word) < 3:
            return word
        for ending, replacement in _BASES:
            base = word[: -len(ending)] + replacement if word.endswith(ending) else ""
            if base in self.synsets:
                return base
        return ""


def load_lexicon() -> Lexicon:
    """Reads the dictionaries.

    Raises:
        MissingError: `pycocoevalcap` is not installed.
    """
    with zipfile.ZipFile(jar()) as archive:
        texts = {
            name: archive.read(name).decode("utf-8")
            for name in (
                "function/english.words",
                "nonbreaking/english.prefixes",
                "synonym/english.synsets",
                "synonym/english.exceptions",
            )
        }
    lines = texts["synonym/english.synsets"].split("\n")
    forms = texts["synonym/english.exceptions"].split("\n")
    bases: dict[str, tuple[str, ...]] = {}
    for base, inflected in zip(forms[::2], forms[1::2], strict=False):
        for form in inflected.split():
            bases[form] = (*bases.get(form, ()), base)
    return Lexicon(
        function_words=frozenset(texts["function/english.words"].split("\n")),
        prefixes=read_prefixes(texts["nonbreaking/english.prefixes"]),
        synsets=dict(zip(lines[::2], lines[1::2], strict=False)),
        bases=bases,
    )


@dataclass(frozen=True)
class PhraseTable:
    """Phrases and their paraphrases, as a trie in sorted arrays that are read without unpacking.

    State 0 is the beginning; state k > 0 is reached by the edge `edges[k - 1]`.

    Attributes:
        words: (V,) every word of the table, in the order of their numbers.
        edges: (E,) sorted: (state that it leaves) · 2^16 + (number of a word).
        firsts: (E + 2,) where in `targets` the paraphrases of a state's phrase begin.
        targets: states of paraphrases, in the order of the table.
    """

    words: list[str]
    edges: NDArray[np.uint64]
    firsts: NDArray[np.int32]
    targets: NDArray[np.int32]

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Word → number."""
        return {word: number for number, word in enumerate(self.words)}

    def step(self, states: NDArray[np.int64], words: NDArray[np.int64]) -> NDArray[np.int64]:
        """The states after one more word each; -1 where no phrase continues so.

        Args:
            states: (N,); -1 stays -1.
            words: (N,) numbers; -1 is a word that the table lacks.
        """
        wanted = states.astype(np.uint64) << np.uint64(16) | words.astype(np.uint64)
        places = np.searchsorted(self.edges, wanted)
        found = self.edges[np.minimum(places, len(self.edges) - 1)] == wanted
        return np.where(found & (states >= 0) & (words >= 0), places + 1, -1)


def load_phrases(reporter: Reporter) -> PhraseTable:
    """Opens the phrase table from the cache; the first time it is made, which takes about 20 s.

    Raises:
        MissingError: `pycocoevalcap` is not installed.
        BadInputError: the cache folder cannot be written.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file, save_file

    source = package_file("meteor", "data", "paraphrase-en.gz")
    path = cached_table(source)
    arrays: dict[str, NDArray[Any]] = {}
    if path.is_file():
        try:
            arrays = load_file(path)
        except SafetensorError:
            reporter.warn(f"`{path}` is damaged: it is made again")
    if not arrays:
        reporter.info("Reading METEOR's phrase table (once; about 20 s)")
        arrays = build_table(source)
        with atomic_file(path) as partial:
            save_file(arrays, partial)
    words = arrays["words"].tobytes().decode("utf-8").split("\n")
    return PhraseTable(words, arrays["edges"], arrays["firsts"], arrays["targets"])


def cached_table(source: Path) -> Path:
    """Where the table of this file lies in the cache."""
    return cache_folder() / f"meteor-1.5-phrases-{source.stat().st_size}-{_FORMAT}.safetensors"


def build_table(source: Path) -> dict[str, NDArray[Any]]:
    """The arrays of the table: three lines a pair of phrases (probability, phrase, paraphrase)."""
    phrases: dict[bytes, int] = {}
    pairs = array("i")
    with gzip.open(source, "rb") as stream:
        for _, *two in zip(stream, stream, stream, strict=True):
            pairs.extend(phrases.setdefault(phrase, len(phrases)) for phrase in two)
    words: dict[bytes, int] = {}
    spelled = np.full((len(phrases), PHRASE_WORDS), -1, dtype=np.int64)
    for row, phrase in enumerate(phrases):
        for place, word in enumerate(phrase.split()):
            spelled[row, place] = words.setdefault(word, len(words))
    states = np.zeros(len(phrases), dtype=np.int64)
    levels: list[NDArray[np.uint64]] = []
    reached = 1
    for column in spelled.T:
        rows = np.flatnonzero(column >= 0)
        keys = states[rows].astype(np.uint64) << np.uint64(16) | column[rows].astype(np.uint64)
        level, places = np.unique(keys, return_inverse=True)
        states[rows] = reached + places
        reached += len(level)
        levels.append(level)
    ends = states[np.frombuffer(pairs, dtype=np.int32).reshape(-1, 2)]
    order = np.argsort(ends[:, 0], kind="stable")
    return {
        "words": np.frombuffer(b"\n".join(words), dtype=np.uint8),
        "edges": np.concatenate(levels),
        "firsts": np.searchsorted(ends[order, 0], np.arange(reached + 1)).astype(np.int32),
        "targets": ends[order, 1].astype(np.int32),
    }
