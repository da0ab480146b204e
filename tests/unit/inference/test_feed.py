"""What `preprocess.json` says of an encoder's inputs, and the windows that come of it."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.data.inputs.audio_settings import AudioSettings
from avtool.data.inputs.spec import Feed, read_feed
from avtool.data.inputs.video_settings import VideoSettings
from avtool.inference.sources import Item
from avtool.inference.windows import iter_windows, spaced_windows

FEED = Feed(
    inputs=("audio", "video"),
    audio=AudioSettings(num_mel_bins=32),
    num_frames=98,
    mean=-5.0,
    std=4.0,
    video=VideoSettings(num_frames=4, seconds=2.0, size=16, short_side=16),
)


def wav(path: Path, seconds: float) -> Item:
    soundfile.write(path, np.arange(round(16000 * seconds)) % 100 / 200, 16000)
    return Item(str(path), path)


def test_a_feed_survives_its_file() -> None:
    assert read_feed(Path("model"), FEED.to_json()) == FEED


def test_a_feed_of_one_modality() -> None:
    assert FEED.only(["video"], Path("m")).inputs == ("video",)
    assert FEED.window_seconds == pytest.approx(0.995)
    assert FEED.only(["video"], Path("m")).window_seconds == 2.0
    with pytest.raises(BadInputError, match="`m` takes no image: it takes audio and video"):
        FEED.only(["image"], Path("m"))


@pytest.mark.parametrize("change", [{"inputs": []}, {"std": 0}, {"num_frames": "x"}, {"fbank": {"no": 1}}])
def test_a_damaged_feed_is_refused(change: dict) -> None:
    with pytest.raises(CorruptArtifactError, match="does not say how it is fed"):
        read_feed(Path("model"), FEED.to_json() | change)


def test_features_of_frames_are_no_input_of_files() -> None:
    with pytest.raises(BadInputError, match="reads `clip`"):
        read_feed(Path("model"), {"inputs": ["audio", "clip"]})


@pytest.mark.parametrize(("seconds", "count"), [(5.0, 10), (1.2, 10), (0.995, 1), (0.5, 1), (60.0, 3)])
def test_windows_are_spread_from_start_to_end(tmp_path: Path, seconds: float, count: int) -> None:
    windows = spaced_windows(wav(tmp_path / "a.wav", seconds), FEED, 10 if count != 3 else 3)
    assert len(windows) == count
    starts = [window.start for window in windows]
    assert starts[0] == 0
    np.testing.assert_allclose(starts, np.linspace(0, max(0, seconds - 0.995), count), atol=2e-3)
    assert windows[-1].end == pytest.approx(seconds, abs=2e-3)


def test_an_image_gives_one_window(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (40, 30), (255, 255, 255)).save(path)
    feed = Feed(("image",), AudioSettings(), video=VideoSettings(num_frames=1, size=16, short_side=20))
    for windows in (
        list(iter_windows(Item("a", path), feed, 1.0)),
        spaced_windows(Item("a", path), feed, 10),
    ):
        assert len(windows) == 1
        torch.testing.assert_close(windows[0].pictures, torch.ones(3, 16, 16))
