"""Sound event detection: scores over time of a real prediction, and PSDS and F1 of made ones."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from avtool.cli.main import run
from avtool.core.artifact import Artifact
from avtool.core.artifact_folder import open_partial, publish
from avtool.data.inputs.audio import AudioInput
from avtool.data.inputs.settings import AudioSettings
from avtool.data.inputs.spec import InputSpec
from avtool.data.items import Item
from avtool.evaluation.predictions import Predictions
from avtool.evaluation.predictions_file import write_predictions
from avtool.inference.outputs import OutputSpec
from avtool.inference.timelines import SCORES, read_scores, write_scores
from avtool.models.model_folder import ModelDescription, save_model
from avtool.models.registry import create
from tests.harness import RATE, sine

LABELS = ("dog", "speech")


def artifact(folder: Path, scores: dict[str, list[list[float]]]) -> Path:
    """A `predictions` artifact with scores over time of files of ten seconds."""
    partial = open_partial(folder, {"made": True}, kind="predictions", overwrite=False)
    names = tuple(scores)
    logits = np.zeros((len(names), 2), np.float32)
    write_predictions(partial, Predictions(names, LABELS, logits, ((),) * len(names)))
    (partial / SCORES).mkdir()
    for name, frames in scores.items():
        write_scores(partial / SCORES / f"{Item(name, Path(name)).stem}.tsv", LABELS, frames)
    publish(folder, Artifact("predictions", "test", {"made": True}))
    return folder


def frames(active: dict[int, tuple[float, float]]) -> list[list[float]]:
    """Scores of twenty halves of a second; those that are not given are low."""
    return [[i / 2, (i + 1) / 2, *active.get(i, (0.1, 0.1))] for i in range(20)]


def table(path: Path, rows: list[str]) -> Path:
    path.write_text("\n".join(["filename\tonset\toffset\tevent_label", *rows]) + "\n")
    return path


TRUTH = ["a.wav\t1.0\t3.0\tdog", "a.wav\t5.0\t8.0\tspeech", "b.wav\t2.0\t4.0\tdog", "c.wav\t\t\t"]
RIGHT = {
    "x/a.wav": frames({**dict.fromkeys(range(2, 6), (0.9, 0.1)), **dict.fromkeys(range(10, 16), (0.1, 0.9))}),
    "x/b.wav": frames(dict.fromkeys(range(4, 8), (0.9, 0.1))),
    "x/c.wav": frames({}),
}


def call(*arguments: object) -> int:
    return run(["eval", "--benchmark", "desed", *map(str, arguments), "--no-progress", "-q"])


def scored(capsys, *arguments: object) -> dict:
    pytest.importorskip("sed_scores_eval", reason="the extra [sed] is not installed")
    capsys.readouterr()
    assert call(*arguments, "--json") == 0
    return json.loads(capsys.readouterr().out)["report"]


@pytest.mark.filterwarnings("ignore")
def test_right_events_have_all_points(tmp_path: Path, capsys) -> None:
    truth, predictions = table(tmp_path / "truth.tsv", TRUTH), artifact(tmp_path / "p", RIGHT)
    found = scored(capsys, "--data", truth, "--predictions", predictions)
    metrics = found["metrics"]
    assert [metrics[key] for key in ("PSDS1", "PSDS2", "F1")] == pytest.approx([100, 100, 100])
    assert (metrics["files"], metrics["hours"]) == (3, pytest.approx(30 / 3600))
    assert found["tables"][1]["rows"][0][:2] == ["dog", 2]
    assert any("2 classes, DESED has 10" in text for text in found["caveats"])


@pytest.mark.filterwarnings("ignore")
def test_late_events_miss_the_collar_and_not_the_class(tmp_path: Path, capsys) -> None:
    """Half a second late is outside of 200 ms; three quarters of the event is still enough for both PSDS."""
    late = {name: frames({}) for name in RIGHT}
    speech = dict.fromkeys(range(10, 16), (0.1, 0.9))
    late["x/a.wav"] = frames(dict.fromkeys(range(3, 6), (0.9, 0.1)) | speech)
    late["x/b.wav"] = RIGHT["x/b.wav"]
    truth, predictions = table(tmp_path / "truth.tsv", TRUTH), artifact(tmp_path / "p", late)
    metrics = scored(capsys, "--data", truth, "--predictions", predictions)["metrics"]
    assert metrics["PSDS1"] == pytest.approx(100)
    assert metrics["per_class"]["dog"]["F1"] == pytest.approx(0.5)  # one right, one wrong, one missed
    assert metrics["per_class"]["speech"]["F1"] == pytest.approx(1)
    assert metrics["F1"] == pytest.approx(75)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([*TRUTH, "d.wav\t1\t2\tdog"], "1 files of the table were not predicted, `d`"),
        ([*TRUTH, "a.wav\t1\t2\tcat"], "the model has no class `cat`"),
        (["a.wav\t3\t2\tdog"], "line 2: an event of 3.0 to 2.0 s"),
        (["a.wav\t\t\t"], "has no event"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, capsys, rows: list[str], message: str) -> None:
    pytest.importorskip("sed_scores_eval", reason="the extra [sed] is not installed")
    truth, predictions = table(tmp_path / "truth.tsv", rows), artifact(tmp_path / "p", RIGHT)
    assert call("--data", truth, "--predictions", predictions) == 2
    assert message in capsys.readouterr().err


def test_a_timeline_has_the_scores_of_all_classes(tmp_path: Path) -> None:
    model = tmp_path / "model"
    inputs = InputSpec((AudioInput(AudioSettings(num_mel_bins=32), 96, -5.0, 4.0),))
    outputs = OutputSpec("single-label", ("noise", "tone"), (2,), 1)
    described = ModelDescription("cnn_tiny", {"num_classes": 2}, {**outputs.to_json(), **inputs.to_json()})
    save_model(model, create("cnn_tiny", num_classes=2).state_dict(), described)
    soundfile.write(tmp_path / "a.wav", sine(3.0), RATE)
    command = ["predict", tmp_path / "a.wav", "--model", model, "--events", "--format", "csv,scores"]
    command += ["--out", tmp_path / "out", "--device", "cpu", "--no-progress", "-q"]
    assert run([*map(str, command)]) == 0
    (path,) = (tmp_path / "out" / SCORES).glob("*.tsv")
    labels, rows = read_scores(path)
    assert labels == ["noise", "tone"]
    values = np.array(rows)
    assert values[0, 0] == 0
    np.testing.assert_allclose(values[1:, 0], values[:-1, 1])
    assert values[-1, 1] == pytest.approx(3.0, abs=0.02)
    np.testing.assert_allclose(values[:, 2:].sum(axis=1), 1, atol=1e-4)
    assert run([*map(str, command[:4]), "--format", "scores", "--out", str(tmp_path / "no"), "-q"]) == 2
