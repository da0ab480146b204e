"""The search for one ratio and the offsets: a coarse survey of all candidates, then a zoom on the best."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avtool.mining.sync.correlate import COARSE_RATE, Floats, Spans, SpeechContrast, activity, correlate

FRAME_RATES = (24 / 1.001, 24.0, 25.0)
RATIOS = (1.0, *(a / b for a in FRAME_RATES for b in FRAME_RATES if a != b))
"""What captions made for one frame rate need on a film played at another."""

DRIFT = 3e-3
"""How far from a frame-rate ratio the true ratio may lie."""

_WINDOW_S = 600.0  # caption time that shares one correlation; a jump spoils one window only
_MARGIN_S = 30.0  # the last cue of a window may end after it
_SMEAR_S = 0.4  # the farthest a cue may be from its place because the survey's ratio is not exact
_ZOOMS = 4
_REACH_S = 0.6
_PEAKS = 3  # that are refined at each ratio


@dataclass(frozen=True, eq=False)
class Survey:
    """The best that each candidate ratio reaches.

    Attributes:
        ratios: (candidates,) ascending.
        step: distance of neighbouring ratios.
        scores: (candidates,) correlation coefficient of the best single offset.
        offsets_s: (candidates,) that offset.
        split_scores: (candidates,) the same sum when each ten minutes may take an offset of their own.
    """

    ratios: Floats
    step: float
    scores: Floats
    offsets_s: Floats
    split_scores: Floats


def ratio_grid(duration_s: float) -> tuple[Floats, float]:
    """The ratios that differ measurably on captions of this length, ascending, and their distance.

    A wrong ratio moves the first and the last cue apart by its error times the duration, so long films need a
    fine grid, and below some minutes drift cannot be measured.
    """
    step = 4 * _SMEAR_S / max(duration_s, 1.0)
    if step > DRIFT:
        return np.unique(RATIOS), step
    even = np.arange(min(RATIOS) - DRIFT, max(RATIOS) + DRIFT, step)
    likely = np.abs(even[:, None] - np.array(RATIOS)).min(axis=1) <= DRIFT
    return np.unique(np.concatenate([even[likely], RATIOS])), step


def survey(cues: Spans, contrast: SpeechContrast, max_offset_s: float) -> Survey:
    """Correlates dialogue (disjoint, in caption time) at every ratio of the grid and every offset."""
    ratios, step = ratio_grid(float(cues.ends_s[-1] - cues.starts_s[0]))
    best = [_survey_one(cues, contrast, float(ratio), max_offset_s) for ratio in ratios]
    scores, offsets, split_scores = np.array(best).T
    return Survey(ratios, step, scores, offsets, split_scores)


def _survey_one(
    cues: Spans, contrast: SpeechContrast, ratio: float, max_offset_s: float
) -> tuple[float, float, float]:
    curves = window_curves(cues, contrast, ratio, max_offset_s)
    total = curves.sum(axis=0)
    best = int(total.argmax())
    offset_s = (best - len(total) // 2) / COARSE_RATE
    return float(total[best]), offset_s, float(curves.max(axis=1).sum())


def likely_offsets(cues: Spans, contrast: SpeechContrast, ratio: float, max_offset_s: float) -> list[float]:
    """The offsets in seconds of the highest peaks at a ratio, the highest first, a second apart or more."""
    total = window_curves(cues, contrast, ratio, max_offset_s).sum(axis=0)
    found: list[float] = []
    for _ in range(_PEAKS):
        best = int(total.argmax())
        found.append((best - len(total) // 2) / COARSE_RATE)
        reach = round(COARSE_RATE)
        total[max(0, best - reach) : best + reach + 1] = -np.inf
    return found


def window_curves(
    cues: Spans, contrast: SpeechContrast, ratio: float, max_offset_s: float
) -> NDArray[np.float32]:
    """What each ten minutes of captions add to the correlation coefficient, (windows, offsets).

    The sum over the windows is the coefficient at the offsets -max, ..., max in steps of 1 / COARSE_RATE.
    """
    window = (cues.starts_s / _WINDOW_S).astype(np.int64)
    first = int(window[0])
    window -= first
    num_windows = int(window[-1]) + 1
    length = int((ratio * _WINDOW_S + _MARGIN_S) * COARSE_RATE)
    origins = ((first + np.arange(num_windows)) * (_WINDOW_S * ratio * COARSE_RATE)).astype(np.int64)
    start = ratio * cues.starts_s * COARSE_RATE - origins[window]
    end = np.minimum(ratio * cues.ends_s * COARSE_RATE - origins[window], length)
    shown = activity(start + window * length, end + window * length, num_windows * length)
    lags = round(max_offset_s * COARSE_RATE)
    frames = origins[:, None] + np.arange(-lags, length + lags)
    inside = (frames >= 0) & (frames < len(contrast.coarse))
    film = np.where(inside, contrast.coarse[np.clip(frames, 0, len(contrast.coarse) - 1)], np.float32(0))
    products = correlate(shown.reshape(num_windows, length), film)
    scale = COARSE_RATE * np.sqrt(ratio * float((cues.ends_s - cues.starts_s).sum()) * contrast.energy)
    curves: NDArray[np.float32] = products / np.float32(scale)
    return curves


def refine(
    cues: Spans,
    segments: NDArray[np.int64],
    contrast: SpeechContrast,
    ratio: float,
    offsets_s: Floats,
    ratio_reach: float,
) -> tuple[float, Floats]:
    """Zooms in on the ratio (common) and the offsets (one a segment) that score best.

    An offset is searched at the middle of its segment: there it hardly depends on the ratio.

    Args:
        cues: dialogue in caption time.
        segments: (cues,) the segment each cue belongs to, 0 to K - 1.
        contrast: the film.
        ratio: the ratio to start from.
        offsets_s: (K,) the offsets to start from.
        ratio_reach: how far the ratio may move; 0 keeps it.

    Returns:
        The ratio and the (K,) offsets.
    """
    members = [Spans(*(times[segments == segment] for times in cues)) for segment in range(len(offsets_s))]
    middles = np.array([member.starts_s.mean() for member in members])
    anchors = ratio * middles + offsets_s
    reach_s = _REACH_S
    for _ in range(_ZOOMS):
        shifts = np.linspace(-reach_s, reach_s, 21)
        options = ratio + (np.linspace(-ratio_reach, ratio_reach, 9) if ratio_reach > 0 else np.zeros(1))
        gains = np.empty((len(options), len(members), len(shifts)))
        for row, option in enumerate(options):
            for column, member in enumerate(members):
                move = (anchors[column] - option * middles[column] + shifts)[:, None]
                evidence = contrast.evidence(option * member.starts_s + move, option * member.ends_s + move)
                gains[row, column] = evidence.sum(axis=1) / np.sqrt(option)
        row = int(gains.max(axis=2).sum(axis=1).argmax())
        ratio = float(options[row])
        anchors = anchors + shifts[gains[row].argmax(axis=1)]
        reach_s, ratio_reach = reach_s / 5, ratio_reach / 4
    return ratio, anchors - ratio * middles
