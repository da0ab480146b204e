"""Folds that a dataset has are offered where it has no splits."""

from pathlib import Path

import pytest

from avtool.core.recipe import validate
from avtool.core.reporter import Recorder
from avtool.data.folds import fold_flags, format_folds, parse_folds
from avtool.data.manifest import Clip, read_manifest, write_manifest
from avtool.data.splits import SplitRecipe, choose_clips
from tests.harness import noise, run_avtool, write_wav


@pytest.mark.parametrize("folds", [(1,), (1, 2), (1, 2, 3, 4), (1, 3, 5), (0, 1, 2)])
def test_folds_are_read_as_they_are_written(folds: tuple[int, ...]) -> None:
    assert parse_folds(format_folds(folds)) == folds


def test_the_last_fold_is_offered_for_validation() -> None:
    assert fold_flags([2, None, 1, 5, 4, 3]) == "--folds 1-4 --val-folds 5"
    assert fold_flags([3, 3]) == fold_flags([None]) == ""


def test_a_training_without_splits_offers_the_folds(tmp_path: Path) -> None:
    write_manifest(tmp_path, [Clip(f"c{n}", f"{n}.wav", 0, 1, fold=n % 3 + 1) for n in range(6)])
    recorder = Recorder()
    choose_clips(read_manifest(tmp_path / "manifest.parquet"), validate(SplitRecipe, {}, "test"), recorder)
    assert "--folds 1,2 --val-folds 3" in recorder.warnings[0]


@pytest.mark.parametrize(
    "header",
    ["fname,category,fold", "FileName,Class,Folds", "filename,label,cv_fold", "audio_file,tag,fold_id"],
)
def test_a_table_with_folds_is_prepared_and_its_folds_are_offered(header: str, tmp_path: Path) -> None:
    lines = [f"{n}.wav,{'dog' if n % 2 else 'rain'},{n % 4 + 1}" for n in range(8)]
    for n in range(8):
        write_wav(tmp_path / "clips" / f"{n}.wav", noise(0.5, seed=n))
    (tmp_path / "clips" / "table.csv").write_text("\n".join([header, *lines]) + "\n")
    done = run_avtool(
        "prepare", tmp_path / "clips" / "table.csv", "--out", tmp_path / "data", "--no-progress"
    )
    assert done.code == 0, done.stderr
    assert "--folds 1-3 --val-folds 4" in done.stderr
    clips = read_manifest(tmp_path / "data" / "manifest.parquet")
    assert sorted(set(clips.column("fold"))) == [1, 2, 3, 4]
    assert {label for labels in clips.column("labels") for label in labels} == {"dog", "rain"}
