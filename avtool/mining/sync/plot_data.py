"""The numbers behind a film's alignment plot: small enough to keep with every film."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from avtool.mining.sync.synchronise import SyncResult
from avtool.mining.sync.vad import FRAME_RATE

_BINS = 240
_CURVE_POINTS = 400


def alignment_plot(
    starts_s: NDArray[np.float64],
    ends_s: NDArray[np.float64],
    is_dialogue: NDArray[np.bool_],
    speech: NDArray[np.float32],
    result: SyncResult,
) -> dict[str, Any]:
    """Shares of speech and of dialogue captions in equal segments of the film, before and after the map.

    Returns:
        `{"duration": s, "speech": [...], "before": [...], "after": [...], "offsets": [...], "curve": [...]}`;
        lists of 0..1 shares, and the correlation against the offset; empty where there was no speech signal.
    """
    duration = len(speech) / FRAME_RATE
    if not duration:
        return {}
    edges = np.linspace(0.0, duration, _BINS + 1)
    starts, ends = starts_s[is_dialogue], ends_s[is_dialogue]
    step = max(1, len(result.curve) // _CURVE_POINTS)
    # each segment keeps its highest correlation, so that thinning never loses the peak
    peaks = [int(i + np.argmax(result.curve[i : i + step])) for i in range(0, len(result.curve), step)]
    return {
        "duration": round(duration, 2),
        "speech": _rounded(np.diff(_cumulative(speech, edges)) / np.diff(edges)),
        "before": _rounded(_covered(starts, ends, edges)),
        "after": _rounded(_covered(*result.map.spans(starts, ends), edges)),
        "offsets": _rounded(result.offsets_s[peaks]),
        "curve": _rounded(result.curve[peaks], 4),
    }


def _cumulative(speech: NDArray[np.float32], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Seconds of speech before each edge."""
    total = np.concatenate([[0.0], np.cumsum(speech, dtype=np.float64) / FRAME_RATE])
    seconds: NDArray[np.float64] = np.interp(edges * FRAME_RATE, np.arange(len(total)), total)
    return seconds


def _covered(
    starts: NDArray[np.float64], ends: NDArray[np.float64], edges: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The share of each segment that lies under a caption."""
    order = np.argsort(starts)
    starts, ends = starts[order], np.maximum.accumulate(ends[order])
    starts = np.maximum(starts, np.concatenate([[-np.inf], ends[:-1]]))  # overlaps count once
    before = np.clip(edges[:, None] - starts[None, :], 0, np.maximum(0, ends - starts)[None, :]).sum(axis=1)
    shares: NDArray[np.float64] = np.diff(before) / np.diff(edges)
    return shares


def _rounded(values: NDArray[np.floating], digits: int = 3) -> list[float]:
    return [round(float(value), digits) for value in values]
