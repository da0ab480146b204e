"""Data sets made on the spot: sounds whose pitch tells the time, films whose grey tells it too."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from avtool.data.manifest import Clip, Manifest, read_manifest, write_manifest
from avtool.media.encode import FilmSettings, write_film

RATE = 16000


def chirp(seconds: float, rate: int = RATE) -> np.ndarray:
    """A sweep from 200 Hz up by 150 Hz a second: no two stretches of it look alike."""
    t = np.arange(round(seconds * rate)) / rate
    return (0.5 * np.sin(2 * np.pi * (200 * t + 75 * t**2))).astype(np.float32)


def write_sound(path: Path, seconds: float = 1.0, rate: int = RATE, gain: float = 1.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, gain * chirp(seconds, rate), rate)
    return path


def write_grey_film(path: Path, seconds: float = 4.0, *, sound: bool = True, fps: int = 10) -> Path:
    """A film of 48x64 whose pictures are grey, the lighter the later: grey = 20 + 5 * picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pictures = (np.full((48, 64, 3), 20 + 5 * n, np.uint8) for n in range(round(seconds * fps)))
    blocks = [chirp(seconds)] if sound else []
    write_film(path, FilmSettings(fps=fps, sample_rate=RATE), pictures=pictures, sound=blocks)
    return path


def make_manifest(folder: Path, clips: Sequence[Clip]) -> Manifest:
    """Writes the manifest and reads it back, as any job gets it."""
    folder.mkdir(parents=True, exist_ok=True)
    write_manifest(folder, clips)
    return read_manifest(folder / "manifest.parquet")


def sound_clips(folder: Path, count: int = 4, seconds: float = 1.0, **columns) -> Manifest:
    """`count` clips of chirps that differ in loudness."""
    clips = []
    for n in range(count):
        write_sound(folder / f"{n}.wav", seconds, gain=(n + 1) / count)
        clips.append(Clip(f"c{n}", f"{n}.wav", 0.0, seconds, labels=(f"l{n % 2}",), group=f"g{n}", **columns))
    return make_manifest(folder, clips)
