"""`avtool finetune` and `avtool predict` as a user runs them: train, resume, score, timelines, bad input."""

import csv
import json
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from avtool.core.artifact import verify
from avtool.core.artifact_folder import partial_folder
from avtool.evaluation.predictions_file import read_predictions
from avtool.media.encode import FilmSettings, write_film
from tests.harness import AVTOOL, PITCH, RATE, call, class_tone, prepare_tones, write_wav

QUICK = [
    "--model",
    "cnn_tiny",
    "--set",
    "data.audio.num_mel_bins=32",
    "--batch-size",
    "8",
    "--workers",
    "0",
    "--device",
    "cpu",
]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> Path:
    """Low and high tones of 0.6 s: 16 to learn from, 4 to validate on."""
    return prepare_tones(tmp_path_factory.mktemp("tones"))


@pytest.fixture(scope="module")
def trained(dataset, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "run"
    assert call("finetune", dataset, *QUICK, "--epochs", 8, "--lr", "0.01", "--out", out, "-q") == 0
    return out


def last_metrics(out: Path) -> dict:
    return json.loads((out / "metrics.jsonl").read_text().splitlines()[-1])


def read_csv(path: Path) -> list[dict]:
    with path.open() as stream:
        return list(csv.DictReader(stream))


def test_training_learns_and_describes_its_model(trained):
    assert verify(trained) == []
    assert last_metrics(trained)["accuracy"] == 1.0
    preprocess = json.loads((trained / "model" / "preprocess.json").read_text())
    assert preprocess["labels"] == ["high", "low"]
    assert preprocess["task"] == "single-label"
    audio = preprocess["inputs"]["audio"]
    assert audio["spectrogram"]["sample_rate"] == RATE
    assert audio["num_frames"] == 58
    assert -16 < audio["mean"] < 0 < audio["std"]
    page = (trained / "report.html").read_text()
    assert "Classes: confusion matrix" in page
    assert "Curves" in page


def test_own_clips_are_scored_with_confusions_classes_and_mistakes_to_listen_to(dataset, tmp_path, capsys):
    run, found, report = tmp_path / "run", tmp_path / "found", tmp_path / "report"
    hardly = ["--set", "loop.max_steps=1", "--lr", "1e-9", "--set", "seed=1"]
    assert call("finetune", dataset, *QUICK, *hardly, "--out", run) == 0
    assert "epoch 0.5 of 0.5: step 1; loss " in capsys.readouterr().err
    page = (run / "report.html").read_text()
    assert "The most confident mistakes" in page
    assert page.count("<audio") == 2  # of four clips, one class is always predicted
    assert call("predict", dataset, "--split", "val", "--model", run, "--out", found, "--device", "cpu") == 0
    capsys.readouterr()
    assert call("eval", "--predictions", found, "--out", report) == 0
    printed = capsys.readouterr().out
    for title in ("accuracy in %", "the most frequent confusions", "the most confident mistakes"):
        assert title in printed
    metrics = json.loads((report / "metrics.json").read_text())
    assert sorted(np.diag(metrics["confusion"]["counts"])) == [0, 2]
    assert [row["clips"] for row in metrics["per_class"]] == [2, 2]
    page = (report / "report.html").read_text()
    assert page.count("<audio") == 2
    assert page.count("<svg") == 2
    assert call("show", run) == 0
    shown = capsys.readouterr().out
    assert "1 of 1 (100 %)" in shown
    assert "accuracy 0.5" in shown


def test_a_plan_writes_nothing(dataset, tmp_path, capsys):
    out = tmp_path / "run"
    assert call("finetune", dataset, *QUICK, "--out", out, "--dry-run", "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    plan = printed["plan"]
    assert printed["recipe"]["model"]["name"] == plan["model"]
    assert (plan["model"], plan["labels"], plan["classes"]) == ("cnn_tiny", "single-label", 2)
    assert plan["train_clips"] > plan["val_clips"] > plan["skipped_clips"] == 0
    assert plan["steps"] > 0
    assert plan["activations_mib"] > 0 < plan["state_mib"]
    assert not out.exists()
    assert not partial_folder(out).exists()


def test_a_finished_run_is_not_trained_again(trained, dataset, capsys):
    assert call("finetune", dataset, *QUICK, "--epochs", 8, "--lr", "0.01", "--out", trained, "--json") == 0
    result = json.loads(capsys.readouterr().out)["result"]
    assert result["metrics"]["accuracy"] == 1.0
    assert result["steps"] == 16


def test_other_settings_do_not_go_on_with_a_run(trained, dataset, capsys):
    assert call("finetune", dataset, *QUICK, "--epochs", 3, "--out", trained) == 2
    assert "made with other settings" in capsys.readouterr().err


def test_an_interrupted_run_goes_on_to_the_same_curve(dataset, tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    command = [str(part) for part in ["finetune", dataset, *QUICK, "--epochs", 60, "-q"]]
    process = subprocess.Popen(
        [*AVTOOL, *command, "--no-progress", "--out", broken], stderr=subprocess.PIPE, text=True
    )
    first = partial_folder(broken) / "checkpoints" / "step-000002"
    while process.poll() is None and not first.is_dir():
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    (line,) = filter(None, process.communicate(timeout=60)[1].splitlines())
    assert "stopped at step" in line
    assert process.returncode == 130
    assert partial_folder(broken).is_dir()
    assert call(*command, "--out", broken) == 0
    assert call(*command, "--out", whole) == 0
    assert (broken / "metrics.jsonl").read_text() == (whole / "metrics.jsonl").read_text()


@pytest.mark.parametrize(
    "settings",
    [
        ["--set", "augment.mixup=batch", "--set", "augment.time_roll=0.5", "--set", "augment.noise=0.1"],
        ["--set", "augment.mix_waveforms=true", "--set", "augment.mask_value=zero"],
        ["--task", "multi-label", "--set", "loss.over_classes=sum", "--set", "augment.mixup=none"],
        ["--model", "ast_tiny", "--set", "model.arguments.depth=1"],
    ],
    ids=["features", "waveforms", "multi-label", "ast"],
)
def test_other_ways_to_train(dataset, tmp_path, settings):
    out = tmp_path / "run"
    assert call("finetune", dataset, *QUICK, *settings, "--epochs", 1, "--out", out, "-q") == 0
    assert np.isfinite(last_metrics(out)["loss"])


def test_training_starts_from_other_weights(trained, dataset, tmp_path, capsys):
    out = tmp_path / "again"
    more = ["--init", trained, "--max-steps", 1, "--lr", "1e-6", "--out", out]
    assert call("finetune", dataset, *QUICK, *more) == 0
    assert "started from" in capsys.readouterr().err
    assert last_metrics(out)["accuracy"] == 1.0


@pytest.fixture(scope="module")
def films(tmp_path_factory) -> Path:
    """Grey films with tones, and one without sound."""
    folder = tmp_path_factory.mktemp("films")
    for split, count in (("train", 2), ("val", 1)):
        for label in PITCH:
            for number in range(count):
                path = folder / "films" / split / label / f"{number}.mp4"
                path.parent.mkdir(parents=True, exist_ok=True)
                grey = 40 if label == "low" else 200
                sound = [] if split == "train" and number else [class_tone(label, 1.0, number)]
                pictures = (np.full((48, 64, 3), grey, np.uint8) for _ in range(5))
                write_film(path, FilmSettings(fps=5, sample_rate=RATE), frames=pictures, audio=sound)
    assert call("prepare", folder / "films", "--out", folder / "data", "-q") == 0
    return folder


def test_mbt_learns_from_sound_and_pictures_and_scores_files_without_sound(films, tmp_path):
    small = ["--frames", 2, "--set", "data.video.size=16", "--set", "data.video.short_side=24"]
    mbt = [
        "--model",
        "mbt_tiny",
        "--set",
        "augment.mixup=modality",
        "--set",
        "augment.modality_dropout=0.3",
        "--batch-size",
        "2",
    ]
    run_out, out = tmp_path / "run", tmp_path / "out"
    arguments = [*QUICK, *mbt, *small, "--epochs", 1, "--out", run_out, "-q"]
    assert call("finetune", films / "data", *arguments) == 0
    assert {"audio", "video"} == set(
        json.loads((run_out / "model" / "preprocess.json").read_text())["inputs"]
    )
    silent = films / "films" / "train" / "low" / "1.mp4"
    heard = films / "films" / "train" / "low" / "0.mp4"
    assert call("predict", silent, heard, "--model", run_out, "--out", out, "-q") == 0
    assert np.isfinite(read_predictions(out).scores).all()


def test_a_folder_is_scored_file_by_file(trained, dataset, tmp_path):
    out = tmp_path / "out"
    sounds = dataset.parent / "files" / "val"
    assert call("predict", sounds, "--model", trained, "--out", out, "-q") == 0
    assert verify(out) == []
    rows = read_csv(out / "scores.csv")
    assert len(rows) == 4
    for row in rows:
        heard = max(PITCH, key=lambda label: float(row[label]))
        assert f"/{heard}/" in row["file"]
        assert sum(float(row[label]) for label in PITCH) == pytest.approx(1, abs=1e-5)


def test_clips_of_a_data_set_keep_their_labels(trained, dataset, tmp_path):
    out = tmp_path / "out"
    assert call("predict", dataset, "--split", "val", "--model", trained, "--out", out, "-q") == 0
    found = read_predictions(out)
    assert len(found.clip_ids) == 4
    assert (found.scores.argmax(axis=1) == found.label_indices()[:, 0]).all()


def test_validation_and_prediction_average_the_same_rotations(dataset, tmp_path):
    run_out, out = tmp_path / "run", tmp_path / "out"
    rotated = ["--set", "data.tta_shifts=4", "--set", "augment.time_roll=0.5", "--set", "augment.cutmix=0.5"]
    arguments = ["--model", "vgg_tiny", *rotated, "--epochs", 3, "--out", run_out, "-q"]
    assert call("finetune", dataset, *QUICK, *arguments) == 0
    assert json.loads((run_out / "model" / "preprocess.json").read_text())["rolls"] == 4
    assert call("predict", dataset, "--split", "val", "--model", run_out, "--out", out, "-q") == 0
    found = read_predictions(out)
    right = found.scores[np.arange(4), found.label_indices()[:, 0]]
    loss = np.log(np.exp(found.scores).sum(axis=1)) - right
    assert loss.mean() == pytest.approx(last_metrics(run_out)["loss"], abs=2e-3)  # features kept in float16


def test_cutmix_is_for_models_of_audio_alone(films, capsys):
    arguments = ["--model", "mbt_tiny", "--set", "augment.cutmix=0.5"]
    assert call("finetune", films / "data", *QUICK, *arguments) == 2
    assert "augment.cutmix needs a model of audio alone" in capsys.readouterr().err


@pytest.fixture
def long_file(tmp_path) -> Path:
    """30 s: low, high from 10 to 20, low again."""
    parts = [class_tone("low", 10, 1), class_tone("high", 10, 2), class_tone("low", 10, 3)]
    return write_wav(tmp_path / "long.wav", np.concatenate(parts))


def test_events_of_a_long_file_in_every_format(trained, long_file, tmp_path):
    out = tmp_path / "out"
    formats = "csv,json,vtt,audacity"
    arguments = ["--events", "--hop", "0.1", "--format", formats, "--out", out, "-q"]
    assert call("predict", long_file, "--model", trained, *arguments) == 0
    events = read_csv(out / "events.csv")
    assert [event["label"] for event in events] == ["low", "high", "low"]
    times = [float(event[name]) for event in events for name in ("start", "end")]
    assert times == pytest.approx([0, 10, 10, 20, 20, 30], abs=0.35)
    listed = json.loads((out / "events.json").read_text())["files"][0]["events"]
    assert [event["label"] for event in listed] == ["low", "high", "low"]
    (captions,) = (out / "events").glob("*.vtt")
    assert captions.read_text().count("-->") == 3
    (track,) = (out / "events").glob("*.txt")
    assert [line.split("\t")[2] for line in track.read_text().splitlines()] == ["low", "high", "low"]


def test_batches_do_not_change_scores(trained, long_file, tmp_path):
    for size in (1, 7):
        out = tmp_path / str(size)
        assert call("predict", long_file, "--model", trained, "--batch-size", size, "--out", out, "-q") == 0
    one, seven = (read_predictions(tmp_path / name).scores for name in ("1", "7"))
    np.testing.assert_allclose(one, seven, atol=1e-4)


def test_a_bad_file_does_not_stop_the_others_and_they_are_kept(trained, tmp_path, capsys):
    bad, good, out = (
        tmp_path / "bad.wav",
        write_wav(tmp_path / "good.wav", class_tone("low", 1)),
        tmp_path / "out",
    )
    bad.write_text("no sound")
    command = ["predict", bad, good, "--model", trained, "--out", out, "--json"]
    assert call(*command) == 1
    assert [file["status"] for file in json.loads(capsys.readouterr().out)["files"]] == [
        "failed",
        "predicted",
    ]
    assert [row["file"] for row in read_csv(out / "failures.csv")] == [str(bad)]
    write_wav(bad, class_tone("high", 1))
    assert call(*command) == 0
    files = json.loads(capsys.readouterr().out)["files"]
    assert [file["status"] for file in files] == ["predicted", "kept"]
    assert [file["label"] for file in files] == ["high", "low"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model", "cnnn"], "did you mean"),
        (["--model", "mbt_tiny", "--set", "model.arguments.fusion_layer=9"], "fusion layer 9"),
        (["--model", "mbt_tiny", "--set", "model.arguments.num_bottlenecks=0"], "bottleneck"),
        (["--set", "model.arguments.num_classes=3"], "class list"),
        (["--set", "model.arguments.width=3"], "did you mean `widths`"),
        (["--model", "mbt_tiny"], "have no video"),
        (["--folds", "1-4"], "has no folds"),
        (["--set", "data.train_split=tran"], "has no split `tran`"),
        (["--set", "augment.mixup_probability=2"], "mixup_probability"),
        (["--set", "augment.modality_dropout=1.5"], "modality_dropout"),
        (["--set", "augment.modality_dropout=0.5"], "needs a model of audio and video"),
        (["--set", "augment.mixup=modality"], "needs a model of both"),
        (["--lr", "2"], "too large for adamw"),
        (["--seconds", "0.01"], "shorter than one window"),
        (["--set", "data.mean=-4"], "belong together"),
        (["--task", "verb-noun"], "verbs.csv"),
        (["--init", "/nowhere.pt"], "do not exist"),
    ],
)
def test_bad_input_is_told_in_one_line(dataset, tmp_path, capsys, arguments, words):
    out = tmp_path / "run"
    assert call("finetune", dataset, *QUICK, *arguments, "--epochs", 1, "--out", out, "-q") == 2
    error = capsys.readouterr().err
    assert words in error
    assert "Traceback" not in error
    assert not out.exists()
    assert not partial_folder(out).exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.wav"], "does not exist"),
        (["."], "no media"),
        (["FILE", "--threshold", "2"], "threshold"),
        (["FILE", "--format", "csv,xml"], "--format"),
    ],
)
def test_bad_predictions_are_told_in_one_line(trained, tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    file = write_wav(tmp_path.parent / f"{tmp_path.name}-sound" / "a.wav", class_tone("low", 0.6))
    arguments = [file if argument == "FILE" else argument for argument in arguments]
    assert call("predict", *arguments, "--model", trained, "--out", tmp_path.parent / "never") == 2
    assert words in capsys.readouterr().err


def test_a_folder_without_a_model_is_refused(dataset, tmp_path, capsys):
    file = write_wav(tmp_path / "a.wav", class_tone("low", 0.6))
    assert call("predict", file, "--model", dataset, "--out", tmp_path / "out") == 2
    assert "holds no model" in capsys.readouterr().err
