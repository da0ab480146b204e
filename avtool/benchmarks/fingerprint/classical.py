"""Classical fingerprints of a second: chroma of the sound, and a difference hash of the picture."""

import numpy as np
from PIL import Image

from avtool.benchmarks.fingerprint.recording import Pictures, Recording
from avtool.core.arrays import Floats
from avtool.media.waveforms import Waveform

_PARTS = 4
_FFT = 4096
_LOWEST_HZ, _HIGHEST_HZ = 55.0, 4000.0
_HASH_SIDE = 8


def chroma_features(recording: Recording, starts: Floats, seconds: float = 1.0) -> Floats:
    """The energy of the twelve pitch classes in each quarter of a second, (windows, 48), mean removed.

    Args:
        recording: with sound.
        starts: (windows,) where they begin, in seconds.
        seconds: of a window.
    """
    assert recording.sound is not None, "chroma needs sound"
    rate = recording.sample_rate
    rows = []
    for start in starts.tolist():
        first = round(start * rate)
        window = recording.sound[first : first + round(seconds * rate)]
        rows.append(np.concatenate([_chroma(part, rate) for part in np.array_split(window, _PARTS)]))
    return np.array(rows)


def _chroma(sound: Waveform, rate: int) -> Floats:
    """(12,) shares of the energy from A1 to 4 kHz, less their mean."""
    size = max(_FFT, 1 << (max(1, len(sound)) - 1).bit_length())
    power = np.square(np.abs(np.fft.rfft(sound * np.hanning(len(sound)), size)))
    frequency = np.fft.rfftfreq(size, 1 / rate)
    kept = (frequency >= _LOWEST_HZ) & (frequency <= _HIGHEST_HZ)
    pitch = np.round(12 * np.log2(frequency[kept] / 440.0)).astype(np.int64) % 12
    energy = np.bincount(pitch, power[kept], 12)
    total = energy.sum()
    shares: Floats = energy / total - 1 / 12 if total > 0 else np.zeros(12)
    return shares


def hash_features(recording: Recording, starts: Floats, seconds: float = 1.0) -> Floats:
    """Whether each of 8 x 8 places is brighter than its right neighbour, as ±1: (windows, 64).

    The difference hash of the picture in the middle of each window; a cosine is the share of equal bits.
    """
    assert recording.pictures is not None, "a hash needs pictures"
    places = np.round((starts + seconds / 2) * recording.fps).astype(np.int64)
    return _hashes(recording.pictures[np.clip(places, 0, len(recording.pictures) - 1)])


def _hashes(pictures: Pictures) -> Floats:
    size = (_HASH_SIDE + 1, _HASH_SIDE)
    rows = []
    for picture in pictures:
        small = Image.fromarray(picture).convert("L").resize(size, Image.Resampling.BOX)
        grey = np.asarray(small, np.int16)
        rows.append(np.where(grey[:, 1:] > grey[:, :-1], 1.0, -1.0).ravel())
    return np.array(rows)
