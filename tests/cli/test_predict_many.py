"""`avtool predict` over many files: several processes, long clips, models that cannot be fed."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from avtool.cli.main import run
from avtool.core.reporter import Silent
from avtool.data.inputs.audio import AudioInput
from avtool.data.inputs.base import ModelInput
from avtool.data.inputs.feature_cache import cached_features
from avtool.data.inputs.features import FeaturesInput
from avtool.data.inputs.settings import AudioSettings
from avtool.data.inputs.spec import InputSpec
from avtool.data.items import Item
from avtool.data.manifest import Clip, Manifest, read_manifest, write_manifest
from avtool.inference.outputs import OutputSpec
from avtool.inference.windows import iter_windows
from avtool.models.model_folder import ModelDescription, save_model
from avtool.models.registry import create
from tests.harness import noise, write_wav

RATE = 16000
LABELS = ("a", "b", "c")


AUDIO = AudioInput(AudioSettings(num_mel_bins=32), 98, -5.0, 4.0)
OUTPUTS = OutputSpec("single-label", LABELS, (3,))


def model(folder: Path, builder: str, *inputs: ModelInput) -> Path:
    """A model of random weights."""
    torch.manual_seed(0)
    network = create(builder, num_classes=3)
    description = ModelDescription(
        builder, {"num_classes": 3}, {**OUTPUTS.to_json(), **InputSpec(inputs).to_json()}
    )
    save_model(folder, network.state_dict(), description)
    return folder


@pytest.fixture
def cnn(tmp_path) -> Path:
    return model(tmp_path / "model", "cnn_tiny", AUDIO)


def predict(cnn: Path, out: Path, *sources: object, jobs: int) -> int:
    more = ["--model", cnn, "--out", out, "--jobs", jobs, "--events", "--device", "cpu", "--json", "-q"]
    return run([str(word) for word in ["predict", *sources, *more]])


def data_set(folder: Path, sound: Path, *spans: tuple[float, float]) -> Manifest:
    write_manifest(folder, [Clip(f"{start:g}", str(sound), start, end) for start, end in spans])
    return read_manifest(folder / "manifest.parquet")


def test_processes_find_what_one_finds(cnn, tmp_path, capsys):
    for number in range(5):
        write_wav(tmp_path / "sounds" / f"{number}.wav", noise(1 + number, seed=number))
    (tmp_path / "sounds" / "2.wav").write_text("no sound")
    outs = {}
    for jobs in (1, 2):
        assert predict(cnn, tmp_path / f"{jobs}", tmp_path / "sounds", jobs=jobs) == 1
        files = json.loads(capsys.readouterr().out)["files"]
        assert [file["status"] for file in files] == ["predicted"] * 2 + ["failed"] + ["predicted"] * 2
        outs[jobs] = [(tmp_path / f"{jobs}" / name).read_bytes() for name in ("scores.csv", "events.csv")]
    assert outs[1] == outs[2]


def test_processes_score_what_is_new(cnn, tmp_path, capsys):
    sounds = [write_wav(tmp_path / "sounds" / f"{number}.wav", noise(1, seed=number)) for number in range(3)]
    assert predict(cnn, tmp_path / "out", sounds[0], jobs=1) == 0
    capsys.readouterr()
    assert predict(cnn, tmp_path / "out", *sounds, jobs=2) == 0
    statuses = [file["status"] for file in json.loads(capsys.readouterr().out)["files"]]
    assert statuses == ["kept", "predicted", "predicted"]


def test_a_clip_that_is_a_whole_film_is_read_in_blocks(tmp_path):
    sound = write_wav(tmp_path / "sounds" / "long.wav", noise(130, seed=0))
    clips = data_set(tmp_path, sound, (0.5, 130.5))
    item = Item("0.5", sound, clips[0], clips)
    windows = list(iter_windows(item, InputSpec((AUDIO,)), hop=10.0))
    whole, _ = soundfile.read(sound, dtype="float32")
    whole = np.pad(whole[RATE // 2 :], (0, RATE // 2))  # the file ends half a second before the clip
    waveforms = [window.values["audio"] for window in windows]
    for window, waveform in zip(windows, waveforms, strict=True):
        first = round(window.start * RATE)
        np.testing.assert_array_equal(waveform, whole[first : first + len(waveform)])
    assert len(windows) == 13
    assert max(waveform.base.size for waveform in waveforms if waveform.base is not None) < 71 * RATE


def test_clips_of_a_data_set_are_scored_in_processes(cnn, tmp_path):
    sound = write_wav(tmp_path / "sounds" / "one.wav", noise(6, seed=0))
    (tmp_path / "table.csv").write_text(
        f"media,start,end,label\n{sound},0,2,a\n{sound},2,4,b\n{sound},4,6,c\n"
    )
    assert run(["prepare", str(tmp_path / "table.csv"), "--out", str(tmp_path / "set"), "-q"]) == 0
    for jobs in (1, 2):
        assert predict(cnn, tmp_path / f"{jobs}", tmp_path / "set", jobs=jobs) == 0
    tables = [(tmp_path / f"{jobs}" / "scores.csv").read_text() for jobs in (1, 2)]
    assert tables[0] == tables[1]
    assert len(tables[0].splitlines()) == 4


def test_a_model_of_frame_features_is_refused_in_one_line(tmp_path, capsys):
    ast_mm = model(tmp_path / "model", "ast_mm_tiny", AUDIO, FeaturesInput(12))
    sound = write_wav(tmp_path / "sounds" / "a.wav", noise(1, seed=0))
    assert predict(ast_mm, tmp_path / "out", sound, jobs=1) == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 2
    assert "has no frame features" in told[0]
    assert not (tmp_path / "out.partial").exists()


def test_frame_features_are_read_from_their_artifact(tmp_path, monkeypatch):
    monkeypatch.setenv("AVTOOL_CACHE_DIR", str(tmp_path / "cache"))
    sound = write_wav(tmp_path / "sounds" / "one.wav", noise(4, seed=0))
    (tmp_path / "table.csv").write_text(f"media,start,end,label\n{sound},0,2,a\n{sound},2,4,b\n")
    assert run(["prepare", str(tmp_path / "table.csv"), "--out", str(tmp_path / "set"), "-q"]) == 0
    clips = read_manifest(tmp_path / "set")
    frames = cached_features(clips, AudioSettings(num_mel_bins=16), Silent(), folder=tmp_path / "frames")
    settings = [
        f"data.frame_features={frames.folder}", "data.audio.num_mel_bins=16", "loop.workers=0",
    ]  # fmt: skip
    quick = ["--model", "ast_mm_tiny", "--epochs", 1, "--batch-size", 2, "--device", "cpu", "-q"]
    flags = [word for setting in settings for word in ("--set", setting)]
    words = ["finetune", tmp_path / "set", *quick, *flags, "--out", tmp_path / "model"]
    assert run([str(word) for word in words]) == 0
    more = ["--model", tmp_path / "model", "--frame-features", frames.folder, "--device", "cpu", "-q"]
    for jobs in (1, 2):
        words = ["predict", tmp_path / "set", *more, "--out", tmp_path / f"{jobs}", "--jobs", jobs]
        assert run([str(word) for word in words]) == 0
    tables = [(tmp_path / f"{jobs}" / "scores.csv").read_text() for jobs in (1, 2)]
    assert tables[0] == tables[1]
    assert len(tables[0].splitlines()) == 3
