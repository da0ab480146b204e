"""The best time map of each kind: one offset, or several."""

from dataclasses import dataclass

import numpy as np

from avtool.mining.sync.correlate import Floats, Spans, SpeechContrast
from avtool.mining.sync.evidence import deviation_of
from avtool.mining.sync.search import DRIFT, RATIOS, Survey, likely_offsets, refine
from avtool.mining.sync.splits import Indices, best_path, offset_scores, pieces_of, without_short_pieces
from avtool.mining.sync.time_map import TimeMap

_LUCK = 0.5  # deviations of chance that a free ratio must gain on one of frame rates: it always gains some
_LIKELY = 6  # candidates of the survey that are looked at closely
_GRID_S = 0.1  # of the offsets that splits choose from
_SAME_S = 0.15  # neighbouring segments whose offsets are closer than this are one


@dataclass(frozen=True)
class Fit:
    """A time map and what speaks for it.

    Attributes:
        map: the map.
        rho: the correlation coefficient of the mapped cues with the speech contrast.
        penalised: the same with the price of the splits taken off.
        evidence: under cues and at their starts, in the units of `rho`, likewise penalised.
    """

    map: TimeMap
    rho: float
    penalised: float
    evidence: float


@dataclass(frozen=True)
class SplitPrice:
    """What keeps splits from being believed too easily.

    Attributes:
        penalty_s: seconds of speech under cues that a split must gain.
        min_cues: dialogue cues that make a segment.
        min_span_s: caption seconds that make a segment of fewer cues.
    """

    penalty_s: float
    min_cues: int
    min_span_s: float


def correlation_of(time_map: TimeMap, cues: Spans, contrast: SpeechContrast, penalty_s: float = 0.0) -> Fit:
    """How well a map fits."""
    shown_s = float((cues.ends_s - cues.starts_s).sum())
    scale = float(np.sqrt(time_map.ratio * shown_s * contrast.energy))
    spans = time_map.spans(*cues)
    under_s = float(contrast.under(*spans).sum())
    evidence_s = float(contrast.evidence(*spans).sum())
    price_s = penalty_s * time_map.num_splits
    return Fit(time_map, under_s / scale, (under_s - price_s) / scale, (evidence_s - price_s) / scale)


def fit_one_offset(cues: Spans, contrast: SpeechContrast, candidates: Survey, max_offset_s: float) -> Fit:
    """The best map with one offset; a ratio of frame rates unless another one is clearly better."""
    segments = np.zeros(len(cues.starts_s), np.int64)

    def fitted(ratio: float, offset_s: float, reach: float) -> Fit:
        ratio, offsets_s = refine(cues, segments, contrast, ratio, np.array([offset_s]), reach)
        return correlation_of(TimeMap(ratio, (0.0,), tuple(offsets_s.tolist())), cues, contrast)

    exact = max(
        (
            fitted(ratio, offset_s, 0.0)
            for ratio in RATIOS
            for offset_s in likely_offsets(cues, contrast, ratio, max_offset_s)
        ),
        key=lambda fit: fit.evidence,
    )
    likely = np.argsort(candidates.scores)[-_LIKELY:]
    pairs = zip(candidates.ratios[likely], candidates.offsets_s[likely], strict=True)
    reach = min(candidates.step, DRIFT)
    free = max((fitted(float(r), float(o), reach) for r, o in pairs), key=lambda fit: fit.evidence)
    return free if free.evidence > exact.evidence + _LUCK * deviation_of(exact.map, cues, contrast) else exact


def fit_pieces(
    cues: Spans, contrast: SpeechContrast, candidates: Survey, max_offset_s: float, price: SplitPrice
) -> Fit:
    """The best map whose offset may change, over the ratios that the survey makes likely."""
    likely = {int(candidates.scores.argmax()), int(candidates.split_scores.argmax())}
    likely.add(int(np.abs(candidates.ratios - 1).argmin()))
    fits = []
    for candidate in sorted(likely):
        ratio = float(candidates.ratios[candidate])
        grid = candidates.offsets_s[candidate] + np.arange(-max_offset_s, max_offset_s + _GRID_S, _GRID_S)
        path = best_path(offset_scores(cues, contrast, ratio, grid), price.penalty_s)
        segments, offsets_s = _segments(cues, contrast, ratio, grid[np.unique(path)], price)
        rough = _zoomed(cues, contrast, segments, ratio, offsets_s, min(candidates.step, DRIFT)).map
        # the borders were drawn between offsets on the grid: draw them again between the exact ones
        segments, offsets_s = _segments(cues, contrast, rough.ratio, np.unique(rough.offsets_s), price)
        fits.append(_zoomed(cues, contrast, segments, rough.ratio, offsets_s, 0.0, price.penalty_s))
    return max(fits, key=lambda fit: fit.penalised)


def _segments(
    cues: Spans, contrast: SpeechContrast, ratio: float, offsets_s: Floats, price: SplitPrice
) -> tuple[Indices, Floats]:
    """(cues,) segment numbers and (segments,) offsets of the best path through a few offsets."""
    scores = np.array(list(offset_scores(cues, contrast, ratio, offsets_s)))
    path = best_path(scores, price.penalty_s)
    path = without_short_pieces(path, scores, cues, price.min_cues, price.min_span_s)
    segments = np.concatenate([[0], np.cumsum(np.abs(np.diff(offsets_s[path])) > _SAME_S)])
    return segments, offsets_s[path[[first for first, _ in pieces_of(segments)]]]


def _zoomed(
    cues: Spans,
    contrast: SpeechContrast,
    segments: Indices,
    ratio: float,
    offsets_s: Floats,
    reach: float,
    penalty_s: float = 0.0,
) -> Fit:
    """The map after the zoom, with the ratio of frame rates beside it where that costs next to nothing."""
    pieces = pieces_of(segments)
    middles = np.array([cues.starts_s[first:last].mean() for first, last in pieces])
    borders = [(cues.ends_s[first - 1] + cues.starts_s[first]) / 2 for first, _ in pieces[1:]]

    def fitted(ratio: float, offsets_s: Floats, reach: float) -> Fit:
        ratio, offsets_s = refine(cues, segments, contrast, ratio, offsets_s, reach)
        starts = (min(0.0, float(cues.starts_s[0])), *(float(border) for border in borders))
        return correlation_of(TimeMap(ratio, starts, tuple(offsets_s.tolist())), cues, contrast, penalty_s)

    free = fitted(ratio, offsets_s, reach)
    exact = min(RATIOS, key=lambda known: abs(known - free.map.ratio))
    if exact == free.map.ratio or abs(exact - free.map.ratio) > reach > 0:
        return free
    kept = fitted(exact, np.array(free.map.offsets_s) + (free.map.ratio - exact) * middles, 0.0)
    luck = _LUCK * deviation_of(kept.map, cues, contrast)
    return free if free.evidence > kept.evidence + luck else kept
