"""Inputs in `preprocess.json`, and windows of files."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.data.inputs.audio import AudioInput
from avtool.data.inputs.image import ImageInput
from avtool.data.inputs.settings import AudioSettings, VideoSettings
from avtool.data.inputs.spec import InputSpec, read_inputs
from avtool.data.inputs.video import VideoInput
from avtool.data.items import Item
from avtool.inference.windows import iter_windows, spaced_windows

SPEC = InputSpec(
    (
        AudioInput(AudioSettings(num_mel_bins=32), 98, mean=-5.0, std=4.0),
        VideoInput(VideoSettings(num_frames=4, seconds=2.0, size=16, short_side=16)),
    )
)
OLDER = {
    "inputs": ["audio", "video"],
    "sample_rate": 16000,
    "seconds": 0.995,
    "num_frames": 98,
    "fbank": {"num_mel_bins": 32},
    "mean": -5.0,
    "std": 4.0,
    "pad_waveform": False,
    "video": {"num_frames": 4, "seconds": 2.0, "size": 16, "short_side": 16},
}
MODEL = Path("model")


def wav(path: Path, seconds: float) -> Item:
    soundfile.write(path, np.arange(round(16000 * seconds)) % 100 / 200, 16000)
    return Item(str(path), path)


def test_inputs_survive_their_file() -> None:
    assert read_inputs(MODEL, SPEC.to_json()) == SPEC
    assert read_inputs(MODEL, json.loads(json.dumps(SPEC.to_json()))) == SPEC


def test_older_files_are_read() -> None:
    assert read_inputs(MODEL, OLDER) == SPEC
    assert read_inputs(MODEL, {"inputs": ["audio", "clip"]}).names == ("audio", "clip")


def test_inputs_of_one_modality() -> None:
    assert SPEC.only(["video"], MODEL).names == ("video",)
    assert SPEC.seconds == pytest.approx(0.995)
    assert SPEC.only(["video"], MODEL).seconds == 2.0
    with pytest.raises(BadInputError, match="`model` takes no image: it takes audio and video"):
        SPEC.only(["image"], MODEL)


@pytest.mark.parametrize(
    "change", [{"inputs": []}, {"inputs": ["smell"]}, {"std": 0}, {"num_frames": "x"}, {"fbank": {"no": 1}}]
)
def test_damaged_inputs_are_refused(change: dict) -> None:
    with pytest.raises(CorruptArtifactError, match="does not describe its inputs"):
        read_inputs(MODEL, OLDER | change)


@pytest.mark.parametrize(("seconds", "count"), [(5.0, 10), (1.2, 10), (0.995, 1), (0.5, 1), (60.0, 3)])
def test_windows_are_spread_from_start_to_end(tmp_path: Path, seconds: float, count: int) -> None:
    windows = spaced_windows(wav(tmp_path / "a.wav", seconds), SPEC, 10 if count != 3 else 3)
    assert len(windows) == count
    starts = [window.start for window in windows]
    assert starts[0] == 0
    np.testing.assert_allclose(starts, np.linspace(0, max(0, seconds - 0.995), count), atol=2e-3)
    assert windows[-1].end == pytest.approx(seconds, abs=2e-3)


def test_an_image_gives_one_window(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (40, 30), (255, 255, 255)).save(path)
    spec = InputSpec((ImageInput(VideoSettings(num_frames=1, size=16, short_side=20)),))
    for windows in (
        list(iter_windows(Item("a", path), spec, 1.0)),
        spaced_windows(Item("a", path), spec, 10),
    ):
        assert len(windows) == 1
        torch.testing.assert_close(windows[0].values["image"], torch.ones(3, 16, 16))
