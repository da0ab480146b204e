"""Reading annotated caption tags: the tag table, the table of lemmas, and the table of counts."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from avtool.core.errors import BadInputError

DIMENSIONS = ("sound", "source", "quality")
_TAG_COLUMNS = ("tag", "audio_tag")
_EMPTY_TEXT = "none"
_EMPTY_CELLS = frozenset({"", "nan"})

Labels = tuple[frozenset[str], frozenset[str], frozenset[str]]
Lemmas = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class AnnotatedTag:
    """A tag and the words that people labelled it with, one set a dimension (sound, source, quality)."""

    tag: str
    labels: Labels


def _rows(path: Path, what: str) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """The header, and each row with its line number in the file."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, restval="", restkey="")
            rows = [(reader.line_num, row) for row in reader]
            header = list(reader.fieldnames or [])
    except OSError as error:
        raise BadInputError(f"cannot read the {what} `{path}`: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInputError(f"the {what} `{path}` is not a UTF-8 CSV file ({error})") from error
    if not rows:
        raise BadInputError(f"the {what} `{path}` has no rows", "it needs a header line and at least one row")
    return header, rows


def _need(header: list[str], columns: tuple[str, ...], path: Path, what: str) -> None:
    missing = [column for column in columns if column not in header]
    if missing:
        names = ", ".join(f"`{name}`" for name in missing)
        message = f"the {what} `{path}` lacks the column {names}"
        raise BadInputError(message, f"its first line is `{','.join(header)[:80]}`")


def _lines(numbers: list[int]) -> str:
    shown = ", ".join(map(str, numbers[:5]))
    return f"line{'s' if len(numbers) > 1 else ''} {shown}{' and more' if len(numbers) > 5 else ''}"


def read_tags(path: Path) -> list[AnnotatedTag]:
    """The annotated tags of a CSV file with columns tag (or audio_tag), sound, source and quality.

    An empty dimension is the text "None", several labels are joined by ";".

    Raises:
        BadInputError: a column is missing, a tag comes twice, or empty is written in two ways.
    """
    header, rows = _rows(path, "tag table")
    tag_column = next((name for name in _TAG_COLUMNS if name in header), _TAG_COLUMNS[0])
    _need(header, (tag_column, *DIMENSIONS), path, "tag table")
    _refuse_repeats(path, [(line, row[tag_column].strip()) for line, row in rows])
    _refuse_two_kinds_of_empty(path, rows)
    return [AnnotatedTag(row[tag_column].strip(), _labels(row)) for _, row in rows]


def _labels(row: Mapping[str, str]) -> Labels:
    sound, source, quality = (
        frozenset(word for item in row[name].split(";") if (word := item.strip()) and not _is_empty(word))
        for name in DIMENSIONS
    )
    return sound, source, quality


def _is_empty(cell: str) -> bool:
    return cell.strip().lower() in _EMPTY_CELLS | {_EMPTY_TEXT}


def _refuse_repeats(path: Path, tags: list[tuple[int, str]]) -> None:
    first: dict[str, int] = {}
    for line, tag in tags:
        if not tag:
            raise BadInputError(f"the tag table `{path}` has an empty tag in line {line}")
        if tag in first:
            message = f"the tag table `{path}` has the tag `{tag}` twice (lines {first[tag]} and {line})"
            raise BadInputError(message, "keep one of them")
        first[tag] = line


def _refuse_two_kinds_of_empty(path: Path, rows: list[tuple[int, dict[str, str]]]) -> None:
    """A table with "None" and blank cells has gone through a program that took "None" for missing."""
    cells = [(line, {row[name].strip().lower() for name in DIMENSIONS}) for line, row in rows]
    blank = [line for line, words in cells if words & _EMPTY_CELLS]
    if blank and any(_EMPTY_TEXT in words for _, words in cells):
        message = (
            f'the tag table `{path}` writes empty both as "None" and as a blank or NaN ({_lines(blank)})'
        )
        raise BadInputError(message, 'write "None" everywhere (pandas: read_csv(..., keep_default_na=False))')


def read_lemmas(path: Path) -> Lemmas:
    """Dimension → word → lemma, from a CSV file with columns word, quality, sound and source."""
    header, rows = _rows(path, "lemma table")
    _need(header, ("word", *DIMENSIONS), path, "lemma table")
    lemmas: dict[str, dict[str, str]] = {name: {} for name in DIMENSIONS}
    for line, row in rows:
        for name in DIMENSIONS:
            word, lemma = row["word"].strip(), row[name].strip()
            if _is_empty(lemma):
                continue
            if lemmas[name].setdefault(word, lemma) != lemma:
                raise BadInputError(f"the lemma table `{path}` gives `{word}` a second {name} in line {line}")
    return lemmas


def read_counts(path: Path) -> dict[str, int]:
    """Tag → how often it comes in a corpus, from a CSV file with columns tag and count."""
    header, rows = _rows(path, "count table")
    tag_column = next((name for name in _TAG_COLUMNS if name in header), _TAG_COLUMNS[0])
    _need(header, (tag_column, "count"), path, "count table")
    return dict(_counted(path, tag_column, rows))


def _counted(path: Path, column: str, rows: list[tuple[int, dict[str, str]]]) -> Iterator[tuple[str, int]]:
    for line, row in rows:
        if not row["count"].strip().isdigit():
            raise BadInputError(
                f"the count table `{path}` has no whole number in line {line}: `{row['count']}`"
            )
        yield row[column].strip(), int(row["count"])
