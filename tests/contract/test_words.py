"""The vocabulary of names, help, messages, docstrings, comments and docs: one term of the field a concept.

`python tests/contract/test_words.py [PATH…]` prints the findings; `words_allowed.toml` holds the exceptions.
"""

import ast
import io
import re
import subprocess
import sys
import tokenize
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
AREAS = ["CHANGELOG.md", "README.md", "avtool", "docs"]

_WORDS = {
    "dataset": r"data[ -]sets?",
    "frame, image, video": r"pictures?",
    "segment, crop, window": r"stretch(?:es|ed|ing)?",
    "split, fold": r"divisions?",
    "baseline": r"floors?|twins?",
    "negatives, positives, memory bank": r"strangers?|crowds?|memories",
    "reconstruction, reconstruct": r"rebuil(?:d|ds|t|ding)|cannot see",
    "masked (patches)": r"hidden(?![ _](?:layers?|states?|sizes?|units?|dim\w*|width|features?)\b)",
    "pretext task, logits, prediction": r"questions?|answers?|answered",
    "overwrite": r"anew",
    "resume, continue": r"go(?:es)? on\b(?! strike)",
    "skip, leave unset": r"le(?:ft|ave|aves|aving)[ _]out",
    "print, report": r"says?|said|saying|tells?|told|telling",
    "request, select": r"asks?|asked|asking",
    "detect, listen": r"hears?|hearing",
    "read, recognise": r"knows?|knew",
}  # fmt: skip
_PATTERNS = {
    better: re.compile(rf"(?<![A-Za-z])(?:{words})(?![A-Za-z])", re.IGNORECASE)
    for better, words in _WORDS.items()
}


class Text(NamedTuple):
    """A piece of text or a name, and its line."""

    line: int
    text: str


def texts_of(path: Path) -> Iterator[Text]:
    """Everything in a file that people read."""
    source = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield from _prose(source)
        return
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield Text(token.start[0], token.string)
    tree = ast.parse(source)
    for node in ast.walk(tree):
        yield from _names(node)
        yield from _strings(node)


def _prose(source: str) -> Iterator[Text]:
    """Lines of a Markdown page without code."""
    fenced = False
    for number, line in enumerate(source.splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield Text(number, line)


def _names(node: ast.AST) -> Iterator[Text]:
    """The names that a node defines, their parts spaced."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            name = node.name
        case ast.arg():
            name = node.arg
        case ast.Name(ctx=ast.Store()):
            name = node.id
        case ast.Attribute(ctx=ast.Store()):
            name = node.attr
        case _:
            return
    yield Text(node.lineno, re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " "))


def _strings(node: ast.AST) -> Iterator[Text]:
    """The lines of a string of words: a docstring, help, a message."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
        for offset, line in enumerate(node.value.splitlines()):
            yield Text(node.lineno + offset, line)


def _allowed() -> list[tuple[str, re.Pattern[str]]]:
    entries = tomllib.loads((Path(__file__).parent / "words_allowed.toml").read_text(encoding="utf-8"))
    return [(entry["in"], re.compile(entry["text"], re.IGNORECASE)) for entry in entries["allowed"]]


def findings(path: Path) -> list[str]:
    """The words of a file that are not in the vocabulary, each with its line and the better word."""
    name = path.relative_to(ROOT).as_posix()
    allowed = [pattern for prefix, pattern in _allowed() if name.startswith(prefix)]
    found = set()
    for line, text in texts_of(path):
        plain = re.sub(r"`[^`]*`|\"[^\"]*\"", " ", text)
        for pattern in allowed:
            plain = pattern.sub(" ", plain)
        for better, words in _PATTERNS.items():
            found |= {(line, match[0].lower(), better) for match in words.finditer(plain)}
    return [f"{name}:{line}: `{word}`: write {better}" for line, word, better in sorted(found)]


def files_of(area: str) -> list[Path]:
    """The Python and Markdown files of an area that git tracks."""
    listed = subprocess.run(
        ["git", "ls-files", "--", area], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    return [ROOT / name for name in listed if name.endswith((".py", ".md"))]


@pytest.mark.parametrize("area", AREAS)
def test_vocabulary(area):
    found = [finding for path in files_of(area) for finding in findings(path)]
    assert not found, "\n".join(found)


def test_findings_name_the_better_word(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text('A data set of pictures; "a data set" and `pictures` are quoted.\n')
    assert findings(page) == [
        "page.md:1: `data set`: write dataset",
        "page.md:1: `pictures`: write frame, image, video",
    ]


if __name__ == "__main__":
    for place in sys.argv[1:] or ["avtool", "docs", "README.md"]:
        lines = [finding for path in files_of(place) for finding in findings(path)]
        sys.stdout.write("\n".join([*lines, f"{place}: {len(lines)}", ""]))
