"""Small sounds, films and pictures, as data sets."""

from pathlib import Path

import numpy as np
import soundfile
from PIL import Image

from avtool.data.manifest import Clip, write_manifest
from avtool.media.encode import FilmSettings, write_film

RATE = 16000


def tone(number: int, seconds: float) -> np.ndarray:
    """A tone that rises and wavers, different for each number."""
    t = np.arange(round(seconds * RATE)) / RATE
    rng = np.random.default_rng(number)
    sweep = (200 + 150 * number) * t * (1 + 0.3 * t)
    return (
        0.3 * np.sin(2 * np.pi * sweep) * (1 + np.sin(9 * t)) / 2 + 0.02 * rng.standard_normal(t.size)
    ).astype(np.float32)


def write_sounds(folder: Path, count: int = 8, seconds: float = 1.3, val: int = 0) -> Path:
    """A data set of sounds, the last `val` of which are for validation."""
    folder.mkdir(parents=True)
    clips = []
    for number in range(count):
        soundfile.write(folder / f"{number}.wav", tone(number, seconds), RATE)
        split = "val" if number >= count - val else "train"
        clips.append(_clip(f"{number}.wav", seconds, split, has_audio=True, has_video=False))
    write_manifest(folder, clips)
    return folder


def write_films(folder: Path, count: int = 8, seconds: float = 3.0, val: int = 0) -> Path:
    """A data set of films of a square that moves while a tone is heard."""
    folder.mkdir(parents=True)
    clips = []
    for number in range(count):
        path = folder / f"{number}.mp4"
        frames = (_square(number, step) for step in range(round(seconds * 16)))
        write_film(
            path, FilmSettings(fps=16, sample_rate=RATE), pictures=frames, sound=[tone(number, seconds)]
        )
        split = "val" if number >= count - val else "train"
        clips.append(_clip(path.name, seconds, split, has_audio=True, has_video=True))
    write_manifest(folder, clips)
    return folder


def write_pictures(folder: Path, count: int = 8, val: int = 0) -> Path:
    """A data set of photographs of squares."""
    folder.mkdir(parents=True)
    clips = []
    for number in range(count):
        Image.fromarray(_square(number, 3 * number)).save(folder / f"{number}.png")
        split = "val" if number >= count - val else "train"
        clips.append(_clip(f"{number}.png", 1.0, split, has_audio=False, has_video=True))
    write_manifest(folder, clips)
    return folder


def _clip(name: str, seconds: float, split: str, **holds: bool) -> Clip:
    labels = () if holds["has_video"] else (name[0],)
    return Clip(Path(name).stem, name, 0.0, seconds, split=split, labels=labels, extras=dict(holds))


def _square(number: int, step: int) -> np.ndarray:
    """(48, 64, 3) with a bright square on noise."""
    picture = np.random.default_rng(number).integers(0, 60, (48, 64, 3), np.uint8)
    left, top = (4 + 2 * step * (1 + number % 3)) % 48, (5 * number) % 32
    picture[top : top + 16, left : left + 16] = (255, 40 * (number % 6), 120)
    return picture
