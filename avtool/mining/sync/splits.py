"""Offsets that change within a film: adverts, other cuts, discs joined end to end.

Each cue may take its own offset, and every change costs a penalty; the best path is found by the Viterbi
algorithm. The idea of a split penalty is that of alass (https://github.com/kaegi/alass).
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from avtool.mining.sync.correlate import Floats, Spans, SpeechContrast

Singles = NDArray[np.float32]
Indices = NDArray[np.int64]


def offset_scores(
    cues: Spans, contrast: SpeechContrast, ratio: float, offsets_s: Floats
) -> Iterator[Singles]:
    """For each cue, (offsets,): the speech contrast under it at each offset, in seconds."""
    for start_s, end_s in zip(*cues, strict=True):
        yield contrast.under(ratio * start_s + offsets_s, ratio * end_s + offsets_s).astype(np.float32)


def best_path(scores: Iterable[Singles], penalty: float) -> Indices:
    """The choice for each cue, (cues,), that maximises the sum of scores less `penalty` for each change.

    Args:
        scores: for each cue, (choices,); read once, so that long films with many choices need not be held.
        penalty: what a change of choice between neighbouring cues costs.
    """
    rows = iter(scores)
    best = next(rows).astype(np.float64)
    leaders: list[int] = []  # for each later cue, the best choice at the cue before: changes come from there
    changes: list[NDArray[np.bool_]] = []
    for row in rows:
        leaders.append(int(best.argmax()))
        after_change = best[leaders[-1]] - penalty
        changes.append(after_change > best)
        best = np.maximum(best, after_change) + row
    path = [int(best.argmax())]
    for leader, changed in zip(reversed(leaders), reversed(changes), strict=True):
        path.append(leader if changed[path[-1]] else path[-1])
    return np.array(path[::-1])


def pieces_of(path: Indices) -> list[tuple[int, int]]:
    """The runs of equal choice as (first cue, one past the last cue)."""
    return list(pairwise([0, *(np.flatnonzero(np.diff(path)) + 1).tolist(), len(path)]))


def without_short_pieces(
    path: Indices, scores: Singles, cues: Spans, min_cues: int, min_span_s: float
) -> Indices:
    """The path with each piece that is too short to trust given to the neighbour that suits it better.

    Args:
        path: (cues,) a choice for each cue.
        scores: (cues, choices).
        cues: caption time.
        min_cues: cues that make a piece trustworthy.
        min_span_s: seconds that make a piece of fewer cues trustworthy.
    """
    path = path.copy()
    while len(pieces := pieces_of(path)) > 1:
        short = [
            (last - first, first, last)
            for first, last in pieces
            if last - first < min_cues and cues.ends_s[last - 1] - cues.starts_s[first] < min_span_s
        ]
        if not short:
            break
        _, first, last = min(short)
        neighbours = [int(path[cue]) for cue in (first - 1, last) if 0 <= cue < len(path)]
        path[first:last] = max(neighbours, key=lambda choice: float(scores[first:last, choice].sum()))
    return path
