"""What the tests of features share."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from avtool.media.encode import FilmSettings, write_film
from tests.harness import save_encoder

RATE = 16000


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder of sound."""
    return save_encoder(tmp_path_factory.mktemp("encoder") / "model")


@pytest.fixture(scope="session")
def fusing_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder of sound and pictures."""
    return save_encoder(tmp_path_factory.mktemp("encoder") / "model", "mbt_tiny")


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of 3 s with sound, and 2.5 s of sound alone."""
    folder = tmp_path_factory.mktemp("media")
    rng = np.random.default_rng(0)
    pictures = [np.full((32, 48, 3), 20 + 3 * number, np.uint8) for number in range(75)]
    noise = (0.2 * rng.standard_normal(3 * RATE)).astype(np.float32)
    write_film(
        folder / "film.mp4", FilmSettings(fps=25, sample_rate=RATE), frames=pictures, audio=[noise[:, None]]
    )
    soundfile.write(folder / "sound.wav", noise[: round(2.5 * RATE)], RATE)
    return folder
