"""What the tests of localisation share: a film, and encoders of its frames and of its audio."""

from pathlib import Path

import numpy as np
import pytest

from avtool.inference.localisation.encoders import IndexRecipe
from avtool.media.encode import FilmSettings, write_film
from tests.harness import RATE, chirp, save_backbone, save_encoder

FPS = 4.0


def write_square_film(path: Path, seconds: float = 3.0, first: int = 4, last: int = 8) -> Path:
    """A film of 96 x 64 at 8 fps with a chirp; a red square stands on the right from one frame to another."""
    rng = np.random.default_rng(0)
    frames = []
    for number in range(round(seconds * 8)):
        frame = rng.integers(60, 90, (64, 96, 3), np.uint8)
        if first <= number < last:
            frame[16:48, 56:88] = (250, 20, 20)
        frames.append(frame)
    write_film(path, FilmSettings(fps=8, sample_rate=RATE), frames=frames, audio=[chirp(seconds)])
    return path


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_square_film(tmp_path_factory.mktemp("films") / "film.mp4")


@pytest.fixture(scope="session")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> IndexRecipe:
    """Frames of 64 pixels at 4 fps, by random encoders."""
    folder = tmp_path_factory.mktemp("encoders")
    backbone, sounds = save_backbone(folder / "backbone"), save_encoder(folder / "sounds")
    return IndexRecipe(
        fps=FPS, size=64, batch_size=4, visual_encoder=str(backbone), audio_encoder=str(sounds), hop=0.25
    )
