"""METEOR of pairs of texts, by Python or by the authors' Java program."""

import shutil
import subprocess
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, Protocol

import numpy as np

from avtool.core.arrays import Floats
from avtool.core.errors import MissingError
from avtool.core.reporter import Reporter
from avtool.evaluation.metrics.meteor.alignment import count_matches
from avtool.evaluation.metrics.meteor.data import Lexicon, PhraseTable, jar, load_lexicon, load_phrases
from avtool.evaluation.metrics.meteor.scores import NUM_COUNTS
from avtool.evaluation.metrics.meteor.sentences import prepare_sentences

Backend = Literal["python", "java"]
_BATCH = 1 << 15


class Meteor(Protocol):
    """Counts the matches of pairs."""

    def counts(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        """The counts of each pair (hypothesis, reference) of tokenised texts.

        Returns:
            (pairs, 23), for `pair_scores` and `corpus_score`.
        """


def open_meteor(backend: Backend, reporter: Reporter) -> Meteor:
    """METEOR by a backend; both give the same counts.

    Raises:
        MissingError: `pycocoevalcap` or, for java, Java is not installed.
    """
    if backend == "java":
        return JavaMeteor()
    return PythonMeteor(load_lexicon(), load_phrases(reporter))


class PythonMeteor:
    """METEOR in this process."""

    def __init__(self, lexicon: Lexicon, table: PhraseTable) -> None:
        self._lexicon, self._table = lexicon, table

    def counts(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        """(pairs, 23); see `Meteor`."""
        rows: list[list[int]] = []
        for first in range(0, len(pairs), _BATCH):
            batch = [
                (_one_line(hypothesis), _one_line(reference))
                for hypothesis, reference in pairs[first : first + _BATCH]
            ]
            texts = dict.fromkeys(text for pair in batch for text in pair)
            sentences = prepare_sentences(texts, self._lexicon, self._table)
            known = sentences.of_text
            count = lru_cache(maxsize=None)(
                lambda one, other, known=known, sentences=sentences: count_matches(
                    known[one], known[other], sentences
                )
            )
            rows += [count(*pair) for pair in batch]
        return np.array(rows, dtype=np.float64).reshape(-1, NUM_COUNTS)


class JavaMeteor:
    """METEOR by `meteor-1.5.jar`, which takes about 10 s and 1.3 GB to begin.

    Raises:
        MissingError: Java or `pycocoevalcap` is not installed, or Java fails.
    """

    def __init__(self) -> None:
        java = shutil.which("java")
        if not java:
            raise MissingError("METEOR's program needs Java", "install Java, or use --meteor-backend python")
        self._command = [java, "-Xmx2G", "-jar", str(jar()), "-", "-", "-stdio", "-l", "en", "-norm"]

    def counts(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        """(pairs, 23); see `Meteor`."""
        lines = [
            f"SCORE ||| {_one_line(reference)} ||| {_one_line(hypothesis)}\n"
            for hypothesis, reference in pairs
        ]
        text = "".join(lines).encode()
        done = subprocess.run(self._command, input=text, capture_output=True, check=False)  # noqa: S603 - no shell
        counted = done.stdout.decode().splitlines()
        if done.returncode or len(counted) != len(pairs):
            reason = done.stderr.decode("utf-8", "replace").strip().splitlines()
            message = f"METEOR's program failed: {reason[-1] if reason else f'{len(counted)} lines'}"
            raise MissingError(message, "use --meteor-backend python")
        return np.array([line.split() for line in counted], dtype=np.float64).reshape(-1, NUM_COUNTS)


def _one_line(text: str) -> str:
    return " ".join(text.replace("|||", "").split())
