"""Onset refinement: caption times are a reader's times, a slam is over before most cues appear."""

import numpy as np
from numpy.typing import NDArray

_FRAME_S = 0.032
_HOP_S = 0.005
_LAG = 4  # frames compared are this many hops apart: half a window apart, they share little sound
_LIKELY_S = 0.2  # how far off a caption in time is: of two onsets, the nearer one is the likelier
_MIN_DEVIATIONS = 7.0  # the highest of the 300 values in a window of plain noise reaches 3.5 to 6.6


def refine_onset(
    samples: NDArray[np.int16] | NDArray[np.float32],
    sample_rate: int,
    start_s: float,
    window_s: float = 0.75,
) -> float | None:
    """The strongest onset near a time, or None when nothing there stands out.

    The strength of an onset is the spectral flux: the growth of the log spectrum over 20 ms. It must exceed
    the median of the window by seven times the median absolute deviation; of several, the
    strongest is taken, and a near one counts more than a far one.

    Args:
        samples: (N,) mono audio; int16, or float in -1..1. A memory map is read around `start_s` only.
        sample_rate: Hz.
        start_s: where the onset is expected.
        window_s: how far it may lie, either way.

    Returns:
        The time of the onset in seconds, good to 10 ms for a sudden sound.
    """
    frame, hop = round(_FRAME_S * sample_rate), round(_HOP_S * sample_rate)
    first = max(0, round((start_s - window_s) * sample_rate) - frame)
    last = min(len(samples), round((start_s + window_s) * sample_rate) + frame)
    if last - first < 2 * frame + _LAG * hop:
        return None
    piece = np.asarray(samples[first:last]).astype(np.float32)
    if samples.dtype == np.int16:
        piece /= 32768
    flux = spectral_flux(piece, frame, hop)
    times = (first + (frame + _LAG * hop) / 2 + hop * np.arange(len(flux))) / sample_rate
    near = np.abs(times - start_s) <= window_s
    flux, times = flux[near], times[near]
    if len(flux) == 0:
        return None
    middle = float(np.median(flux))
    deviation = float(np.median(np.abs(flux - middle)))
    stands_out = flux - middle > _MIN_DEVIATIONS * deviation
    if not stands_out.any():
        return None
    nearness = np.exp(-np.square((times - start_s) / _LIKELY_S) / 2)
    return float(times[np.where(stands_out, flux * nearness, -1.0).argmax()])


def spectral_flux(samples: NDArray[np.float32], frame: int, hop: int) -> NDArray[np.float32]:
    """(N,) samples → (frames - `_LAG`,) mean growth of the log power spectrum over `_LAG` hops."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, frame)[::hop]
    window = np.hanning(frame).astype(np.float32)
    power = np.square(np.abs(np.fft.rfft(frames * window))) / np.square(window).sum()
    level = np.log(power + 1e-6)  # below -60 dB of full scale nothing counts as sound
    flux: NDArray[np.float32] = np.maximum(level[_LAG:] - level[:-_LAG], 0).mean(axis=1).astype(np.float32)
    return flux
