"""`avtool eval --benchmark esc10` on a small dataset of tones: seeds, predictions, a model, the report."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from avtool.benchmarks.runner.data import BenchmarkData
from avtool.cli.main import run
from avtool.core.artifact import Artifact, verify
from avtool.core.artifact_folder import open_partial, publish
from avtool.evaluation.predictions import Predictions
from avtool.evaluation.predictions_file import write_predictions
from tests.unit.benchmarks.runner.esc_samples import make_esc10, read_esc10

RATE = 16000
QUICK = """
command = "finetune"
model = { name = "cnn_tiny" }
data = { task = "single-label", audio = { num_mel_bins = 32, hop_ms = 40.0, window_ms = 80.0 } }
augment = { mixup = "none", frequency_mask = 0, time_mask = 0 }
optimizer = { lr = 1e-2 }
loop = { max_steps = 12, batch_size = 32, workers = 0, tensorboard = false }
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> BenchmarkData:
    """400 tones of 0.3 s, a pitch for each class."""
    folder = make_esc10(tmp_path_factory.mktemp("data") / "esc10")
    found = read_esc10(folder)
    rng = np.random.default_rng(0)
    time = np.arange(round(0.3 * RATE)) / RATE
    for clip in found.clips:
        pitch = 150 * 1.5 ** found.classes.index(clip.labels[0]) * rng.uniform(0.98, 1.02)
        soundfile.write(clip.media, 0.4 * np.sin(2 * np.pi * pitch * time), RATE, format="OGG")
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("bench")
    (path / "quick.toml").write_text(QUICK)
    return path


@pytest.fixture
def evaluate(data, folder, capsys):
    def call(*arguments: object) -> tuple[int, dict, str]:
        given = ["--data", data.folder, "--set", "baselines=false", *arguments]
        code = run(["eval", "--benchmark", "esc10", *map(str, given), "--json", "--no-progress"])
        captured = capsys.readouterr()
        return code, json.loads(captured.out)["report"] if code == 0 else {}, captured.err

    return call


def trained(folder: Path) -> list[object]:
    return ["--training", folder / "quick.toml", "--runs", folder / "runs"]


@pytest.fixture
def two_folds(evaluate, folder) -> dict:
    """The report on two folds; the first test that requests it trains, the others only score."""
    code, report, _ = evaluate(*trained(folder), "--folds", "1,3", "--out", folder / "report", "--overwrite")
    assert code == 0
    return report


@pytest.mark.slow
def test_two_seeds_are_trained_on_five_folds_and_kept(evaluate, folder):
    code, report, stderr = evaluate(*trained(folder), "--seeds", 2)
    assert code == 0
    seeds = report["metrics"]["seeds"]
    assert sorted(seeds) == ["0", "1"]
    means = [seed["mean"] for seed in seeds.values()]
    assert report["metrics"]["accuracy"] == pytest.approx(np.mean(means))
    assert min(means) > 15  # chance has 10
    assert "over 2 seeds" in report["headline"]
    assert len(list((folder / "runs").iterdir())) == 10
    assert "10 trainings, 0 of them cached" in stderr
    again, same, stderr = evaluate(*trained(folder), "--seeds", 2)
    assert again == 0
    assert same["metrics"] == report["metrics"]
    assert "10 trainings, 10 of them cached" in stderr


def test_the_report_shows_figures_and_plays_mistakes(two_folds, folder):
    assert verify(folder / "report") == []
    page = (folder / "report" / "report.html").read_text()
    metrics = json.loads((folder / "report" / "metrics.json").read_text())
    assert metrics["accuracy"] == two_folds["metrics"]["accuracy"]
    wrong = 160 - np.trace(metrics["confusion"]["counts"])
    assert page.count("<svg") == 2
    assert page.count("<audio") == min(15, wrong)


@pytest.mark.usefixtures("two_folds")
def test_a_model_is_scored_on_the_fold_that_it_has_not_learned_from(evaluate, folder):
    (model,) = (folder / "runs").glob("esc10-seed0-fold3-*")
    code, report, _ = evaluate("--model", model)
    assert code == 0
    assert report["metrics"]["folds"] == [3]
    assert sum(map(sum, report["metrics"]["confusion"]["counts"])) == 80
    code, _, stderr = evaluate("--model", model, "--folds", "1,3")
    assert code == 2
    assert "has learned from fold 1" in stderr


def write(out: Path, predictions: Predictions) -> Path:
    partial = open_partial(out, {}, kind="predictions")
    write_predictions(partial, predictions)
    publish(out, Artifact("predictions", "a test", {}))
    return out


def right_predictions(data: BenchmarkData, folds: tuple[int | None, ...]) -> Predictions:
    scores = np.eye(10, dtype=np.float32)[[data.classes.index(clip.labels[0]) for clip in data.clips]]
    ids = tuple(clip.clip_id for clip in data.clips)
    return Predictions(ids, data.classes, scores, ((),) * len(ids), folds=folds)


def test_predictions_of_others_are_scored(evaluate, data, tmp_path):
    folds = tuple(clip.fold for clip in data.clips)
    mine = write(tmp_path / "mine", right_predictions(data, folds))
    code, report, _ = evaluate("--predictions", mine)
    assert code == 0
    assert report["metrics"]["accuracy"] == 100
    rows = report["tables"][0]["rows"]
    assert rows[0][:3] == ["mine", "no other data", 100.0]
    assert ["human listeners (audio)", "–", 95.7, "repository"] in rows
    code, _, stderr = evaluate("--predictions", mine, "--model", mine)
    assert code == 2
    assert "--predictions and --model are both given" in stderr


def test_predictions_without_folds_are_refused(evaluate, data, tmp_path):
    code, _, stderr = evaluate(
        "--predictions", write(tmp_path / "mine", right_predictions(data, (None,) * 400))
    )
    assert code == 2
    assert "was predicted as a clip of fold None" in stderr
