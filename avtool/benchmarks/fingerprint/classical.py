"""Classical fingerprints of a second: chroma of the audio, and a difference hash of a frame."""

import numpy as np
from PIL import Image

from avtool.benchmarks.fingerprint.recording import Frames, Recording
from avtool.core.arrays import Floats
from avtool.media.waveforms import Waveform

_PARTS = 4
_FFT = 4096
_LOWEST_HZ, _HIGHEST_HZ = 55.0, 4000.0
_HASH_SIDE = 8


def chroma_features(recording: Recording, starts: Floats, seconds: float = 1.0) -> Floats:
    """The energy of the twelve pitch classes in each quarter of a second, (windows, 48), mean removed.

    Args:
        recording: with audio.
        starts: (windows,) where they begin, in seconds.
        seconds: of a window.
    """
    assert recording.audio is not None, "chroma needs audio"
    rate = recording.sample_rate
    rows = []
    for start in starts.tolist():
        first = round(start * rate)
        window = recording.audio[first : first + round(seconds * rate)]
        rows.append(np.concatenate([_chroma(part, rate) for part in np.array_split(window, _PARTS)]))
    return np.array(rows)


def _chroma(audio: Waveform, rate: int) -> Floats:
    """(12,) shares of the energy from A1 to 4 kHz, less their mean."""
    size = max(_FFT, 1 << (max(1, len(audio)) - 1).bit_length())
    power = np.square(np.abs(np.fft.rfft(audio * np.hanning(len(audio)), size)))
    frequency = np.fft.rfftfreq(size, 1 / rate)
    kept = (frequency >= _LOWEST_HZ) & (frequency <= _HIGHEST_HZ)
    pitch = np.round(12 * np.log2(frequency[kept] / 440.0)).astype(np.int64) % 12
    energy = np.bincount(pitch, power[kept], 12)
    total = energy.sum()
    shares: Floats = energy / total - 1 / 12 if total > 0 else np.zeros(12)
    return shares


def hash_features(recording: Recording, starts: Floats, seconds: float = 1.0) -> Floats:
    """Whether each of 8 x 8 places is brighter than its right neighbour, as ±1: (windows, 64).

    The difference hash of the frame in the middle of each window; a cosine is the share of equal bits.
    """
    assert recording.frames is not None, "a hash needs frames"
    places = np.round((starts + seconds / 2) * recording.fps).astype(np.int64)
    return _hashes(recording.frames[np.clip(places, 0, len(recording.frames) - 1)])


def _hashes(frames: Frames) -> Floats:
    size = (_HASH_SIDE + 1, _HASH_SIDE)
    rows = []
    for frame in frames:
        small = Image.fromarray(frame).convert("L").resize(size, Image.Resampling.BOX)
        grey = np.asarray(small, np.int16)
        rows.append(np.where(grey[:, 1:] > grey[:, :-1], 1.0, -1.0).ravel())
    return np.array(rows)
