"""Query tables: every column through CSV and JSON Lines, damage with its row and values, what --fix drops."""

import json
from pathlib import Path

import pytest

from avtool.core.errors import BadInputError
from avtool.data.queries.table import QueryRow, QueryTable, read_queries, write_queries

FULL = QueryRow(
    "clip/0/1", "film, one.mkv", "image", "film, one.mkv", 2.0, 3.5, "val", "film",
    boxes=((2.0, 10.0, 20.0, 30.0, 40.0), (2.5, 11.0, 20.0, 30.0, 40.0)), frame_size=(640.0, 360.0),
    query_start=9.2, query_box=(1.0, 2.0, 30.0, 40.0), query_name="red mug",
    search_end=8.0, offset=12.5, fps=5.0, duration=480.0, video="v", clip="c", annotation="a", index="0",
)  # fmt: skip
ROWS = (
    FULL,
    QueryRow("2", "two.mkv", "text", 'Where is the "mug", on the =table?', 0.0, 1.25),
    QueryRow("3", "two.mkv", "label", "=SUM(1)", 0.1, 7.0, "train"),
    QueryRow("3", "two.mkv", "label", "=SUM(1)", 9.0, 9.5, "train"),
    QueryRow("4", "two.mkv", "audio", "door.wav", 1.0, 2.0, query_start=0.0, query_end=1.5),
    QueryRow("5", "two.mkv", "label", "glass", 0.0, 0.0, absent=True),
)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_every_column_is_read_back(tmp_path, suffix):
    path = tmp_path / f"queries{suffix}"
    write_queries(QueryTable(ROWS), path)
    table = read_queries(path)
    assert table.rows == ROWS
    assert table.media(ROWS[1]) == tmp_path / "two.mkv"
    write_queries(table, tmp_path / f"again{suffix}")
    assert (tmp_path / f"again{suffix}").read_bytes() == path.read_bytes()


def test_selections():
    table = QueryTable(ROWS)
    assert [row.query_id for row in table.of(split="train")] == ["3", "3"]
    assert len(table.of(kinds=("audio", "image"))) == 2
    assert [len(rows) for rows in table.queries().values()] == [1, 1, 2, 1, 1]
    assert {media: len(rows) for media, rows in table.by_media().items()} == {
        "film, one.mkv": 1,
        "two.mkv": 5,
    }


def test_the_five_columns_are_enough(tmp_path):
    path = tmp_path / "queries.csv"
    path.write_text("media;kind;query;start;end\nfilm.mkv;text;a door slams;1;2.5\n")
    assert read_queries(path).rows == (QueryRow("1", "film.mkv", "text", "a door slams", 1.0, 2.5),)


def _written(tmp_path: Path, **changes: object) -> Path:
    record = {"media": "film.mkv", "kind": "text", "query": "a door", "start": 1.0, "end": 2.0} | changes
    good = json.dumps({"media": "film.mkv", "kind": "label", "query": "dog", "start": 5, "end": 6})
    path = tmp_path / "queries.jsonl"
    path.write_text(json.dumps(record) + "\n" + good + "\n")
    return path


BOX = [1.0, 0, 0, 10, 10]
FRAME = {"frame_size": [100, 50], "kind": "image"}


@pytest.mark.parametrize(
    ("changes", "message", "kept"),
    [
        ({"end": 0.5}, "line 1 ends at 0.5 s and starts at 1 s", 1),
        ({"end": 1.0}, "line 1 ends at 1 s", 1),
        ({"start": float("nan")}, "start and end are NaN and 2.0", 1),
        ({"end": None}, "1.0 and nothing", 1),
        ({"start": -1}, "starts at -1 s", 2),
        ({"boxes": [BOX, [0.5, 0, 0, 1, 1]], **FRAME}, "box 1 is at 0.5 s, behind one at 1 s", 1),
        ({"boxes": [[1.0, 0, 0]], **FRAME}, r"box 0 is \[1.0, 0, 0\]", 1),
        ({"boxes": [[1.0, 95, 0, 10, 10]], **FRAME}, "outside the frame of 100 × 50", 2),
        (
            {"boxes": [BOX, [1.2, *BOX[1:]], [1.8, *BOX[1:]]], **FRAME},
            "box 2 is 0.6 s behind the one before, the others 0.2 s: frames are missing",
            2,
        ),
    ],
)
def test_wrong_answers_are_refused_or_fixed(tmp_path, changes, message, kept):
    path = _written(tmp_path, **changes)
    with pytest.raises(BadInputError, match=message) as error:
        read_queries(path)
    assert "--fix" in error.value.hint
    table = read_queries(path, fix=True)
    assert len(table) == kept
    assert (table.dropped, table.clipped) == (2 - kept, kept - 1)


def test_what_is_fixed(tmp_path):
    boxes = [BOX, [1.2, *BOX[1:]], [1.8, 95, 0, 10, 10]]
    row = read_queries(_written(tmp_path, boxes=boxes, **FRAME), fix=True).rows[0]
    assert row.boxes == ((1.8, 95, 0, 5, 10),)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "sound"}, '`kind` is "sound"'),
        ({"query": " "}, "has no `query`"),
        ({"media": 3}, "has no `media`, but 3"),
        ({"fps": "x"}, '`fps` is "x"'),
        ({"boxes": [BOX]}, "without `frame_size`"),
        ({"frame_size": [1]}, "no 2 numbers"),
        ({"query_id": "2", "query": "cat"}, "query `2` is `cat`"),
    ],
)
def test_wrong_rows(tmp_path, changes, message):
    with pytest.raises(BadInputError, match=message):
        read_queries(_written(tmp_path, **changes), fix=True)


def test_answers_without_a_length_are_kept_if_asked_for(tmp_path):
    assert len(read_queries(_written(tmp_path, end=1.0), empty=True)) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("media,kind,start,end\n", "no column `query`"),
        ("media,kind,query,start,end\n", "has no queries"),
        ("", "no column `media`"),
    ],
)
def test_tables_without_queries(tmp_path, text, message):
    path = tmp_path / "queries.csv"
    path.write_text(text)
    with pytest.raises(BadInputError, match=message):
        read_queries(path)
    with pytest.raises(BadInputError, match="no table of queries"):
        write_queries(QueryTable(ROWS), tmp_path / "x.txt")
