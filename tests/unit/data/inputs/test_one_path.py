"""One path from a file to a tensor: training, validation and inference read the same numbers."""

from pathlib import Path

import numpy as np
import pytest
import torch

from avtool.core.reporter import Silent
from avtool.data.inputs.audio import AudioInput
from avtool.data.inputs.feature_cache import cached_features
from avtool.data.inputs.settings import AudioSettings, VideoSettings
from avtool.data.inputs.spec import InputSpec
from avtool.data.inputs.video import VideoInput
from avtool.data.items import clip_items
from avtool.data.manifest import Clip, Manifest
from avtool.inference.windows import iter_windows, spaced_windows
from tests.harness import chirp_clips, make_manifest, write_grey_film

CPU = torch.device("cpu")
FBANK = AudioSettings(num_mel_bins=16)
VIDEO = VideoSettings(num_frames=4, seconds=1.0, size=16, short_side=24)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """A film of 4 s with audio."""
    folder = tmp_path_factory.mktemp("films")
    write_grey_film(folder / "a.mkv", 4.0)
    return make_manifest(folder, [Clip("a", "a.mkv", 0.0, 4.0)])


@pytest.mark.parametrize("pad_waveform", [False, True])
@pytest.mark.parametrize("num_frames", [60, 98, 150])
def test_audio_of_a_sample_is_that_of_a_window(tmp_path: Path, num_frames: int, pad_waveform: bool) -> None:
    """Whether clips are longer than a window, as long, or padded."""
    clips = chirp_clips(tmp_path, 2, seconds=1.0)
    audio = AudioInput(FBANK, num_frames, -5.0, 4.0, pad_waveform)
    sample = audio.sample(clips, 1, 0.0, None)["audio"][None]
    values = audio.scale(audio.spectrograms(sample) if pad_waveform else sample)
    window = next(iter_windows(clip_items(clips)[1], InputSpec((audio,)), audio.seconds))
    assert torch.equal(audio.batch([window.values["audio"]], CPU)["audio"], values)


def test_scaled_samples_are_what_batches_hold(tmp_path: Path) -> None:
    clips = chirp_clips(tmp_path, 1, seconds=1.0)
    audio = AudioInput(FBANK, 98, -5.0, 4.0, scaled=True)
    (window,) = spaced_windows(clip_items(clips)[0], InputSpec((audio,)), 1)
    batch = audio.batch([window.values["audio"]], CPU)
    assert torch.equal(audio.sample(clips, 0, 0.5, None)["audio"], batch["audio"][0])


def test_cached_audio_is_that_of_windows_in_half_precision(tmp_path: Path) -> None:
    clips = chirp_clips(tmp_path, 1, seconds=1.0)
    cached = AudioInput(FBANK, 98, features=cached_features(clips, FBANK, Silent()))
    plain = AudioInput(FBANK, 98)
    values = plain.sample(clips, 0, 0.0, None)["audio"].half().float()
    assert torch.equal(cached.sample(clips, 0, 0.0, None)["audio"], values)


@pytest.mark.parametrize("place", [0.0, 0.5, 1.0])
def test_video_of_a_sample_is_that_of_a_window(films: Manifest, place: float) -> None:
    video = VideoInput(VIDEO)
    window = video.window(clip_items(films)[0], 3.0 * place, 3.0 * place + 1.0)
    assert torch.equal(video.sample(films, 0, place, None)["video"], window)


def test_audio_and_video_of_a_window_have_its_times(films: Manifest) -> None:
    spec = InputSpec((VideoInput(VIDEO), AudioInput(FBANK, 98)))
    item = clip_items(films)[0]
    windows = list(iter_windows(item, spec, 1.0))
    np.testing.assert_allclose([window.start for window in windows], range(len(windows)))
    for window in windows[:3]:
        expected = VideoInput(VIDEO).window(item, window.start, window.end)
        assert torch.equal(window.values["video"], expected)
    batch = spec.batch(windows[:3], CPU)
    assert batch["video"].shape == (3, 3, 4, 16, 16)
    assert batch["audio"].shape == (3, 98, 16)


def test_what_a_file_lacks_is_left_out(tmp_path: Path) -> None:
    spec = InputSpec((VideoInput(VIDEO), AudioInput(FBANK, 98)))
    windows = spaced_windows(clip_items(chirp_clips(tmp_path, 1))[0], spec, 1)
    assert set(windows[0].values) == {"audio"}
    assert set(spec.batch(windows, CPU)) == {"audio"}
