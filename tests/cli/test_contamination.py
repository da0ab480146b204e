"""Models that have learned from the test clips of a benchmark: refused with labels, marked without."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from avtool.core.learned_clips import RECORD, read_learned
from tests.harness import Result, run_avtool
from tests.unit.benchmarks.runner.esc_samples import make_esc10, read_esc10

RATE = 16000
SMALL = ["--set", "data.audio.num_mel_bins=32", "--set", "data.audio.hop_ms=40", "--device", "cpu"]
STEP = ["--set", "loop.max_steps=1", "--set", "loop.workers=0", "--set", "loop.tensorboard=false"]
QUICK = ["--folds", "1", "--set", "windows=1", "--set", "random_init=false"]
BEST = ["--set", "loop.final=best"]
TRAIN = [*SMALL, *STEP, "--set", "data.audio.window_ms=80", "--model", "cnn_tiny", "--task", "single-label"]


def succeed(*arguments: object) -> Result:
    done = run_avtool(*arguments, "--no-progress")
    assert done.code == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The benchmark `esc`, prepared as `dataset`, and a model `leaky` of all of its clips."""
    folder = tmp_path_factory.mktemp("contamination")
    rng = np.random.default_rng(0)
    for clip in read_esc10(make_esc10(folder / "esc")).clips:
        soundfile.write(clip.media, 0.1 * rng.standard_normal(RATE // 2), RATE, format="OGG")
    succeed("prepare", folder / "esc", "--out", folder / "dataset")
    succeed("finetune", folder / "dataset", "--out", folder / "leaky", *TRAIN)
    return folder


def evaluate(place: Path, *arguments: object) -> Result:
    given = ["--data", place / "esc", "--set", "jobs=1", "--set", "baselines=false", *arguments]
    return run_avtool("eval", "--benchmark", "esc10", *given, "--json", "--no-progress")


def assert_refused(done: Result, words: str) -> None:
    assert done.code == 2, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_model_of_all_clips_is_refused(place: Path) -> None:
    assert_refused(evaluate(place, "--model", place / "leaky"), "has learned from all folds")
    assert_refused(evaluate(place, "--model", place / "leaky" / "model", "--folds", "2"), "from fold 2")


def test_renamed_copies_are_found_by_their_content(place: Path) -> None:
    rows = list(csv.DictReader((place / "esc" / "meta" / "esc50.csv").read_text().splitlines()))
    for number, row in enumerate(rows):
        (place / "renamed" / row["category"]).mkdir(parents=True, exist_ok=True)
        shutil.copy(
            place / "esc" / "audio" / row["filename"], place / "renamed" / row["category"] / f"{number}.ogg"
        )
    succeed("prepare", place / "renamed", "--out", place / "renamed-dataset")
    succeed("finetune", place / "renamed-dataset", "--out", place / "renamed-run", *TRAIN)
    assert_refused(evaluate(place, "--model", place / "renamed-run"), "has learned from all folds")


def test_initial_weights_pass_their_clips_on(place: Path) -> None:
    run = place / "second"
    succeed("finetune", place / "dataset", "--folds", "1-4", "--init", place / "leaky", "--out", run, *TRAIN)
    assert_refused(evaluate(place, "--model", run, "--folds", "5"), "has learned from fold 5")
    weights = place / "leaky" / "model" / "model.safetensors"
    recipe = place / "start.toml"
    recipe.write_text(f'command = "finetune"\nmodel = {{ name = "cnn_tiny", init = "{weights}" }}\n')
    assert_refused(evaluate(place, "--training", recipe, "--folds", "1"), "80 of 80 test clips")


def test_a_labelled_encoder_is_refused(place: Path) -> None:
    for protocol in ("linear", "finetune"):
        done = evaluate(place, "--encoder", place / "leaky", "--protocol", protocol, "--folds", "1")
        assert_refused(done, "has learned from fold 1 with labels: 80 of 80 test clips")


def test_an_encoder_without_labels_is_marked_everywhere(place: Path) -> None:
    encoder, report = place / "encoder", place / "report"
    wanted = ["--preset", "tiny", "--set", "data.seconds=0.5", "--set", "data.audio.num_mel_bins=32"]
    succeed("pretrain", "audio-mae", place / "dataset", *wanted, *STEP, "--out", encoder, "--device", "cpu")
    done = evaluate(place, "--encoder", encoder, "--protocol", "knn", *QUICK, "--out", report)
    assert done.code == 0, done.stderr
    sentence = "was pretrained on 80 of 80 test clips or their recordings, without labels"
    assert sentence in done.stderr.replace("\n", " ")
    assert sentence in done.json["report"]["caveats"][0]
    metrics = json.loads((report / "metrics.json").read_text())
    assert metrics["contamination"]["no labels"] == 80
    assert sentence in metrics["caveats"][0]
    assert sentence in (report / "report.html").read_text().replace("&#39;", "'")


def test_a_fold_that_was_left_out_is_scored(place: Path) -> None:
    run = place / "honest"
    succeed("finetune", place / "dataset", "--folds", "1-4", "--out", run, *TRAIN)
    done = evaluate(place, "--model", run)
    assert done.code == 0, done.stderr
    assert done.json["report"]["metrics"]["folds"] == [5]
    assert done.json["report"]["caveats"] == []


def test_validation_clips_are_marked(place: Path) -> None:
    run = place / "validated"
    succeed("finetune", place / "dataset", "--folds", "1-4", "--val-folds", "5", "--out", run, *TRAIN, *BEST)
    done = evaluate(place, "--model", run)
    assert done.code == 0, done.stderr
    assert "its checkpoint was chosen by them" in done.json["report"]["caveats"][0]


def test_a_model_without_a_record_is_refused_unless_unverified(place: Path) -> None:
    unknown = place / "unknown"
    shutil.copytree(place / "leaky" / "model", unknown)
    (unknown / RECORD).unlink()
    assert_refused(evaluate(place, "--model", unknown, "--folds", "1"), "no record of the clips")
    done = evaluate(place, "--encoder", unknown, "--protocol", "knn", "--folds", "1")
    assert_refused(done, "no record of the clips")
    done = evaluate(place, "--model", unknown, "--folds", "1", "--unverified")
    assert done.code == 0, done.stderr
    assert "the numbers are unverified" in done.json["report"]["caveats"][0]
    run = place / "of-unknown"
    succeed("finetune", place / "dataset", "--folds", "1-4", "--init", unknown, "--out", run, *TRAIN)
    assert read_learned(run / "model").unknown == (str(unknown),)


def test_predictions_carry_what_their_model_learned(place: Path) -> None:
    found = place / "predictions"
    succeed("predict", place / "dataset", "--model", place / "leaky", "--out", found, "--device", "cpu")
    assert_refused(evaluate(place, "--predictions", found), "with labels: 400 of 400 test clips")
    done = run_avtool("eval", "--predictions", found, "--no-progress")
    assert_refused(done, "with labels: 400 of 400 test clips")
