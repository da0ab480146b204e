"""The manifest: round trip, selection, and one line for everything that does not fit."""

import math

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.core.manifest_columns import distinct_rows
from avtool.data.manifest import Clip, read_columns, read_manifest, write_manifest
from tests.harness import make_manifest

CLIPS = [
    Clip("a", "a.wav", 0.0, 1.0, "train", 1, ("dog", "bark"), "barks", "film1", {"conf": 0.5}),
    Clip("b", "/x/b.wav", 0.5, 2.0, "train", 2, (), "", "film2", {"conf": 1.0}),
    Clip("c", "s3://x/c.wav", 0.0, 3.0, "test", None, ("cat",), "", "film1", {"conf": None}),
]


def test_what_is_written_is_read(tmp_path):
    assert list(make_manifest(tmp_path, CLIPS)) == CLIPS


def test_equal_clips_give_equal_bytes(tmp_path):
    for name in ("one", "two"):
        make_manifest(tmp_path / name, CLIPS)
    one, two = ((tmp_path / name / "manifest.parquet").read_bytes() for name in ("one", "two"))
    assert one == two


def test_the_common_columns_come_first_and_the_others_by_name(tmp_path):
    clip = Clip("a", "a.wav", 0.0, 1.0, extras={"zoo": 1, "air": "x"})
    write_manifest(tmp_path, [clip])
    names = parquet.read_schema(tmp_path / "manifest.parquet").names
    assert names[:9] == ["clip_id", "media", "start", "end", "split", "fold", "labels", "text", "group"]
    assert names[9:] == ["air", "zoo"]


def test_clips_are_selected_by_split_and_fold(tmp_path):
    manifest = make_manifest(tmp_path, CLIPS)
    assert [clip.clip_id for clip in manifest.select("train")] == ["a", "b"]
    assert [clip.clip_id for clip in manifest.select(folds=[2])] == ["b"]
    assert [clip.clip_id for clip in manifest.select("train", [1])] == ["a"]
    assert [clip.clip_id for clip in manifest[1:]] == ["b", "c"]


def test_another_column_may_name_the_splits(tmp_path):
    clips = [
        Clip(name, "m", 0.0, 1.0, extras={"split_2": split}) for name, split in [("a", "test"), ("b", "")]
    ]
    manifest = make_manifest(tmp_path, clips)
    assert [clip.clip_id for clip in manifest.select("test", split_column="split_2")] == ["a"]


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"split": "val"}, "has no split `val`"),
        ({"folds": [1, 5]}, "has no fold `5`"),
        ({"split": "test", "folds": [1]}, "no clip of .* is in split `test`"),
        ({"split": "train", "split_column": "divison"}, "has no column `divison`"),
    ],
)
def test_what_cannot_be_selected_is_named(tmp_path, choice, message):
    with pytest.raises(BadInputError, match=message):
        make_manifest(tmp_path, CLIPS).select(**choice)


def test_a_data_set_without_splits_or_folds_says_so(tmp_path):
    manifest = make_manifest(tmp_path, [Clip("a", "a.wav", 0.0, 1.0)])
    with pytest.raises(BadInputError, match="has no splits"):
        manifest.select("train")
    with pytest.raises(BadInputError, match="has no folds"):
        manifest.select(folds=[1])


ROW = {"clip_id": "a", "media": "a.wav", "start": 0.0, "end": 1.0}


def read_rows(folder, rows, **columns):
    table = pa.Table.from_pylist(rows)
    for name, values in columns.items():
        table = table.append_column(name, values)
    parquet.write_table(table, folder / "m.parquet")
    return read_manifest(folder / "m.parquet")


def test_a_table_of_other_tools_is_read(tmp_path):
    other = {"start": 1, "end": 3, "clip_id": "b", "media": "b.wav"}
    folds = pa.array([1.0, float("nan")])  # pandas writes whole numbers with gaps so
    labels = pa.array([["x"], None], pa.large_list(pa.large_string()))
    manifest = read_rows(tmp_path, [ROW, other], fold=folds, labels=labels)
    assert [clip.fold for clip in manifest] == [1, None]
    assert [clip.labels for clip in manifest] == [("x",), ()]
    assert [clip.group for clip in manifest] == ["", ""]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"clip_id": "a", "start": 0.0}], "has no column `media`, `end`"),
        ([ROW | {"start": "soon"}], "column `start` .* holds string, not numbers"),
        ([ROW | {"labels": "dog"}], "column `labels` .* holds string, not lists of text"),
        ([ROW | {"fold": 1.5}], "column `fold`"),
        ([ROW, ROW | {"clip_id": "b", "end": 0.0}], "row 2: `end` is not after `start`"),
        ([ROW | {"start": -1.0}], "row 1: `start` is not a time"),
        ([ROW | {"end": math.nan}], "row 1: `end` is not after"),
        ([ROW | {"end": math.inf}], "row 1: `end` is not after"),
        ([ROW | {"media": None}, ROW], "row 1: `media` is empty"),
        ([ROW, ROW | {"clip_id": "b"}, ROW, ROW], "row 3: `clip_id` was there before .*and in 1 more rows"),
        ([ROW | {"labels": ["x"]}, ROW | {"clip_id": "b", "labels": ["x", None]}], "row 2: a label is null"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_makes_no_sense_is_one_line_with_its_row(tmp_path, rows, message):
    with pytest.raises(BadInputError, match=message) as caught:
        read_rows(tmp_path, rows)
    assert "\n" not in caught.value.message


def test_repeated_text_is_numbered_and_reads_as_text(tmp_path):
    rows = [
        {
            **ROW, "clip_id": f"clip{row}", "media": f"a long name of a film {row // 500}.wav",
            "labels": [f"a long name of a class {row % 7}"] * (row % 3), "split": ["train", "val"][row % 2],
        }
        for row in range(3000)
    ]  # fmt: skip
    write_blocks(tmp_path / "m.parquet", rows)
    manifest = read_manifest(tmp_path / "m.parquet")
    assert pa.types.is_dictionary(manifest.table["media"].type)
    assert pa.types.is_dictionary(manifest.table["labels"].type.value_type)
    assert not pa.types.is_dictionary(manifest.table["clip_id"].type)
    for name in ("media", "labels", "split"):
        expected = [row[name] for row in rows]
        assert manifest.column(name) == list(manifest.values(name)) == expected
    assert manifest.values("media")[2:4] == [rows[2]["media"], rows[3]["media"]]
    assert [clip.labels for clip in manifest.select("val").take([0, 1])] == [
        tuple(rows[row]["labels"]) for row in (1, 3)
    ]
    assert manifest.distinct("split") == ["train", "val"]
    write_blocks(tmp_path / "m.parquet", [*rows[:2500], {**rows[2500], "media": ""}, *rows[2501:]])
    with pytest.raises(BadInputError, match="row 2501: `media` is empty"):
        read_manifest(tmp_path / "m.parquet")


def test_text_is_numbered_in_plain_columns_alone(tmp_path):
    table = pa.Table.from_pylist([{**ROW, "clip_id": f"clip{row}"} for row in range(900)])
    inner = {
        "pairs": pa.array([{"key": "value"}] * 900),
        "long": pa.array([["value"]] * 900, pa.large_list(pa.string())),
        "deep": pa.array([[["value"]]] * 900),
    }
    for name, column in inner.items():
        table = table.append_column(name, column)
    parquet.write_table(table, tmp_path / "m.parquet", row_group_size=200)
    found = read_columns(tmp_path / "m.parquet")
    assert {name: found.schema.field(name).type for name in inner} == {
        name: column.type for name, column in inner.items()
    }
    assert found.to_pylist() == table.to_pylist()


def test_two_columns_of_one_name_are_refused(tmp_path):
    table = pa.Table.from_pylist([ROW])
    twice = pa.Table.from_arrays([*table.columns, table["media"]], [*table.column_names, "media"])
    parquet.write_table(twice, tmp_path / "m.parquet")
    with pytest.raises(BadInputError, match="has two columns `media`"):
        read_manifest(tmp_path / "m.parquet")


def test_a_type_is_named_as_the_file_has_it(tmp_path):
    rows = [ROW | {"clip_id": f"clip{row}", "labels": "dog"} for row in range(900)]
    write_blocks(tmp_path / "m.parquet", rows)
    with pytest.raises(BadInputError, match=r"column `labels` of .* holds string, not lists of text"):
        read_manifest(tmp_path / "m.parquet")


def write_blocks(path, rows):
    """A table in groups of 400 rows, each of which has names of its own."""
    parquet.write_table(pa.Table.from_pylist(rows), path, row_group_size=400)


def test_ids_that_repeat_far_apart_are_found(tmp_path, monkeypatch):
    monkeypatch.setattr("avtool.core.manifest_columns._BLOCK", 100)
    rows = [ROW | {"clip_id": f"clip{row % 990}"} for row in range(1000)]
    with pytest.raises(BadInputError, match=r"row 991: `clip_id` was there before .*and in 9 more rows"):
        read_rows(tmp_path, rows)
    monkeypatch.setattr("avtool.core.manifest_columns.hash", lambda _: 7, raising=False)  # all hashes equal
    assert len(read_rows(tmp_path, rows[:990])) == 990


def test_distinct_rows_are_numbered_as_they_come():
    table = pa.table({"a": ["x", "y", "x", None, "x"], "b": [True, True, True, False, False]})
    for given in (table, table.set_column(0, "a", table["a"].combine_chunks().dictionary_encode())):
        numbers, firsts = distinct_rows(given)
        assert numbers.tolist() == [0, 1, 0, 2, 3]
        assert firsts.tolist() == [0, 1, 3, 4]
    assert [len(part) for part in distinct_rows(table[:0])] == [0, 0]


def test_what_is_no_data_set_is_told(tmp_path):
    (tmp_path / "x.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(CorruptArtifactError, match="is not a Parquet file"):
        read_manifest(tmp_path / "x.parquet")
    with pytest.raises(BadInputError, match="does not exist"):
        read_manifest(tmp_path / "none")
    with pytest.raises(BadInputError, match="not an avtool artifact"):
        read_manifest(tmp_path)


def test_missing_media_are_named_with_their_rows(tmp_path):
    (tmp_path / "a.wav").write_text("x")
    clips = [
        Clip(f"{n}", name, 0.0, 1.0) for n, name in enumerate(["a.wav", "b.wav", "s3://x/y.wav", "c.wav"])
    ]
    with pytest.raises(BadInputError, match=r"2 of 3 media .* missing: `b.wav` \(row 2\), `c.wav` \(row 4\)"):
        make_manifest(tmp_path, clips).check_media()


def test_a_relative_name_cannot_leave_the_data_set(tmp_path):
    manifest = make_manifest(tmp_path / "d", [Clip("a", "../secret.wav", 0.0, 1.0)])
    with pytest.raises(CorruptArtifactError, match="points outside"):
        manifest.local(manifest[0].audio)


def test_a_mined_clip_has_its_pictures_in_the_film():
    film = {"film": "/f.mkv", "film_start": 60.0, "film_end": 62.0}
    clip = Clip("a", "clips/a.wav", 0.0, 2.0, extras=film)
    assert clip.video == ("/f.mkv", 60.0, 62.0)
    assert clip.audio == ("clips/a.wav", 0.0, 2.0)
