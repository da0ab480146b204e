"""Landmarks of audio: pairs of spectral peaks, found again at one offset (Wang, ISMIR 2003)."""

from dataclasses import dataclass

import numpy as np

from avtool.core.arrays import Floats, Ints
from avtool.media.waveforms import Waveform

_WINDOW_S, _HOP_S = 0.064, 0.016
_NEIGHBOURHOOD = (21, 15)  # frequency bins and frames in which a peak is the highest
_PEAKS_PER_SECOND = 30
_FAN_OUT = 8
_LONGEST, _WIDEST = 63, 200  # frames and bins between the peaks of a pair
_FREQUENCY_BITS, _TIME_BITS = 12, 6


@dataclass(frozen=True)
class Landmarks:
    """The landmarks of a waveform.

    Attributes:
        hashes: (pairs,) the frequencies of both peaks and the time between them, in one number.
        times: (pairs,) frame of the first peak.
    """

    hashes: Ints
    times: Ints


def find_landmarks(audio: Waveform, sample_rate: int) -> Landmarks:
    """Pairs of spectral peaks of a waveform (N,) at `sample_rate` Hz, each with the next few after it."""
    frequency, time = _peaks(audio, sample_rate)
    hashes, times = [], []
    for step in range(1, _FAN_OUT + 1):
        apart = time[step:] - time[:-step]
        rise = frequency[step:] - frequency[:-step]
        kept = (apart >= 1) & (apart <= _LONGEST) & (np.abs(rise) <= _WIDEST)
        pair = (frequency[:-step] << _FREQUENCY_BITS) | frequency[step:]
        hashes.append(((pair << _TIME_BITS) | apart)[kept])
        times.append(time[:-step][kept])
    return Landmarks(np.concatenate(hashes), np.concatenate(times))


def _peaks(audio: Waveform, sample_rate: int) -> tuple[Ints, Ints]:
    """Frequency bin and frame of the strongest peaks, in order of time."""
    from scipy.ndimage import maximum_filter
    from scipy.signal import stft

    window, hop = round(_WINDOW_S * sample_rate), round(_HOP_S * sample_rate)
    if len(audio) < window:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    _, _, spectrum = stft(audio, nperseg=window, noverlap=window - hop, boundary=None, padded=False)
    level = np.log(np.maximum(np.abs(spectrum), 1e-9))
    highest = (maximum_filter(level, _NEIGHBOURHOOD) == level) & (level > level.min())
    frequency, time = np.nonzero(highest)
    count = max(1, round(_PEAKS_PER_SECOND * len(audio) / sample_rate))
    strongest = np.argsort(-level[frequency, time], kind="stable")[:count]
    frequency, time = frequency[strongest], time[strongest]
    order = np.lexsort((frequency, time))
    return frequency[order].astype(np.int64), time[order].astype(np.int64)


class LandmarkIndex:
    """The landmarks of the clips of a database.

    Args:
        clips: of each clip.
    """

    def __init__(self, clips: dict[int, Landmarks], num_clips: int) -> None:
        hashes = np.concatenate([found.hashes for found in clips.values()])
        owners = np.repeat(list(clips), [len(found.hashes) for found in clips.values()])
        order = np.argsort(hashes, kind="stable")
        self._hashes, self._owners = hashes[order], owners[order]
        self._times = np.concatenate([found.times for found in clips.values()])[order]
        self._num_clips = num_clips

    def votes(self, query: Landmarks) -> Floats:
        """(N,) the most landmarks of each clip that are in the query at one and the same offset."""
        first = np.searchsorted(self._hashes, query.hashes, "left")
        count = np.searchsorted(self._hashes, query.hashes, "right") - first
        steps = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        places = np.repeat(first, count) + steps
        votes = np.zeros(self._num_clips)
        if not len(places):
            return votes
        offsets = self._times[places] - np.repeat(query.times, count)
        pairs = np.stack([self._owners[places], offsets], axis=1)
        found, hits = np.unique(pairs, axis=0, return_counts=True)
        np.maximum.at(votes, found[:, 0], hits)
        return votes
