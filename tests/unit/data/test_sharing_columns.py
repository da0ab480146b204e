"""Exports of datasets whose manifests other programs wrote: columns of other types, or none at all."""

import csv
import datetime
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from avtool.core.reporter import Silent
from avtool.data.sharing.export import SharedDataset, export_dataset
from tests.harness import call, write_sine

LAYOUTS = ("hf", "webdataset", "audioset-csv", "sams")


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    for number in range(3):
        write_sine(tmp_path / "files" / "bell" / f"{number}.wav", 0.3 + number / 10)
    assert call("prepare", tmp_path / "files", "--out", tmp_path / "data", "-q") == 0
    return tmp_path / "data"


def change(dataset: Path, changed: Callable[[pa.Table], pa.Table]) -> pa.Table:
    """Writes the manifest again, as `changed`."""
    path = dataset / "manifest.parquet"
    table = changed(parquet.read_table(path))
    parquet.write_table(table, path)
    return table


def with_column(name: str, values: pa.Array) -> Callable[[pa.Table], pa.Table]:
    def changed(table: pa.Table) -> pa.Table:
        kept = table.drop_columns(name) if name in table.column_names else table
        return kept.append_column(name, values)

    return changed


def export(dataset: Path, layout: str, out: Path) -> SharedDataset:
    return export_dataset(dataset, layout, out, Silent())


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", [pa.large_list(pa.large_string()), pa.large_list(pa.string())])
def test_long_lists_of_labels_are_labels(layout: str, kind: pa.DataType, dataset: Path) -> None:
    export(dataset, layout, dataset.parent / "plain")
    change(dataset, with_column("labels", pa.array([["bell"]] * 3, kind)))
    done = export(dataset, layout, dataset.parent / "out")
    assert (done.clips, done.skipped) == (3, 0)
    for name in ("README.md", "balanced_train_segments.csv", "train.json"):
        ours, theirs = (dataset.parent / folder / name for folder in ("out", "plain"))
        assert ours.is_file() == theirs.is_file()
        assert not ours.is_file() or ours.read_bytes() == theirs.read_bytes()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("nulls", [True, False])
def test_no_label_anywhere_is_no_fault(layout: str, nulls: bool, dataset: Path) -> None:
    change(
        dataset, with_column("labels", pa.nulls(3)) if nulls else lambda table: table.drop_columns("labels")
    )
    done = export(dataset, layout, dataset.parent / "out")
    assert (done.clips, done.skipped) == ((3, 0) if layout in {"hf", "webdataset"} else (0, 3))


def test_an_empty_text_is_a_label_as_any_other(dataset: Path) -> None:
    change(dataset, with_column("labels", pa.array([["bell"], [""], []])))
    assert export(dataset, "audioset-csv", dataset.parent / "out").clips == 2
    with (dataset.parent / "out" / "class_labels_indices.csv").open(newline="") as stream:
        assert {row["display_name"] for row in csv.DictReader(stream)} == {"", "bell"}


def test_what_a_manifest_holds_is_exported_as_it_is(dataset: Path) -> None:
    """Nulls of `film`, texts inside of structs, and the metadata of the table."""
    films, inner = pa.array(["a film", None, ""]), pa.array([{"key": "value"}] * 3)
    changed = change(
        dataset,
        lambda table: table.append_column("film", films).append_column("inner", inner)
        .replace_schema_metadata({"made": "elsewhere"}),
    )  # fmt: skip
    export(dataset, "hf", dataset.parent / "out")
    found = parquet.read_table(dataset.parent / "out" / "rebuild" / "manifest.parquet")
    assert found["film"].to_pylist() == films.to_pylist()
    assert found.schema.field("inner").type == changed.schema.field("inner").type
    assert found.schema.metadata == {b"made": b"elsewhere"}


def test_dates_are_text_in_shards(dataset: Path) -> None:
    change(dataset, with_column("filmed", pa.array([datetime.date(2020, 2, 29)] * 3)))
    export(dataset, "webdataset", dataset.parent / "out")
    with tarfile.open(dataset.parent / "out" / "shards" / "00000.tar") as tar:
        facts = [json.load(tar.extractfile(name)) for name in tar.getnames()]
    assert [one["filmed"] for one in facts] == ["2020-02-29"] * 3
