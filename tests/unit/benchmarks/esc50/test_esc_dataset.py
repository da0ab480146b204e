"""Finding ESC-10 and refusing what is not whole."""

from pathlib import Path

import pytest

from avtool.benchmarks.esc50.dataset import ESC10_CLASSES, check_folds_apart, find_esc, inner_split
from avtool.core.errors import BadInputError, MissingError
from tests.unit.benchmarks.esc50.esc_samples import make_esc10, read_table, write_table


def test_the_official_folds(tmp_path: Path) -> None:
    data = find_esc("esc10", make_esc10(tmp_path))
    assert data.classes == tuple(sorted(ESC10_CLASSES))
    training, test = data.fold(3)
    assert (len(training), len(test)) == (320, 80)
    assert {clip.fold for clip in test} == {3}


def test_it_is_found_in_the_folder_of_data_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVTOOL_DATA", str(tmp_path))
    with pytest.raises(MissingError, match="ESC-10 is not in") as caught:
        find_esc("esc10")
    assert "AVTOOL_DATA" in caught.value.hint
    assert "--download" in caught.value.hint
    make_esc10(tmp_path / "esc50", (*ESC10_CLASSES, "pig"))
    assert len(find_esc("esc10").clips) == 400  # ESC-10 is a part of ESC-50


def test_missing_files_are_named(tmp_path: Path) -> None:
    folder = make_esc10(tmp_path)
    gone = sorted((folder / "audio").iterdir())[0]
    gone.unlink()
    with pytest.raises(BadInputError, match=f"1 of 400 files are missing .*`{gone.name}`"):
        find_esc("esc10", folder)


def test_a_table_without_some_clips_is_no_benchmark(tmp_path: Path) -> None:
    folder = make_esc10(tmp_path)
    write_table(folder, read_table(folder)[1:])
    with pytest.raises(BadInputError, match="dog in fold 1: 7"):
        find_esc("esc10", folder)


def test_esc10_is_not_esc50(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="holds ESC-10 alone") as caught:
        find_esc("esc50", make_esc10(tmp_path))
    assert "--subset esc10" in caught.value.hint


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"neither `meta/esc50\.csv` nor folders"):
        find_esc("esc10", tmp_path)


def test_a_recording_in_two_folds_is_a_leak(tmp_path: Path) -> None:
    folder = make_esc10(tmp_path)
    rows = read_table(folder)
    rows[0][4] = rows[8][4]  # a clip of fold 1 claims a recording of fold 2
    write_table(folder, rows)
    with pytest.raises(
        BadInputError, match=r"1 recordings have clips in several folds: \S+ \(folds \[1, 2\]\)"
    ):
        find_esc("esc10", folder)


def test_the_inner_split_keeps_recordings_together(tmp_path: Path) -> None:
    training, _ = find_esc("esc10", make_esc10(tmp_path)).fold(1)
    learn, held = inner_split(training)
    assert len(learn) + len(held) == 320
    assert not {clip.source for clip in learn} & {clip.source for clip in held}
    assert {clip.label for clip in held} == set(ESC10_CLASSES)
    assert 0.15 < len(held) / 320 < 0.35
    check_folds_apart(training)
