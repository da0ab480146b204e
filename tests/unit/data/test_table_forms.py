"""Tables of labels in Parquet, and in columns of 0 and 1."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from avtool.core.errors import BadInputError
from avtool.data.readers.csv_table import read, read_folder
from avtool.data.readers.source import ReadOptions
from tests.harness import noise, run_avtool, write_wav


def folder(place: Path) -> Path:
    place.mkdir(exist_ok=True)
    for name in ("a", "b", "c"):
        write_wav(place / f"{name}.wav", noise(0.5))
    return place


def write_parquet(path: Path, **columns: list) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def labels_of(path: Path) -> dict[str, tuple[str, ...]]:
    return {clip.media: clip.labels for clip in read(path, ReadOptions()).clips}


def test_parquet_is_read_as_the_same_table_in_csv(tmp_path: Path) -> None:
    columns = {"file": ["a.wav", "b.wav"], "label": ["dog", "cat;rain"], "start": [0.0, 0.25], "take": [1, 2]}
    theirs = write_parquet(tmp_path / "list.parquet", **columns)
    rows = ["file,label,start,take", "a.wav,dog,0.0,1", "b.wav,cat;rain,0.25,2"]
    (tmp_path / "list.csv").write_text("\n".join(rows) + "\n")
    found, wanted = (read(path, ReadOptions()).clips for path in (theirs, tmp_path / "list.csv"))
    assert [(c.clip_id, c.media, c.labels, c.start, c.extras) for c in found] == [
        (c.clip_id, c.media, c.labels, c.start, c.extras) for c in wanted
    ]


def test_lists_are_several_labels_and_bytes_are_skipped(tmp_path: Path) -> None:
    audio = pa.array([{"bytes": b"x", "path": "a"}] * 2)
    columns = {"file_name": ["a.wav", "b.wav"], "labels": [["dog", "cat"], []], "sound": audio}
    path = write_parquet(tmp_path / "list.parquet", **columns)
    assert labels_of(path) == {"a.wav": ("dog", "cat"), "b.wav": ()}


def test_metadata_of_a_folder_is_read_and_other_parquet_is_not(tmp_path: Path) -> None:
    place = folder(tmp_path / "data")
    write_parquet(place / "metadata.parquet", file_name=["a.wav", "b.wav"], label=["dog", "cat"])
    write_parquet(place / "scores.parquet", file=["c.wav"], label=["rain"])
    source = read_folder(place, ReadOptions())
    assert {clip.media: clip.labels for clip in source.clips} == {"a.wav": ("dog",), "b.wav": ("cat",)}


def test_prepare_takes_a_folder_with_metadata_in_parquet(tmp_path: Path) -> None:
    place = folder(tmp_path / "data")
    write_parquet(place / "metadata.parquet", file_name=["a.wav", "b.wav"], label=["dog", "cat"])
    done = run_avtool("prepare", place, "--out", tmp_path / "out", "-q", "--json")
    assert done.code == 0, done.stderr


@pytest.mark.parametrize("one", ["1", "1.0", "True"])
def test_columns_of_0_and_1_are_classes(tmp_path: Path, one: str) -> None:
    zero = {"1": "0", "1.0": "0.0", "True": "False"}[one]
    rows = [f"a.wav,{one},{zero},12,{one}", f"b.wav,{one},{one},0,{one}", f"c.wav,{zero},{zero},1,{one}"]
    (tmp_path / "list.csv").write_text("file,Dog,Door Bell,take,checked\n" + "\n".join(rows) + "\n")
    assert labels_of(tmp_path / "list.csv") == {
        "a.wav": ("Dog",),
        "b.wav": ("Dog", "Door Bell"),
        "c.wav": (),
    }


def test_a_column_of_labels_and_a_single_flag_leave_columns_of_0_and_1_alone(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("file,label,x,y\na.wav,dog,0,1\nb.wav,cat,1,0\n")
    assert labels_of(tmp_path / "list.csv") == {"a.wav": ("dog",), "b.wav": ("cat",)}
    (tmp_path / "flag.csv").write_text("file,checked\na.wav,0\nb.wav,1\n")
    assert labels_of(tmp_path / "flag.csv") == {"a.wav": (), "b.wav": ()}


def test_damaged_parquet_is_one_line(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "list.parquet", file=["a.wav"], label=["dog"])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(BadInputError, match="is no Parquet file"):
        read(path, ReadOptions())
