"""VGGSounder: its metrics in closed form and beside scikit-learn, and a model with a modality taken away."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score

from avtool.cli.main import run
from avtool.data.inputs.audio import AudioInput
from avtool.data.inputs.settings import AudioSettings, VideoSettings
from avtool.data.inputs.spec import InputSpec
from avtool.data.inputs.video import VideoInput
from avtool.evaluation.metrics.top_labels import modality_confusion, score_top_label
from avtool.inference.outputs import OutputSpec
from avtool.media.encode import FilmSettings, write_film
from avtool.models.model_folder import ModelDescription, save_model
from avtool.models.registry import create
from tests.harness import ENCODERS, RATE, sine

LABELS = ["dog barking", "playing piano", "people crowd"]


def one_hot(*columns: int) -> np.ndarray:
    return np.eye(3)[list(columns)]


def test_the_top_label_of_a_handful_of_clips():
    truth = [[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 1, 1]]
    found = score_top_label(truth, one_hot(0, 0, 1, 2))
    assert (found.accuracy, found.hit, found.num_clips) == (0.25, 0.75, 4)
    assert found.f1 == pytest.approx(2 * 3 / (4 + 6))


def test_scores_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    truth, scores = rng.random((200, 6)) < 0.3, rng.random((200, 6))
    truth[:, 0] |= ~truth.any(axis=1)
    predicted = np.eye(6, dtype=int)[scores.argmax(axis=1)]
    found = score_top_label(truth, scores)
    assert found.accuracy == pytest.approx(accuracy_score(truth, predicted))
    assert found.f1 == pytest.approx(f1_score(truth, predicted, average="micro"))
    assert found.hit == pytest.approx((truth & (predicted == 1)).any(axis=1).mean())


def test_confusion_counts_what_the_other_modality_takes_away():
    truth = one_hot(0, 0, 0, 0, 0)
    audio, video, both = one_hot(0, 0, 1, 1, 0), one_hot(0, 1, 0, 1, 0), one_hot(1, 1, 1, 1, 0)
    found = modality_confusion(truth, audio, video, both)
    assert (found.audio, found.video, found.either_alone) == (2 / 5, 2 / 5, 1 / 5)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MBT of random weights, its last layer too, with the names of ten classes."""
    torch.manual_seed(0)
    arguments = ENCODERS["mbt_tiny"][1]
    network = create("mbt_tiny", **arguments)
    with torch.no_grad():
        for name, value in network.named_parameters():
            if "head" in name:
                value.normal_()
    inputs = InputSpec(
        (
            VideoInput(VideoSettings(num_frames=4, seconds=1.0, size=16, short_side=16)),
            AudioInput(AudioSettings(num_mel_bins=32), 96, -5.0, 4.0),
        )
    )
    outputs = OutputSpec("single-label", (*LABELS, *"abcdefg"), (10,), 1)
    folder = tmp_path_factory.mktemp("model") / "mbt"
    described = ModelDescription("mbt_tiny", arguments, {**outputs.to_json(), **inputs.to_json()})
    save_model(folder, network.state_dict(), described)
    return folder


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    rows = ["video_id,label,modality,background_music,static_image,voice_over"]
    for number in range(6):
        name = f"film{number:07d}_000030"
        frames = np.random.default_rng(number).integers(0, 255, (8, 24, 24, 3)).astype(np.uint8)
        audio = (sine(1.0, 200.0 + 150 * number) * 20000).astype(np.int16)[None]
        settings = FilmSettings(fps=8, sample_rate=RATE)
        write_film(folder / f"{name}.mp4", settings, frames=list(frames), audio=audio)
        music = number == 5
        for place, modality in ((number % 3, "AV"), ((number + 1) % 3, "A"), ((number + 2) % 3, "V")):
            if modality != "V" or number % 2:
                rows.append(f"{name},{LABELS[place]},{modality},{music},False,False")
    (folder / "vggsounder.csv").write_text("\n".join(rows) + "\n")
    return folder


def call(*arguments: object) -> int:
    return run([*map(str, arguments), "--no-progress", "-q"])


def test_a_model_is_scored_in_three_modes(films: Path, model: Path, tmp_path: Path, capsys) -> None:
    media = sorted(films.glob("*.mp4"))
    for mode in ("audio", "video", "both"):
        only = [] if mode == "both" else ["--modality", mode]
        assert (
            call("predict", *media, "--model", model, "--out", tmp_path / mode, "--device", "cpu", *only) == 0
        )
    modes = [tmp_path / mode / "scores.csv" for mode in ("audio", "video", "both")]
    assert len({path.read_text() for path in modes}) == 3
    capsys.readouterr()
    arguments = [
        "--data", films, "--audio", tmp_path / "audio", "--video", tmp_path / "video",
        "--predictions", tmp_path / "both",
    ]  # fmt: skip
    assert call("eval", "--benchmark", "vggsounder", *arguments, "--json", "--out", tmp_path / "report") == 0
    metrics = json.loads(capsys.readouterr().out)["report"]["metrics"]
    assert metrics["clips"] == {"a": 5, "v": 5, "av": 5, "a only": 5, "v only": 2}  # one has music
    assert {f"μ {part}" for part in ("a", "v", "av")} <= metrics.keys()
    assert 0 <= metrics["μ av"] <= min(metrics["μ a"], metrics["μ v"])
    assert call("eval", "--benchmark", "vggsounder", *arguments, "--json", "--set", "music=true") == 0
    assert json.loads(capsys.readouterr().out)["report"]["metrics"]["clips"]["a"] == 6
    assert call("eval", "--benchmark", "vggsounder", "--data", films) == 2
    assert "VGGSounder needs --audio, --video, --predictions" in capsys.readouterr().err
