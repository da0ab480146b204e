"""The ESC benchmark on the real ESC-10: a quick training on some folds, kept and reused."""

import json

import pytest

from avtool.cli.main import run


@pytest.mark.slow
def test_a_quick_training_is_scored_on_its_folds_and_kept(test_data, cache, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("AVTOOL_DATA", str(test_data))
    quick = ["--training", "finetune/esc50-cnn-tiny", "--epochs", "2", "--folds", "1,5"]
    quiet = ["--set", "baselines=false", "--json", "--no-progress", "-q"]
    command = ["eval", "--benchmark", "esc10", *quick, *quiet]
    assert run(command) == 0
    first = json.loads(capsys.readouterr().out)["report"]
    assert "only folds 1, 5" in first["headline"]
    assert first["metrics"]["folds"] == [1, 5]
    assert sum(map(sum, first["metrics"]["confusion"]["counts"])) == 160
    assert 15 <= first["metrics"]["accuracy"] <= 100
    runs = sorted((cache / "benchmarks").iterdir())
    assert [path.name.split("-")[2] for path in runs] == ["fold1", "fold5"]
    assert run([*command, "--jobs", "1", "--runs", str(tmp_path / "one by one")]) == 0
    alone = json.loads(capsys.readouterr().out)["report"]["metrics"]
    assert alone["accuracy"] == pytest.approx(first["metrics"]["accuracy"], abs=5)
    assert sorted(path.name for path in (tmp_path / "one by one").iterdir()) == [path.name for path in runs]
    assert run([*command, "--out", str(tmp_path / "report")]) == 0
    assert json.loads(capsys.readouterr().out)["report"]["metrics"] == first["metrics"]
    assert (tmp_path / "report" / "report.html").stat().st_size > 1000
    score = ["eval", "--benchmark", "esc10", "--model", str(runs[0])]
    assert run([*score, *quiet]) == 0
    assert "only fold 1" in json.loads(capsys.readouterr().out)["report"]["headline"]
    assert run([*score, *quiet, "--folds", "2"]) == 2
    assert "has learned from fold 2" in capsys.readouterr().err
