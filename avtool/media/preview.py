"""Small things to look at and listen to inside a page: a spectrogram image, an MP3 player."""

import io

import numpy as np
from numpy.typing import NDArray

from avtool.media.audio_cut import decode_audio, encode_audio

_MIN_DB = -70.0


def encode_mp3(samples: NDArray[np.int16], sample_rate: int) -> bytes:
    """Mono 16-bit samples as MP3, which every browser plays.

    Args:
        samples: (N,) int16.
        sample_rate: Hz; MP3 has 8, 11.025, 12, 16, 22.05, 24, 32, 44.1 and 48 kHz.
    """
    return encode_audio(np.ascontiguousarray(samples), sample_rate, "MP3", "MPEG_LAYER_III")


def read_audio(content: bytes) -> tuple[NDArray[np.int16], int]:
    """The inverse of `encode_mp3`: (N,) int16 samples and their sample rate."""
    return decode_audio(content, "int16")


def spectrogram_png(
    samples: NDArray[np.int16], sample_rate: int, width: int = 320, height: int = 96
) -> bytes:
    """A log-frequency spectrogram image (time to the right, 50 Hz to Nyquist upward, 70 dB)."""
    from matplotlib.image import imsave

    power = _power_columns(samples.astype(np.float32) / np.float32(32768), columns=width)
    bins = np.geomspace(50, sample_rate / 2, height + 1) / (sample_rate / 2) * (power.shape[1] - 1)
    centres = np.clip(np.round((bins[1:] + bins[:-1]) / 2).astype(int), 0, power.shape[1] - 1)
    level = 10 * np.log10(power[:, centres].T + 1e-12)
    level -= level.max(initial=-120.0)
    buffer = io.BytesIO()
    imsave(buffer, level[::-1], cmap="magma", vmin=_MIN_DB, vmax=0.0, format="png")
    return buffer.getvalue()


def _power_columns(signal: NDArray[np.float32], columns: int, window: int = 1024) -> NDArray[np.float32]:
    """The power spectra (columns, window // 2 + 1) of evenly spaced windows over the whole signal."""
    padded = np.pad(signal, (0, max(0, window - len(signal))))
    starts = np.linspace(0, len(padded) - window, columns).astype(int)
    frames = padded[starts[:, None] + np.arange(window)[None, :]] * np.hanning(window).astype(np.float32)
    spectra: NDArray[np.float32] = np.abs(np.fft.rfft(frames, axis=1)).astype(np.float32) ** 2
    return spectra
