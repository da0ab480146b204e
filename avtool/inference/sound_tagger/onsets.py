"""Onsets of a stream of audio, by spectral flux, in a megabyte an hour."""

import numpy as np
from numpy.typing import NDArray

from avtool.mining.onset import spectral_flux

_FRAME_S, _STEP_S = 0.032, 0.02
_MIN_DEVIATIONS = 6.0
"""How many median absolute deviations above the median of its surroundings an onset stands out."""
_SURROUNDINGS_S = 1.0
_BLOCK_S = 2.0


class OnsetCurve:
    """The spectral flux of a mono waveform that arrives piece by piece, every 20 ms.

    Args:
        sample_rate: Hz; 0 takes that of the first window.
    """

    def __init__(self, sample_rate: int = 0) -> None:
        self._set_rate(sample_rate)
        self._samples = 0
        self._pieces: list[NDArray[np.float16]] = []
        self._waiting = np.zeros(0, np.float32)

    def _set_rate(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._frame, self._step = round(_FRAME_S * sample_rate), round(_STEP_S * sample_rate)

    def add_window(self, start: float, end: float, waveform: NDArray[np.float32] | None) -> None:
        """The next window of a file, of which a part may have been in the last one; None adds nothing."""
        if waveform is None or not waveform.size or end <= start:
            return
        if not self._rate:
            self._set_rate(round(len(waveform) / (end - start)))
        new = min(len(waveform), max(0, round(start * self._rate) + len(waveform) - self._samples))
        self.add(waveform[len(waveform) - new :])

    def add(self, samples: NDArray[np.float32]) -> None:
        """The next samples."""
        self._samples += len(samples)
        self._waiting = np.concatenate([self._waiting, samples])
        if len(self._waiting) >= _BLOCK_S * self._rate:
            self._compute()

    def _compute(self) -> None:
        """The flux of all frames that can be compared with the one that follows them."""
        span = self._frame + 4 * self._step
        count = max(0, (len(self._waiting) - span) // self._step + 1)
        if count:
            flux = spectral_flux(self._waiting[: (count - 1) * self._step + span], self._frame, self._step)
            self._pieces.append(flux[:count].astype(np.float16))
            self._waiting = self._waiting[count * self._step :]

    def strongest(self, start: float, end: float) -> float | None:
        """The time in seconds of the strongest onset between two times; None where nothing stands out."""
        if not self._rate:
            return None
        self._compute()
        self._pieces = [np.concatenate(self._pieces)] if self._pieces else []
        if not self._pieces:
            return None
        curve, middle = self._pieces[0], (self._frame + 4 * self._step) / 2 / self._rate
        first, last = (round((time - middle) / _STEP_S) for time in (start, end))
        near = round(_SURROUNDINGS_S / _STEP_S)
        around = curve[max(0, first - near) : max(0, last + near)].astype(np.float32)
        inside = curve[max(0, first) : max(0, last + 1)].astype(np.float32)
        if not inside.size:
            return None
        median = float(np.median(around))
        deviation = float(np.median(np.abs(around - median)))
        if inside.max() - median <= max(_MIN_DEVIATIONS * deviation, 1e-3):
            return None
        return float((max(0, first) + int(inside.argmax())) * _STEP_S + middle)
