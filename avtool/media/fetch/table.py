"""The records of a fetch folder: `films.csv`, one row a film, and `archive.txt`, what is done."""

import csv
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from avtool.core.errors import CorruptArtifactError
from avtool.core.files import csv_value, without_passwords, write_csv, write_text
from avtool.media.fetch.captions import CaptionKind

TABLE_NAME = "films.csv"
ARCHIVE_NAME = "archive.txt"


@dataclass(frozen=True, slots=True)
class FilmRow:
    """One film of the table.

    Attributes:
        film, captions: the files, relative to the table's folder; `captions` is "" where none was wanted.
        url: the film's page, or the media file itself for a direct link.
        title, id, extractor: what yt-dlp calls the film, its identifier, and the site's reader.
        duration: in seconds, measured on the file where the site does not give it.
        license: the licence the site names, or "".
        caption_kind: `human`, `automatic` or `none`.
        language: the captions' language tag, `und` where it is unknown, "" without captions.
    """

    film: str
    captions: str
    url: str
    title: str
    id: str
    extractor: str
    duration: float
    license: str
    caption_kind: CaptionKind
    language: str


COLUMNS = tuple(field.name for field in fields(FilmRow))


def read_table(table: Path) -> tuple[list[str], list[dict[str, str]]]:
    """The columns and rows of a `films.csv`; ours and no rows where there is no table yet.

    Raises:
        CorruptArtifactError: the file is not a table with the columns film and captions.
    """
    if not table.exists():
        return list(COLUMNS), []
    try:
        with table.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, restval="")
            columns, rows = list(reader.fieldnames or []), list(reader)
    except (csv.Error, UnicodeDecodeError) as error:
        raise CorruptArtifactError(f"`{table}` is not a table ({error})", "move it away") from error
    if not {"film", "captions"} <= set(columns) or any(None in row for row in rows):
        raise CorruptArtifactError(f"`{table}` is not a table of films", "move it away")
    return columns, [{name: csv_value(cell or "") for name, cell in row.items()} for row in rows]


def add_film(table: Path, film: FilmRow) -> None:
    """Adds this film's row to the table, in the place of an older row of the same file.

    Rows and columns that others added are kept.
    """
    columns, rows = read_table(table)
    new = {name: str(value) for name, value in asdict(film).items()} | {"url": without_passwords(film.url)}
    known = next((index for index, row in enumerate(rows) if row["film"] == film.film), None)
    if known is None:
        rows.append(new)
    else:
        rows[known] = {**rows[known], **new}
    columns += [name for name in COLUMNS if name not in columns]
    _write(table, columns, rows)


def _write(table: Path, columns: list[str], rows: list[dict[str, str]]) -> None:
    write_csv(table, columns, ([row.get(name, "") for name in columns] for row in rows))


def read_archive(archive: Path) -> set[str]:
    """The films that are done, as yt-dlp writes them: `youtube BaW_jenozKc`."""
    return set(_archive_lines(archive))


def add_to_archive(archive: Path, entry: str) -> None:
    """Appends one film, also to a file whose last line was left open."""
    lines = _archive_lines(archive)
    if entry not in lines:
        write_text(archive, "".join(f"{line}\n" for line in [*lines, entry]))


def _archive_lines(archive: Path) -> list[str]:
    if not archive.exists():
        return []
    lines = archive.read_text(encoding="utf-8", errors="replace").split("\n")
    return [line.strip() for line in lines if line.strip()]
