"""Views of a file in inference: windows without a padded rest, and crops of their frames."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from pydantic import ValidationError

from avtool.data.inputs.audio import AudioInput
from avtool.data.inputs.settings import AudioSettings, VideoSettings
from avtool.data.inputs.spec import InputSpec
from avtool.data.inputs.video import VideoInput
from avtool.data.items import Item
from avtool.inference.recipes import PredictRecipe
from avtool.inference.windows import covering_windows, cropped, spaced_windows
from avtool.media.encode import FilmSettings, write_film
from tests.harness import RATE, sine

AUDIO = AudioInput(AudioSettings(num_mel_bins=16), 98)
SPEC = InputSpec((AUDIO,))
LENGTH = AUDIO.seconds


def wav(path: Path, seconds: float) -> Item:
    soundfile.write(path, sine(seconds), RATE)
    return Item("a", path)


@pytest.mark.parametrize("seconds", [0.5, 1.0, 1.3, 2.0, 2.9, 4.1])
@pytest.mark.parametrize("hop", [LENGTH, LENGTH / 2])
def test_windows_cover_a_file_and_none_is_padded(tmp_path: Path, seconds: float, hop: float) -> None:
    windows = list(covering_windows(wav(tmp_path / "a.wav", seconds), SPEC, hop))
    assert windows[0].start == 0
    assert windows[-1].end == pytest.approx(seconds, abs=2e-2)
    if seconds > LENGTH:
        assert all(window.end - window.start == pytest.approx(LENGTH) for window in windows)
        starts = np.array([window.start for window in windows])
        assert (np.diff(starts) <= hop + 1e-3).all()
        np.testing.assert_allclose(np.diff(starts, n=2), 0, atol=1e-3)
    else:
        assert len(windows) == 1


def test_a_rest_of_a_few_samples_is_no_window(tmp_path: Path) -> None:
    """Four windows of a file that is hardly longer than one: none is padded."""
    windows = spaced_windows(wav(tmp_path / "a.wav", LENGTH + 0.015), SPEC, 4)
    assert all(window.end - window.start == pytest.approx(LENGTH) for window in windows)


@pytest.mark.parametrize("wide", [True, False])
def test_three_crops_are_start_middle_and_end_of_the_longer_side(tmp_path: Path, wide: bool) -> None:
    frames = np.zeros((8, 48, 96, 3), np.uint8)
    frames[:, :, :32], frames[:, :, 64:] = (250, 0, 0), (0, 0, 250)
    frames = frames if wide else frames.transpose(0, 2, 1, 3)
    write_film(tmp_path / "film.mkv", FilmSettings(fps=8), frames=list(np.ascontiguousarray(frames)))
    settings = VideoSettings(num_frames=2, seconds=1.0, size=48, short_side=48)
    spec = InputSpec((VideoInput(settings, crops=3),))
    windows = spaced_windows(Item("film", tmp_path / "film.mkv"), spec, 1)
    views = [window.values["video"] for window in cropped(windows, spec)]
    assert [tuple(view.shape) for view in views] == [(3, 2, 48, 48)] * 3
    red, blue = ([float(view[channel].mean()) for view in views] for channel in (0, 2))
    assert red[0] > 0.2 > red[1]
    assert blue[2] > 0.2 > blue[1]
    assert blue[0] < -0.9
    assert red[2] < -0.9
    centre = VideoInput(settings).window(Item("film", tmp_path / "film.mkv"), 0.0, 1.0)
    torch.testing.assert_close(views[1], centre)


def test_views_do_not_go_with_other_places_or_events() -> None:
    for wrong in ({"windows": 4, "hop": 1.0}, {"events": True, "windows": 4}, {"events": True, "crops": 3}):
        with pytest.raises(ValidationError, match="windows and"):
            PredictRecipe.model_validate(wrong)
