"""The shots of a whole film."""

import os
from pathlib import Path

import pytest

from avtool.media.shots import ShotRecipe, iter_shots

FILM = Path(os.environ.get("AVTOOL_REAL", "~/.cache/avtool-real")).expanduser() / "film/big_buck_bunny.mp4"


@pytest.mark.slow
def test_shots_of_a_film_are_those_that_were_looked_at() -> None:
    if not FILM.is_file():
        pytest.skip(f"{FILM} is absent")
    found = list(iter_shots(FILM, ShotRecipe()))
    starts = [shot.start for shot in found]
    assert len(found) == 126
    for cut in (11.875, 15.75, 23.042, 398.958, 399.333, 399.708, 580.917):
        assert min(abs(start - cut) for start in starts) < 0.01
    assert found[-1].end == pytest.approx(596.46, abs=0.1)
