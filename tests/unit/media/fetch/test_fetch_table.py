import csv
from dataclasses import replace
from pathlib import Path

import pytest

from avtool.core.errors import CorruptArtifactError
from avtool.media.fetch.table import (
    COLUMNS,
    FilmRow,
    add_film,
    add_to_archive,
    read_archive,
    read_table,
)

ROW = FilmRow(
    film="Dinner-abc.mp4",
    captions="Dinner-abc.en.vtt",
    url="https://example.org/watch?v=abc",
    title='Dinner, "with" friends…',
    id="abc",
    extractor="example",
    duration=12.5,
    license="CC BY 3.0",
    caption_kind="human",
    language="en",
)


def test_a_film_is_read_back_by_the_csv_module(tmp_path: Path) -> None:
    table = tmp_path / "films.csv"
    add_film(table, ROW)
    with table.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert rows == [{name: str(getattr(ROW, name)) for name in COLUMNS}]
    assert list(rows[0])[:2] == ["film", "captions"]


def test_rows_of_earlier_runs_are_kept_in_order(tmp_path: Path) -> None:
    table = tmp_path / "films.csv"
    for name in ("a.mp4", "b.mp4", "c.mp4"):
        add_film(table, replace(ROW, film=name))
    assert [row["film"] for row in read_table(table)[1]] == ["a.mp4", "b.mp4", "c.mp4"]


def test_a_film_fetched_again_replaces_its_row(tmp_path: Path) -> None:
    table = tmp_path / "films.csv"
    add_film(table, ROW)
    add_film(table, replace(ROW, film="other.mp4"))
    add_film(table, replace(ROW, language="de"))
    assert [(row["film"], row["language"]) for row in read_table(table)[1]] == [
        ("Dinner-abc.mp4", "de"),
        ("other.mp4", "en"),
    ]


def test_columns_and_rows_that_people_added_are_kept(tmp_path: Path) -> None:
    table = tmp_path / "films.csv"
    table.write_text("film,captions,split\nmine.mp4,mine.srt,test\n", encoding="utf-8")
    add_film(table, ROW)
    columns, rows = read_table(table)
    assert columns == ["film", "captions", "split", *COLUMNS[2:]]
    assert [(row["film"], row["split"], row["title"]) for row in rows] == [
        ("mine.mp4", "test", ""),
        ("Dinner-abc.mp4", "", ROW.title),
    ]


@pytest.mark.parametrize("text", ["", "name,size\nx,1\n", "film,captions\na,b,c\n", "\x00\n"])
def test_a_file_that_is_no_table_of_films_is_not_written_over(tmp_path: Path, text: str) -> None:
    table = tmp_path / "films.csv"
    table.write_text(text, encoding="utf-8")
    with pytest.raises(CorruptArtifactError):
        add_film(table, ROW)
    assert table.read_text(encoding="utf-8") == text


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    table = tmp_path / "films.csv"
    table.write_bytes(b"film,captions\n\xff\xfe,x\n")
    with pytest.raises(CorruptArtifactError):
        read_table(table)


def test_the_archive_is_in_the_format_of_yt_dlp(tmp_path: Path) -> None:
    archive = tmp_path / "archive.txt"
    assert read_archive(archive) == set()
    archive.write_text("youtube abc", encoding="utf-8")  # left without a line end
    add_to_archive(archive, "vimeo 1")
    add_to_archive(archive, "vimeo 1")
    assert archive.read_text(encoding="utf-8") == "youtube abc\nvimeo 1\n"
    assert read_archive(archive) == {"youtube abc", "vimeo 1"}
