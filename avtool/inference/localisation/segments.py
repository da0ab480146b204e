"""Hits from frame scores: peaks of the foreground, a segment around each, ranked and suppressed.

The steps of MINOTAUR's inference (Goyal et al., 2023, released code): median filter, peaks above a height,
the best pair of start and end around each, NMS. Other than there, the first and the last frame can be
peaks, no peak is no error, and the confidence of a hit ranks it beside those of other queries.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from pydantic import field_validator

from avtool.core.arrays import Floats, Ints
from avtool.core.recipe import Recipe, listed, option
from avtool.inference.localisation.frame_scores import FrameScores, Hit, TimedBox, corner_boxes
from avtool.inference.localisation.suppression import decay, suppress

_CHUNK = 256  # peaks whose neighbourhoods are in memory at once


class RankingRecipe(Recipe):
    """How hits are found in the scores of a film's frames."""

    height: tuple[float, ...] = option(
        (0.3,), "Least foreground of a peak; of several, the first one that a peak reaches.", min_length=1
    )
    radius: tuple[float, ...] = option(
        (20.0,), "Seconds from a peak to its start and its end at most; a hit for each.", min_length=1
    )
    median: int = option(5, "Frames of the median filter of the foreground, odd; 1 disables.", ge=1, le=99)
    fraction: float = option(
        0.5,
        "Without logits of start and end: a hit lasts while the foreground is above this part of its peak.",
        gt=0,
        le=1,
    )
    tolerance: int = option(
        2, "Frames around start and end over which their probabilities are summed for the confidence.", ge=0
    )
    order: Literal["confidence", "peak"] = option(
        "confidence", "What ranks hits: confidence, or peak (the foreground there, as MINOTAUR)."
    )
    nms: float = option(0.4, "tIoU above which the worse of two hits is dropped; 1 disables.", ge=0, le=1)
    soft_sigma: float = option(0.0, "Divisor of Soft-NMS, instead of NMS by tIoU; 0 disables.", ge=0)
    min_score: float = option(0.0, "Least confidence of a hit.", flag="--min-score", ge=0, le=1)
    top: int = option(5, "Hits of a query at most.", flag="--top", ge=1)
    last: bool = option(False, "Only the last occurrence in the film.", flag="--last")
    always: bool = option(False, "Without a peak, a hit at the largest foreground.")

    @field_validator("height", "radius", mode="before")
    @classmethod
    def _some(cls, value: Any) -> Any:
        return (value,) if isinstance(value, float) else listed(value)

    @field_validator("height")
    @classmethod
    def _heights(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if not all(0 <= one <= 1 for one in values):
            raise ValueError("a height lies in 0 .. 1")
        return values

    @field_validator("radius")
    @classmethod
    def _radii(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if not all(one > 0 for one in values):
            raise ValueError("a radius is above 0")
        return values

    @field_validator("median")
    @classmethod
    def _odd(cls, value: int) -> int:
        if value % 2 == 0:
            raise ValueError(f"a median filter has an odd number of frames, not {value}")
        return value


def rank(scores: FrameScores | Sequence[FrameScores], recipe: RankingRecipe) -> list[Hit]:
    """Hits, best first; empty where the film has none.

    Args:
        scores: of one query over one film; of several frame rates the first is the finest, the radius of the
            others is longer as their frames are, and hits of all are ranked together.
        recipe: how they are found.
    """
    several = [scores] if isinstance(scores, FrameScores) else list(scores)
    pools = [_candidates(one, recipe, one.step / several[0].step) for one in several]
    if recipe.always and not any(len(pool.peaks) for pool in pools):
        best = max(range(len(several)), key=lambda place: 1 - several[place].absent, default=0)
        pools = [_candidates(one, recipe, 1.0, always=place == best) for place, one in enumerate(several)]
    owner = np.repeat(np.arange(len(pools)), [len(pool.peaks) for pool in pools])
    if not len(owner):
        return []
    row = np.concatenate([np.arange(len(pool.peaks)) for pool in pools])
    segments = np.concatenate([pool.segments for pool in pools])
    confidence = np.concatenate([pool.confidence for pool in pools])
    ranking = confidence if recipe.order == "confidence" else np.concatenate([pool.heights for pool in pools])
    kept = np.flatnonzero(confidence >= recipe.min_score)
    if recipe.last and len(kept):
        peaks = np.concatenate([pool.times for pool in pools])
        kept = kept[peaks[kept] == peaks[kept].max()]
    order, decayed = _suppressed(segments[kept], ranking[kept], recipe)
    hits = []
    for place, value in zip(kept[order].tolist(), decayed.tolist(), strict=True):
        score = value if recipe.soft_sigma and recipe.order == "confidence" else float(confidence[place])
        hits.append(pools[owner[place]].hit(int(row[place]), score))
    return hits[: 1 if recipe.last else recipe.top]


@dataclass(frozen=True)
class _Candidates:
    """Peaks of frame scores and the segment around each.

    Attributes:
        scores: that they were found in.
        signal: (N,) the smoothed foreground.
        peaks: (P,) frames.
        first: (P,) first frames of the segments.
        last: (P,) last frames.
        confidence: (P,) mean foreground times joint probability.
    """

    scores: FrameScores
    signal: Floats
    peaks: Ints
    first: Ints
    last: Ints
    confidence: Floats

    @property
    def heights(self) -> Floats:
        """(P,) of the peaks."""
        return self.signal[self.peaks]

    @property
    def times(self) -> Floats:
        """(P,) of the peaks, in seconds."""
        return self.scores.times[self.peaks]

    @property
    def segments(self) -> Floats:
        """(P, 2) starts and ends, in seconds."""
        times = self.scores.times
        return np.stack([times[self.first], times[self.last] + self.scores.step], axis=1)

    def hit(self, row: int, score: float) -> Hit:
        """One of them."""
        first, last = int(self.first[row]), int(self.last[row])
        times = self.scores.times[first : last + 1].tolist()
        boxes: tuple[TimedBox, ...] = ()
        if self.scores.boxes is not None:
            rows = corner_boxes(self.scores.boxes[first : last + 1]).tolist()
            boxes = tuple((time, x, y, w, h) for time, (x, y, w, h) in zip(times, rows, strict=True))
        return Hit(
            start=float(times[0]),
            end=float(times[-1]) + self.scores.step,
            score=score,
            peak=float(self.times[row]),
            boxes=boxes,
            foreground=float(self.heights[row]),
        )


def _candidates(
    scores: FrameScores, recipe: RankingRecipe, longer: float, *, always: bool = False
) -> _Candidates:
    signal = smoothed(scores.foreground, recipe.median)
    peaks = find_peaks(signal, recipe.height)
    if not len(peaks) and always and len(signal):
        peaks = np.array([np.argmax(signal)], dtype=np.int64)
    if not len(peaks):
        none = np.zeros(0, dtype=np.int64)
        return _Candidates(scores, signal, none, none, none, np.zeros(0))
    found = [_around(scores, signal, peaks, radius * longer, recipe) for radius in recipe.radius]
    peaks, first, last, joint = (np.concatenate(column) for column in zip(*found, strict=True))
    confidence = _means(scores.foreground, first, last) * joint
    return _Candidates(scores, signal, peaks, first, last, confidence)


def smoothed(foreground: ArrayLike, frames: int) -> Floats:
    """The foreground, (N,), after a median filter; at its ends it is mirrored."""
    from scipy.ndimage import median_filter

    values = np.asarray(foreground, dtype=np.float64)
    return np.asarray(median_filter(values, size=frames, mode="reflect")) if len(values) else values


def find_peaks(signal: Floats, heights: tuple[float, ...]) -> Ints:
    """Frames of the peaks that reach the first of the heights that any reaches; the middle of plateaus.

    A plateau at an end of the film, or all over it, is a peak if it is above 0.
    """
    from scipy.signal import find_peaks as peaks_of

    padded = np.pad(signal, 1)
    for height in heights:
        found, _ = peaks_of(padded, height=height)
        if len(found):
            return np.asarray(found - 1, dtype=np.int64)
    return np.zeros(0, dtype=np.int64)


def best_segments(start: Floats, end: Floats) -> tuple[Ints, Ints, Floats]:
    """Of each row the frames of start < end with the largest sum of log-probabilities.

    Args:
        start: (P, R) logits; -inf where a frame is not allowed.
        end: (P, R).

    Returns:
        (P,) start frames, (P,) end frames, both included, and the (P,) logarithm of their joint
        probability. Rows with a single allowed frame have it as both.
    """
    first, last = _log_softmax(start), _log_softmax(end)
    after = np.full_like(last, -np.inf)  # the best end behind each frame
    after[:, :-1] = np.maximum.accumulate(last[:, :0:-1], axis=1)[:, ::-1]
    total = first + after
    starts = np.argmax(total, axis=1)
    rows = np.arange(len(starts))
    best = total[rows, starts]
    behind = np.arange(last.shape[1])[None] > starts[:, None]
    ends = np.argmax(np.where(behind, last, -np.inf), axis=1)
    lone = ~np.isfinite(best)
    starts = np.where(lone, np.argmax(first, axis=1), starts)
    ends = np.where(lone, starts, ends)
    return starts, ends, np.where(lone, 0.0, best)


def _around(
    scores: FrameScores, signal: Floats, peaks: Ints, radius: float, recipe: RankingRecipe
) -> tuple[Ints, Ints, Ints, Floats]:
    """Peaks, first and last frames, and the joint probability of start and end."""
    reach = min(max(round(radius / scores.step), 1), max(len(signal) - 1, 1))
    parts = []
    for place in range(0, len(peaks), _CHUNK):
        some = peaks[place : place + _CHUNK]
        frames = some[:, None] + np.arange(-reach, reach + 1)
        if scores.start is None or scores.end is None:
            first, last = _runs(_taken(signal, frames, 0.0), recipe.fraction)
            joint = np.ones(len(some))
        else:
            start, end = (_taken(values, frames, -np.inf) for values in (scores.start, scores.end))
            first, last, _ = best_segments(start, end)
            joint = _mass(start, first, recipe.tolerance) * _mass(end, last, recipe.tolerance)
        lowest = some - reach
        parts.append((some, first + lowest, last + lowest, joint))
    peaks, first, last, joint = (np.concatenate(column) for column in zip(*parts, strict=True))
    return peaks, first, last, joint


def _taken(values: Any, frames: Ints, outside: float) -> Floats:
    """Values at frames; another one where there is no such frame."""
    inside = (frames >= 0) & (frames < len(values))
    found = np.asarray(values, dtype=np.float64)[np.clip(frames, 0, len(values) - 1)]
    return np.where(inside, found, outside)


def _runs(values: Floats, fraction: float) -> tuple[Ints, Ints]:
    """First and last column of each row's run around its middle that is above a part of the middle."""
    middle = values.shape[1] // 2
    below = values < fraction * values[:, middle, None]
    below |= values <= 0
    left = np.argmax(below[:, :middle][:, ::-1], axis=1)
    right = np.argmax(below[:, middle + 1 :], axis=1)
    left = np.where(below[:, :middle].any(axis=1), left, middle)
    right = np.where(below[:, middle + 1 :].any(axis=1), right, middle)
    return middle - left, middle + right


def _mass(logits: Floats, places: Ints, tolerance: int) -> Floats:
    """(P,) probability of the frames up to `tolerance` from a place."""
    chances = np.exp(_log_softmax(logits))
    near = np.abs(np.arange(logits.shape[1])[None] - places[:, None]) <= tolerance
    return np.asarray(np.minimum((chances * near).sum(axis=1), 1.0))


def _log_softmax(logits: Floats) -> Floats:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def _means(values: Any, first: Ints, last: Ints) -> Floats:
    """Mean of the values from first to last frame."""
    sums = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    return np.asarray(np.clip((sums[last + 1] - sums[first]) / (last + 1 - first), 0, 1))


def _suppressed(segments: Floats, ranking: Floats, recipe: RankingRecipe) -> tuple[Ints, Floats]:
    if recipe.soft_sigma:
        return decay(segments, ranking, recipe.soft_sigma)
    order = np.argsort(-ranking, kind="stable")
    if recipe.nms < 1 and len(order):
        order = suppress(segments, ranking, recipe.nms)
    return order, ranking[order]
