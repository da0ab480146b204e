"""A sound bank filled from a folder of recordings: ESC-50, a folder a class, or files named by class."""

import csv
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from avtool.core.errors import BadInputError
from avtool.media.audio_decode import decode_audio_array
from avtool.synthetic.sounds import Samples, Wording, known_wordings

_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".mp3", ".m4a", ".opus", ".aac", ".webm"})
_LONGEST = 6.0  # seconds; a longer recording is cut
_HOP = 0.005  # seconds
_ESC50_NAME = re.compile(r"\d-\d+-[A-Z]-(\d+)")


def trim_silence(samples: Samples, sample_rate: int) -> Samples:
    """Cuts off what is quiet before the first and after the last loud moment, and scales the peak to 1.

    Loud is what stands 10 dB above the recording's own background and at most 34 dB below its loudest moment.
    A steady recording is its own background and stays whole.
    """
    hop = round(_HOP * sample_rate)
    frames = samples[: len(samples) // hop * hop].reshape(-1, hop).astype(np.float64)
    loudness = np.sqrt(np.mean(frames**2, axis=1))
    if not loudness.any():
        return samples[:0]
    top, background = loudness.max(), np.quantile(loudness, 0.1)
    loud = np.flatnonzero(loudness >= max(0.02 * top, min(3 * background, 0.25 * top)))
    sound = samples[loud[0] * hop : (loud[-1] + 1) * hop]
    return np.asarray(sound / np.abs(sound).max(), dtype=np.float32)


@lru_cache(maxsize=64)
def _read(path: Path, sample_rate: int) -> Samples:
    pcm = decode_audio_array(path, 0.0, 4 * _LONGEST, sample_rate)
    sound = trim_silence((pcm / 32768).astype(np.float32), sample_rate)[: round(_LONGEST * sample_rate)]
    if len(sound) == 0:
        raise BadInputError(f"`{path}` is silent", "take it out of the folder of sounds")
    return sound


@dataclass(frozen=True)
class RealSounds:
    """A bank of recordings.

    Attributes:
        files: class → its recordings.
        sample_rate: that they are rendered at, in Hz.
    """

    files: dict[str, tuple[Path, ...]]
    sample_rate: int = 16_000

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes, sorted."""
        return tuple(sorted(self.files))

    def render(self, label: str, variant: int) -> Samples:
        paths = self.files[label]
        return _read(paths[variant % len(paths)], self.sample_rate)

    def wordings(self, label: str) -> tuple[Wording, ...]:
        return known_wordings(label)


def real_sounds(folder: Path, sample_rate: int = 16_000, skip: frozenset[str] = frozenset()) -> RealSounds:
    """Finds the recordings of a folder.

    Three layouts are known: `meta/esc50.csv` beside `audio/` (ESC-50 and ESC-10); a sub-folder a class; files
    whose names are their classes ("car_engine.wav", "birds1.wav").

    Args:
        folder: where to look.
        sample_rate: to render at, in Hz.
        skip: classes to skip (a file of speech among the sounds).

    Raises:
        BadInputError: there is no such folder, or no audio file in it.
    """
    if not folder.is_dir():
        raise BadInputError(f"`{folder}` is no folder", "give a folder of WAV, FLAC, Ogg or MP3 files")
    table = folder / "meta" / "esc50.csv"
    if table.is_file():
        pairs = _from_esc50(folder, table)
    else:
        paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
        pairs = [(_label_of(path, folder), path) for path in paths]
    files: dict[str, tuple[Path, ...]] = {}
    for label, path in pairs:
        if label not in skip:
            files[label] = (*files.get(label, ()), path)
    if not files:
        raise BadInputError(f"no audio files in `{folder}`", "give a folder of WAV, FLAC, Ogg or MP3 files")
    return RealSounds(files, sample_rate)


def _from_esc50(folder: Path, table: Path) -> list[tuple[str, Path]]:
    """The recordings of the table that are there; copies of ESC-50 in other codecs keep the names' stems."""
    present = {path.stem: path for path in (folder / "audio").iterdir() if path.suffix.lower() in _SUFFIXES}
    with table.open(encoding="utf-8", newline="") as stream:
        rows = [(row["category"], Path(row["filename"]).stem) for row in csv.DictReader(stream)]
    return [(label, present[stem]) for label, stem in rows if stem in present]


def _label_of(path: Path, folder: Path) -> str:
    name = path.parent.name if path.parent != folder else path.stem
    esc50 = _ESC50_NAME.fullmatch(name)
    if esc50:
        return ESC50_CLASSES[int(esc50[1]) % 50]
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).rstrip("_0123456789") or name


ESC50_CLASSES = (
    "dog", "rooster", "pig", "cow", "frog", "cat", "hen", "insects", "sheep", "crow",
    "rain", "sea_waves", "crackling_fire", "crickets", "chirping_birds", "water_drops", "wind",
    "pouring_water", "toilet_flush", "thunderstorm",
    "crying_baby", "sneezing", "clapping", "breathing", "coughing", "footsteps", "laughing",
    "brushing_teeth", "snoring", "drinking_sipping",
    "door_wood_knock", "mouse_click", "keyboard_typing", "door_wood_creaks", "can_opening",
    "washing_machine", "vacuum_cleaner", "clock_alarm", "clock_tick", "glass_breaking",
    "helicopter", "chainsaw", "siren", "car_horn", "engine", "train", "church_bells", "airplane",
    "fireworks", "hand_saw",
)  # fmt: skip
"""The classes of ESC-50 (Piczak 2015) in the order of the number at the end of its file names."""
