"""The z-score of a match against chance, which decides whether captions are accepted."""

import numpy as np
import scipy.fft

from avtool.mining.sync.correlate import (
    COARSE_RATE,
    ONSET_S,
    Floats,
    Singles,
    Spans,
    SpeechContrast,
    activity,
)
from avtool.mining.sync.time_map import TimeMap

CHANCE_Z = 4.0
"""About what the best of all offsets and ratios reaches on captions of another film."""


def chance_deviation(cues: Singles, contrast: Singles) -> float:
    """The standard deviation of the correlation coefficient that chance gives at an arbitrary lag.

    It is measured on the film itself, over all circular lags, by the median of absolute values, which the
    true peak cannot move. The longer the film and the busier its dialogue, the smaller it is.

    Args:
        cues: (N,) what is sought, on the grid of `contrast`.
        contrast: (M,) contrast of the speech.
    """
    size = scipy.fft.next_fast_len(max(len(cues), len(contrast)), real=True)
    spectrum = scipy.fft.rfft(contrast, size) * np.conj(scipy.fft.rfft(cues, size))
    products = scipy.fft.irfft(spectrum, size)
    scale = float(np.sqrt(np.square(cues).sum() * np.square(contrast).sum()))
    return 1.4826 * float(np.median(np.abs(products))) / scale if scale > 0 else float("inf")


def z_score(time_map: TimeMap, cues: Spans, contrast: SpeechContrast, deviation: float) -> float:
    """The evidence for a map in standard deviations of chance.

    Each segment of a split map had all offsets to choose from, so a segment counts only with what it has
    above `CHANCE_Z`: on captions of another film the value stays near `CHANCE_Z`, however many splits were
    found there.
    """
    starts_s, ends_s = time_map.spans(*cues)
    segments = np.maximum(np.searchsorted(time_map.starts_s, cues.starts_s, side="right") - 1, 0)
    count = time_map.num_splits + 1
    shown_s = np.bincount(segments, ends_s - starts_s, count)
    found_s = np.bincount(segments, contrast.evidence(starts_s, ends_s), count)[shown_s > 0]
    shown_s = shown_s[shown_s > 0]
    z = found_s / np.sqrt(shown_s * contrast.energy) / deviation
    return float(CHANCE_Z + (np.sqrt(shown_s / shown_s.sum()) * (z - CHANCE_Z)).sum())


def deviation_of(time_map: TimeMap, cues: Spans, contrast: SpeechContrast) -> float:
    """The standard deviation of the evidence that chance gives, on the scale of `Fit.evidence`."""
    starts_s, ends_s = time_map.spans(*cues)
    template = _painted(starts_s, ends_s, contrast)
    if contrast.onset_weight:
        after = _painted(starts_s, starts_s + ONSET_S, contrast)
        before = _painted(starts_s - ONSET_S, starts_s, contrast)
        template += np.float32(contrast.onset_weight) * (after - before)
    norm = float(np.linalg.norm(template) * np.linalg.norm(contrast.coarse)) / COARSE_RATE
    shown_s = float((ends_s - starts_s).sum())
    return chance_deviation(template, contrast.coarse) * norm / float(np.sqrt(shown_s * contrast.energy))


def _painted(starts_s: Floats, ends_s: Floats, contrast: SpeechContrast) -> Singles:
    return activity(starts_s * COARSE_RATE, ends_s * COARSE_RATE, len(contrast.coarse))
