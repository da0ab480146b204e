"""Shots: cuts at their exact frames, and no cuts where frames move, flash or fade."""

import itertools
import json
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from avtool.core.errors import BadInputError
from avtool.media import shots
from avtool.media.encode import FilmSettings, write_film
from avtool.media.shots import ShotRecipe, iter_shots
from avtool.synthetic.make_film import make_film
from tests.harness import run_avtool, write_wav

FPS = 20
TEXTURES = [np.random.default_rng(seed).integers(0, 255, (9, 12, 3), np.uint8) for seed in range(4)]


def frame_of(number: int, shift: int = 0) -> np.ndarray:
    """A texture of large squares, moved sideways by so many pixels."""
    return np.roll(np.kron(TEXTURES[number], np.ones((16, 16, 1), np.uint8)), shift, axis=1)


def film(path: Path, frames: list[np.ndarray]) -> Path:
    write_film(path, FilmSettings(fps=FPS), frames=frames)
    return path


def starts(path: Path, **settings: float) -> list[float]:
    return [round(shot.start, 3) for shot in iter_shots(path, ShotRecipe(**settings))]


@pytest.mark.parametrize(("seed", "frame_rate"), [(0, 12), (1, 24)])
def test_scenes_of_the_film_maker_begin_at_their_frames(tmp_path: Path, seed: int, frame_rate: int) -> None:
    files = make_film(tmp_path, seed=seed, minutes=1.5, frame_rate=frame_rate)
    scenes = json.loads(files.truth.read_text(encoding="utf-8"))["scenes"]
    wanted = [0.0, *(math.ceil(scene["start"] * frame_rate) / frame_rate for scene in scenes)]
    found = list(iter_shots(files.film, ShotRecipe()))
    assert [round(shot.start, 3) for shot in found] == pytest.approx(wanted, abs=1e-3)
    assert all(one.end == two.start for one, two in itertools.pairwise(found))
    assert found[-1].end == pytest.approx(90, abs=0.1)
    assert found[0].change == 0
    assert all(shot.change >= 12 for shot in found[1:])


def test_fast_motion_is_no_cut_and_a_cut_within_it_is_one(tmp_path: Path) -> None:
    moving = [frame_of(0, 3 * k) for k in range(20)]
    assert starts(film(tmp_path / "one.mp4", moving)) == [0.0]
    cut = moving + [frame_of(1, 3 * k) for k in range(20)]
    assert starts(film(tmp_path / "two.mp4", cut)) == [0.0, 1.0]


def test_a_flash_and_a_fade_are_no_cuts(tmp_path: Path) -> None:
    white = np.full_like(frame_of(0), 255)
    flash = [frame_of(0)] * 15 + [white] + [frame_of(0)] * 15
    assert starts(film(tmp_path / "flash.mp4", flash)) == [0.0]
    mix = [(frame_of(0) * (1 - k / 20) + frame_of(1) * (k / 20)).astype(np.uint8) for k in range(21)]
    fade = [frame_of(0)] * 10 + mix + [frame_of(1)] * 10
    assert starts(film(tmp_path / "fade.mp4", fade)) == [0.0]


def test_shots_shorter_than_the_least_are_joined(tmp_path: Path) -> None:
    frames = [frame_of(0)] * 20 + [frame_of(1)] * 5 + [frame_of(2)] * 20
    path = film(tmp_path / "short.mp4", frames)
    assert starts(path) == [0.0, 1.0, 1.25]
    assert starts(path, min_seconds=0.5) == [0.0, 1.0]


def test_a_film_of_one_frame_is_a_shot_of_its_duration(tmp_path: Path) -> None:
    (shot,) = iter_shots(film(tmp_path / "one.mp4", [frame_of(0)]), ShotRecipe())
    assert (shot.start, shot.end) == (0, pytest.approx(1 / FPS))


def test_frames_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each frame is taken after the one before it was judged: the first shot comes before the last frame."""
    taken = []

    def counted(*_: object, **__: object) -> Iterator[tuple[float, np.ndarray]]:
        for number in range(400):
            taken.append(number)
            yield number / FPS, frame_of(number // 100)

    monkeypatch.setattr(shots, "iter_frames", counted)
    first = next(iter(iter_shots(tmp_path / "film", ShotRecipe())))
    assert (first.start, first.end) == (0.0, 5.0)
    assert len(taken) == 103


def test_audio_has_no_shots(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no video"):
        list(iter_shots(write_wav(tmp_path / "a.wav", np.zeros(16000, np.float32)), ShotRecipe()))


def test_the_table_is_a_dataset_to_prepare(tmp_path: Path) -> None:
    path = film(tmp_path / "film.mp4", [frame_of(0)] * 20 + [frame_of(1)] * 30)
    write_wav(tmp_path / "sound.wav", np.zeros(16000, np.float32))
    out = tmp_path / "shots.csv"
    done = run_avtool("shots", path, tmp_path / "sound.wav", "--out", out, "--json", "-q")
    assert done.code == 1  # the recording has no video
    assert [shot["start"] for shot in done.json["films"][0]["shots"]] == [0.0, 1.0]
    assert "no video" in done.json["films"][1]["error"]
    assert out.read_text().splitlines()[0] == "media,shot,start,end,change,group"
    assert run_avtool("shots", path, "--out", out).code == 2
    assert run_avtool("shots", path, "--out", out, "--overwrite", "-q").code == 0
    prepared = run_avtool("prepare", out, "--out", tmp_path / "data", "-q", "--json")
    assert prepared.code == 0, prepared.stderr
    (tmp_path / "other.csv").write_text("a,b\n")
    refused = run_avtool("shots", path, "--out", tmp_path / "other.csv", "--overwrite")
    assert refused.code == 2
    assert "is no table of shots" in refused.stderr
