"""Penn Treebank tokens of captions, as the COCO caption metrics take them: lower case, no punctuation."""

import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from typing import Any, Final

from avtool.core.errors import MissingError
from avtool.core.requirements import require
from avtool.evaluation.metrics.meteor import Backend
from avtool.evaluation.metrics.meteor.data import package_file

Tokenise = Callable[[Sequence[str]], list[str]]
"""Captions → the same captions as tokens with blanks between them."""
_PUNCTUATION: Final = frozenset(
    ["''", "'", "``", "`", ".", "?", "!", ",", ":", "-", "--", "...", ";", "-LRB-", "-RRB-", "-LCB-", "-RCB-"]
)
_BRACKETS: Final = {"(": "-lrb-", ")": "-rrb-", "[": "-lsb-", "]": "-rsb-", "{": "-lcb-", "}": "-rcb-"}
_PLAIN = re.compile(r"(?:[a-z]+,? )*[a-z]+[.,]?")
_SPLIT_WORD = re.compile(r"\b(?:cannot|gimme|gonna|gotta|lemme|wanna)\b")


def ascii_only(caption: str) -> str:
    """The caption on one line, with a blank for each character beyond ASCII: the challenge's evaluator."""
    return " ".join("".join(one if one < "\x80" else " " for one in caption).split())


def open_tokeniser(backend: Backend) -> Tokenise:
    """A tokeniser: NLTK's, or the Stanford one of the COCO caption metrics, by Java.

    They differ in one caption of about 2,000 of ActivityNet Captions ("info@name", "5'6").

    Raises:
        MissingError: NLTK, or Java, or `pycocoevalcap` is not installed.
    """
    return _by_java if backend == "java" else _by_nltk(require("nltk.tokenize", "meteor").NLTKWordTokenizer())


def _by_nltk(tokeniser: Any) -> Tokenise:
    def tokenise(captions: Sequence[str]) -> list[str]:
        return [_join(_words(caption.lower(), tokeniser)) for caption in captions]

    return tokenise


def _words(caption: str, tokeniser: Any) -> list[str]:
    if _PLAIN.fullmatch(caption) and not _SPLIT_WORD.search(caption):  # most are: 20 times faster
        return caption.rstrip(".,").replace(",", "").split(" ")
    return [_BRACKETS.get(word, word) for word in tokeniser.tokenize(caption)]


def _join(words: list[str]) -> str:
    return " ".join(word for word in words if word not in _PUNCTUATION)


def _by_java(captions: Sequence[str]) -> list[str]:
    if not (java := shutil.which("java")):
        raise MissingError(
            "the tokeniser's program needs Java", "install Java, or use --meteor-backend python"
        )
    archive = str(package_file("tokenizer", "stanford-corenlp-3.4.1.jar"))
    done = subprocess.run(  # noqa: S603 - no shell; the program of an installed package
        [java, "-cp", archive, "edu.stanford.nlp.process.PTBTokenizer", "-preserveLines", "-lowerCase"],
        input="".join(f"{caption}\n" for caption in captions).encode(),
        capture_output=True,
        check=False,
    )
    lines = done.stdout.decode().split("\n")[:-1]
    if done.returncode or len(lines) != len(captions):
        raise MissingError("the tokeniser's program failed", "use --meteor-backend python")
    return [_join(line.rstrip().split(" ")) for line in lines]
