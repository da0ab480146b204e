"""Motion features of clips: zero where nothing moves, larger where frames are shuffled."""

from pathlib import Path

import numpy as np
import pytest
import torch

from avtool.core.errors import BadInputError
from avtool.core.reporter import Silent
from avtool.inference.generation.latent_motion import LatentMotion
from avtool.inference.generation.video_features import EncoderNetwork, open_own
from avtool.models.load import load_model
from tests.harness import run_avtool, save_autoencoder, save_encoder, write_video_clips

SHUFFLED = [2, 0, 3, 1]


@pytest.fixture
def autoencoder(tmp_path: Path) -> Path:
    return save_autoencoder(tmp_path / "ae")


def brighter(count: int = 3) -> list[np.ndarray]:
    """Noise that grows brighter by as much in each of four frames."""
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 90, (32, 32, 3)) for _ in range(count)]
    return [np.stack([frame + 50 * step for step in range(4)]).astype(np.uint8) for frame in frames]


def test_features_are_mean_changes_of_the_planes_of_time(autoencoder: Path) -> None:
    network, clips = LatentMotion(autoencoder, "cpu", Silent()), brighter()
    model = load_model(autoencoder).model.eval()
    video = torch.from_numpy(np.stack(clips)).permute(0, 4, 1, 2, 3).float() / 127.5 - 1
    with torch.inference_mode():
        _, yt, xt = model.grid.split(model.encode(video))
    found = network(clips)
    assert found.shape == (3, 2 * 4 * 4)
    for number in range(3):
        for column in range(4):
            change = np.mean(
                [abs(float(yt[number, 1, t + 1, column] - yt[number, 1, t, column])) for t in range(3)]
            )
            assert found[number, 4 + column] == pytest.approx(change, abs=1e-6)
            change = np.mean(
                [abs(float(xt[number, 2, t + 1, column] - xt[number, 2, t, column])) for t in range(3)]
            )
            assert found[number, 16 + 8 + column] == pytest.approx(change, abs=1e-6)


def test_shuffled_frames_move_more(autoencoder: Path) -> None:
    network, clips = LatentMotion(autoencoder, "cpu", Silent()), brighter()
    in_order, shuffled = network(clips), network([clip[SHUFFLED] for clip in clips])
    assert (shuffled.mean(axis=1) > 1.1 * in_order.mean(axis=1)).all()
    np.testing.assert_allclose(network([clip[::-1] for clip in clips]).mean(), in_order.mean(), rtol=0.2)


def test_other_sizes_are_fitted_and_other_lengths_refused(autoencoder: Path) -> None:
    network, clips = LatentMotion(autoencoder, "cpu", Silent()), brighter(1)
    large = [clip.repeat(2, axis=1).repeat(2, axis=2) for clip in clips]
    np.testing.assert_allclose(network(large), network(clips), atol=1e-6)
    with pytest.raises(BadInputError, match="a clip has 3 frames, and the autoencoder takes 4"):
        network([clip[:3] for clip in clips])


def test_an_autoencoder_gives_motion_and_an_encoder_its_features(autoencoder: Path, tmp_path: Path) -> None:
    assert isinstance(open_own(autoencoder, "cpu", Silent()), LatentMotion)
    encoder = save_encoder(tmp_path / "encoder", "mbt_tiny")
    assert isinstance(open_own(encoder, "cpu", Silent()), EncoderNetwork)


def test_distances_by_motion_have_a_name_of_their_own(autoencoder: Path, cache: Path, tmp_path: Path) -> None:
    films = write_video_clips(tmp_path / "d", 4, seconds=1.0)
    done = run_avtool(
        "eval", "--benchmark", "ucf101-fvd", "--data", films, "--baseline", "frozen",
        "--encoder", autoencoder, "--frames", 4, "--size", 32, "--clips", 2, "--force",
        "--device", "cpu", "--json",
    )  # fmt: skip
    assert done.code == 0, done.stderr
    metrics = done.json["report"]["metrics"]
    assert metrics["name"].startswith("fvd_own4 (motion in ae; 2 real, 2 generated; random halves)")
    assert metrics["terms"]["generated_variance"] == pytest.approx(0, abs=1e-9)
    assert metrics["fvd_own"] > 0
