"""An MBT learns from real films, and from mined ones: by sound, by pictures, and by both."""

import csv
import json
from pathlib import Path

import pytest

from avtool.core.files import read_json
from avtool.evaluation.predictions_file import read_predictions
from avtool.synthetic.make_film import make_film
from tests.harness import call

pytestmark = pytest.mark.slow
FILMS = {
    "battle": "video/tears_of_steel_battle_70s.webm",
    "cartoon": "video/big_buck_bunny_480p_30s_surround.mp4",
    "street": "video/exo_london_240p_15s.mp4",
    "tractor": "video_edge/tractor_no_audio.webm",
    "cars": "video_edge/cars_silent_audio.mp4",
}
CLIPS, SECONDS = 7, 1.25
QUICK = ["--recipe", "finetune/mbt-tiny", "--device", "cpu", "--workers", "0", "-q"]


def losses(out: Path) -> list[float]:
    lines = map(json.loads, (out / "metrics.jsonl").read_text().splitlines())
    return [line["loss"] for line in lines if line["split"] == "train"]


@pytest.fixture(scope="module")
def films(test_data: Path, tmp_path_factory) -> Path:
    """Clips of five real films, small copies; one film has no sound, and one only silence."""
    folder = tmp_path_factory.mktemp("films")
    with (folder / "films.csv").open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["media", "start", "end", "label", "split"])
        for label, name in FILMS.items():
            for number in range(CLIPS):
                start, split = SECONDS * number, "val" if number % 4 == 3 else "train"
                table.writerow([test_data / name, start, start + SECONDS, label, split])
    arguments = ["--reencode", "--height", 72, "-q"]
    assert call("prepare", folder / "films.csv", "--out", folder / "data", *arguments) == 0
    return folder / "data"


@pytest.fixture(scope="module")
def mined(tmp_path_factory) -> Path:
    """The mined data set of two films of a minute, made as `avtool demo` makes them."""
    folder = tmp_path_factory.mktemp("made")
    made = [make_film(folder, seed=seed, minutes=1, name=f"film{seed}").film for seed in (1, 2)]
    arguments = ["--vad", "none", "--sync", "none", "-q"]
    assert call("mine-subtitles", *made, "--out", folder / "mined", *arguments) == 0
    return folder / "mined"


@pytest.mark.parametrize("modalities", ["audio", "video", "video,audio"])
def test_mbt_learns_from_real_films(films: Path, tmp_path: Path, modalities: str) -> None:
    out = tmp_path / "run"
    length = ["--epochs", 10, "--batch-size", 8, "--set", "augment.mixup=none", "--set", "loop.log_every=5"]
    assert (
        call("finetune", films, "--set", f"model.modalities={modalities}", *length, *QUICK, "--out", out) == 0
    )
    assert list(read_json(out / "model" / "preprocess.json")["inputs"]) == modalities.split(",")
    curve = losses(out)
    assert curve[-1] < 0.9 * curve[0], curve


@pytest.mark.parametrize("modalities", ["audio", "video", "video,audio"])
def test_mbt_learns_from_mined_films(mined: Path, tmp_path: Path, modalities: str) -> None:
    splits = ["split_column='group'", "train_split='film1'", "val_split='film2'"]
    arguments = [word for split in splits for word in ("--set", f"data.{split}")]
    out = tmp_path / "run"
    arguments += ["--set", f"model.modalities={modalities}", "--epochs", 2]
    assert call("finetune", mined, *arguments, *QUICK, "--out", out) == 0
    assert read_json(out / "outcome.json")["metrics"]["loss"] > 0


def test_a_model_of_both_scores_films_that_lack_one(films: Path, test_data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert call("finetune", films, *QUICK, "--epochs", 1, "--out", out) == 0
    film = test_data / "video_edge" / "tractor_no_audio.webm"
    sound = next((test_data / "esc10").rglob("*.ogg"))
    scores = tmp_path / "scores"
    assert call("predict", film, sound, "--model", out, "--device", "cpu", "-q", "--out", scores) == 0
    assert len(read_predictions(scores).clip_ids) == 2
