"""The Python API: `import avtool`, and nothing else."""

import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

import avtool
from tests.harness import save_encoder

RATE = 16000
FUNCTIONS = ("create_model", "embed", "list_models", "load_model", "predict", "read_dataset", "train")
QUICK = {
    "data.audio.num_mel_bins": 16,
    "loop.epochs": 1,
    "loop.batch_size": 4,
    "loop.workers": 0,
    "loop.tensorboard": False,
    "runtime.device": "cpu",
    "model.name": "cnn_tiny",
}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight tones of two heights, as a dataset."""
    from avtool.cli.main import run

    folder = tmp_path_factory.mktemp("api")
    for name, pitch in (("high", 3000), ("low", 300)):
        (folder / "media" / name).mkdir(parents=True)
        for number in range(4):
            wave = 0.3 * np.sin(2 * np.pi * (pitch + 10 * number) * np.arange(RATE) / RATE)
            soundfile.write(folder / "media" / name / f"{number}.wav", wave, RATE)
    assert run(["prepare", str(folder / "media"), "--out", str(folder / "data"), "-q", "--no-progress"]) == 0
    return folder / "data"


def test_importing_it_loads_nothing_heavy() -> None:
    heavy = "{'torch', 'pandas', 'pyarrow', 'av', 'pydantic'}"
    code = f"import sys, avtool; dir(avtool); sys.exit(bool({heavy} & {{*sys.modules}}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_everything_is_listed_typed_and_documented() -> None:
    assert set(FUNCTIONS) < set(dir(avtool))
    for name in dir(avtool):
        value = getattr(avtool, name)
        if name == "__version__":
            continue
        assert inspect.getdoc(value), name
        if name in FUNCTIONS:
            assert inspect.signature(value).return_annotation is not inspect.Signature.empty
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = avtool.nothing


def test_models_are_listed_and_built() -> None:
    assert "ast_tiny" in avtool.list_models("ast_*")
    model = avtool.create_model("cnn_tiny", num_classes=3)
    assert model.head[-1].out_features == 3
    with pytest.raises(avtool.AvtoolError, match="cnn_tin"):
        avtool.create_model("cnn_tin")


def test_a_model_is_trained_and_predicts(dataset: Path, tmp_path: Path) -> None:
    clips = avtool.read_dataset(dataset)
    assert len(clips) == 8
    result = avtool.train("classification", dataset, tmp_path / "run", settings=QUICK)
    assert result.steps > 0
    model = avtool.load_model(result.out, device="cpu")
    assert isinstance(model, avtool.TrainedModel)
    files = sorted((dataset.parent / "media" / "high").iterdir())
    predictions = model.predict(files, events=True, threshold=0.0)
    assert [prediction.name for prediction in predictions] == [str(file) for file in files]
    for prediction in predictions:
        assert prediction.label in {"high", "low"}
        assert prediction.probability == prediction.probabilities.max()
        assert prediction.seconds == pytest.approx(1.0)
        assert {event.label for event in prediction.events} == {"high", "low"}
    again = avtool.predict(files[:1], result.out, events=True)
    np.testing.assert_allclose(again[0].probabilities, predictions[0].probabilities, atol=1e-5)
    with pytest.raises(avtool.AvtoolError, match="unknown key `treshold`"):
        model.predict(files, treshold=0.1)


def test_files_are_embedded(media: Path, tmp_path: Path) -> None:
    encoder = save_encoder(tmp_path / "model")
    (found,) = avtool.embed([media / "sound.wav"], encoder, windows=2)
    assert found.values.shape[0] == len(found.spans) == 2
    assert found.values.dtype == np.float32
    assert found.spans[0][0] == 0
    with pytest.raises(avtool.AvtoolError, match="no classifier"):
        avtool.load_model(encoder).predict([media / "sound.wav"])
