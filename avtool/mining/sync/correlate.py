"""The score of captions against speech: how much more speech there is under the cues than around them.

The speech signal has its local mean taken away first. Then silence and steady music count nothing, a cue
gains where speech stands out from its surroundings, and two films that happen to be talkative in the same
quarter of an hour do not look alike.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from avtool.mining.sync.vad import FRAME_RATE

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

LOCAL_MEAN_S = 20.0
COARSE_STEP = 8
"""Frames averaged into one for the search: 12.5 Hz resolves a peak that is about a second wide."""
COARSE_RATE = FRAME_RATE / COARSE_STEP
ONSET_S = 0.4
"""A cue appears as somebody begins to speak; when it goes is weaker evidence. Speech this long after a start
should exceed speech as long before it."""
_CHANCE_LAG_S, _CHANCE_STEP_S = 110.0, 0.73  # lags that stand for chance: of all, the true one is but one


class Spans(NamedTuple):
    """When cues are shown: starts and ends in seconds, (cues,) each."""

    starts_s: Floats
    ends_s: Floats


@dataclass(frozen=True, eq=False)
class SpeechContrast:
    """A film's speech with its local mean removed.

    Attributes:
        coarse: (frames / 8,) the contrast at 12.5 Hz.
        integral: (frames + 1,) the contrast at 100 Hz integrated from the start, in seconds.
        energy: the integral of the squared contrast, in seconds.
        duration_s: the film's length.
        onset_weight: what a second of speech gained at a start counts, against one under a cue; 0 leaves
            starts out.
    """

    coarse: Singles
    integral: Floats
    energy: float
    duration_s: float
    onset_weight: float = 0.0

    @classmethod
    def of(cls, speech: Singles) -> "SpeechContrast":
        """Prepares a speech signal, (frames,) at 100 Hz."""
        contrast = speech - _local_mean(speech, round(LOCAL_MEAN_S * FRAME_RATE))
        padded = np.pad(contrast, (0, -len(contrast) % COARSE_STEP))
        return cls(
            coarse=padded.reshape(-1, COARSE_STEP).mean(axis=1).astype(np.float32),
            integral=np.concatenate([[0.0], np.cumsum(contrast)]) / FRAME_RATE,
            energy=float(np.square(contrast).sum()) / FRAME_RATE,
            duration_s=len(speech) / FRAME_RATE,
        )

    def under(self, starts_s: Floats, ends_s: Floats) -> Floats:
        """The contrast under each span of film time, in seconds; nothing counts outside of the film."""
        return self._integral_to(ends_s) - self._integral_to(starts_s)

    def onsets(self, starts_s: Floats) -> Floats:
        """How much more contrast follows each start than comes before it, in seconds."""
        before, at, after = (self._integral_to(starts_s + shift) for shift in (-ONSET_S, 0.0, ONSET_S))
        return after - 2 * at + before

    def evidence(self, starts_s: Floats, ends_s: Floats) -> Floats:
        """The support of each span for the map that put it there: the contrast under it and at its start."""
        under = self.under(starts_s, ends_s)
        return under + self.onset_weight * self.onsets(starts_s) if self.onset_weight else under

    def weighing_onsets(self, cues: "Spans") -> "SpeechContrast":
        """The same with an onset weight that lets chance move both kinds of evidence equally far."""
        lags = np.arange(-_CHANCE_LAG_S, _CHANCE_LAG_S, _CHANCE_STEP_S)[:, None]
        under = self.under(cues.starts_s + lags, cues.ends_s + lags).sum(axis=1)
        onsets = self.onsets(cues.starts_s + lags).sum(axis=1)
        deviations = [float(np.median(np.abs(values))) for values in (under, onsets)]
        return replace(self, onset_weight=deviations[0] / deviations[1] if deviations[1] else 0.0)

    def _integral_to(self, times_s: Floats) -> Floats:
        position = np.clip(times_s * FRAME_RATE, 0, len(self.integral) - 1)
        frame = np.minimum(position.astype(np.int64), len(self.integral) - 2)
        before = self.integral[frame]
        result: Floats = before + (position - frame) * (self.integral[frame + 1] - before)
        return result


def _local_mean(signal: Singles, width: int) -> Floats:
    """The mean of the frames at most width/2 away; near the ends, of those that exist."""
    integral = np.concatenate([[0.0], np.cumsum(signal, dtype=np.float64)])
    frames = np.arange(len(signal))
    first = np.maximum(frames - width // 2, 0)
    last = np.minimum(frames + width // 2 + 1, len(signal))
    means: Floats = (integral[last] - integral[first]) / (last - first)
    return means


def activity(starts: Floats, ends: Floats, num_frames: int) -> Singles:
    """Spans painted on a grid: 1 inside, 0 outside, the covered share where a span begins or ends.

    Args:
        starts: (spans,) in frames; those outside of the grid are ignored.
        ends: (spans,) in frames; the spans are disjoint.
        num_frames: length of the grid.
    """
    slope = np.zeros(num_frames + 2)
    for edges, sign in ((starts, 1.0), (ends, -1.0)):
        position = np.clip(edges, 0, num_frames)
        frame = position.astype(np.int64)
        part = position - frame
        slope += np.bincount(frame, sign * (1 - part), num_frames + 2)
        slope += np.bincount(frame + 1, sign * part, num_frames + 2)
    return np.cumsum(slope)[:num_frames].astype(np.float32)


def correlate(cues: Singles, contrast: Singles) -> Singles:
    """Row-wise products of cues with later and later contrast, by FFT.

    Args:
        cues: (rows, N).
        contrast: (rows, N + lags - 1).

    Returns:
        (rows, lags): entry k is the sum over n of cues[n] * contrast[n + k].
    """
    lags = contrast.shape[-1] - cues.shape[-1] + 1
    size = scipy.fft.next_fast_len(contrast.shape[-1], real=True)
    spectrum = scipy.fft.rfft(contrast, size) * np.conj(scipy.fft.rfft(cues, size))
    products: Singles = scipy.fft.irfft(spectrum, size)[..., :lags]
    return products


def disjoint(starts_s: Floats, ends_s: Floats, longest_s: float) -> Spans:
    """Spans in time order, none longer than `longest_s`, each ending no later than the next begins."""
    order = np.argsort(starts_s, kind="stable")
    starts = starts_s[order]
    ends = np.minimum(ends_s[order], starts + longest_s)
    ends[:-1] = np.minimum(ends[:-1], starts[1:])
    some = ends > starts
    return Spans(starts[some], ends[some])
