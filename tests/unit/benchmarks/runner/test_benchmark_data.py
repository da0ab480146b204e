"""Finding ESC-10 and refusing what is not whole."""

from pathlib import Path

import pytest

from avtool.benchmarks.runner.data import open_data, read_data
from avtool.benchmarks.settings import EvalRecipe
from avtool.core.errors import BadInputError, MissingError
from avtool.core.reporter import Silent
from tests.unit.benchmarks.runner.esc_samples import (
    ESC10,
    ESC50,
    make_esc10,
    read_esc10,
    read_table,
    write_table,
)


def test_the_official_folds(tmp_path: Path) -> None:
    data = read_esc10(make_esc10(tmp_path))
    assert data.classes == tuple(sorted(ESC10.data.labels))
    fold = data.fold(3)
    assert (len(fold.train), len(fold.test)) == (320, 80)
    assert set(fold.test.column("fold")) == {3}
    assert not set(fold.train.column("group")) & set(fold.test.column("group"))


def test_it_is_found_in_the_folder_of_datasets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVTOOL_DATA", str(tmp_path))
    with pytest.raises(MissingError, match="ESC-10 is not in") as caught:
        open_data(ESC10, EvalRecipe(), Silent())
    assert "AVTOOL_DATA" in caught.value.hint
    assert "--download" in caught.value.hint
    make_esc10(tmp_path / "esc50", (*ESC10.data.labels, "pig"))
    assert len(open_data(ESC10, EvalRecipe(), Silent()).clips) == 400  # ESC-10 is a part of ESC-50


def test_missing_files_are_named(tmp_path: Path) -> None:
    folder = make_esc10(tmp_path)
    gone = sorted((folder / "audio").iterdir())[0]
    gone.unlink()
    with pytest.raises(BadInputError, match=f"1 of 400 files are missing .*`{gone.name}`"):
        read_esc10(folder)


def test_a_table_without_some_clips_is_no_benchmark(tmp_path: Path) -> None:
    folder = make_esc10(tmp_path)
    write_table(folder, read_table(folder)[1:])
    with pytest.raises(BadInputError, match="dog in fold 1: 7"):
        read_esc10(folder)


def test_esc10_is_not_esc50(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="has 10 classes, ESC-50 has 50") as caught:
        read_data(ESC50, make_esc10(tmp_path), 1, Silent())
    assert "the benchmark of this part" in caught.value.hint


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="holds no clip of ESC-50"):
        read_esc10(tmp_path)


def test_a_recording_in_two_folds_is_a_leak(tmp_path: Path) -> None:
    folder = make_esc10(tmp_path)
    rows = read_table(folder)
    rows[0][4] = rows[8][4]  # a clip of fold 1 claims a recording of fold 2
    write_table(folder, rows)
    with pytest.raises(
        BadInputError, match=r"1 recordings have clips in several folds: \S+ \(folds \[1, 2\]\)"
    ):
        read_esc10(folder)
