"""Protocol of Ego4D VQ2D: where the object of an image crop is last seen."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from avtool.benchmarks.localisation.report import Coverage, Scored, worst
from avtool.data.readers.ego4d import TubeQuery, read_vq
from avtool.evaluation.localisation.submissions import WindowChecks, check_keys
from avtool.evaluation.localisation.tube_submission import read_vq_submission
from avtool.evaluation.localisation.tubes import THRESHOLDS, Tube, TubeScores, score_tubes
from avtool.evaluation.report import Table


def score(annotations: Path, predictions: Path, *, fix: bool, seed: int) -> Scored:
    """Scores a submission (JSON); arguments and errors as of the other protocols."""
    queries = {one.key: one for one in read_vq(annotations)}
    truth = [_tube(one) for one in queries.values()]
    checks = WindowChecks(fix)
    predicted = read_vq_submission(predictions, checks)
    check_keys(predictions, predicted, queries, "query")
    scores = score_tubes(truth, [predicted.get(key) for key in queries])
    means = _means(scores)
    generator = np.random.default_rng(seed)
    windows = {
        "a random window, the full frame": [
            sorted(generator.integers(0, max(one.query_frame, 1), 2).tolist()) for one in queries.values()
        ],
        "all frames, the full frame": [[0, one.query_frame - 1] for one in queries.values()],
    }
    baselines = {}
    for kind, ends in windows.items():
        tubes = [_full_frame(one, *pair) for one, pair in zip(queries.values(), ends, strict=True)]
        if any(tubes):
            baselines[kind] = _means(score_tubes(truth, tubes))
    notes = [
        "AP: one tube a query, ranked by score over all queries, overlap at or above the threshold. "
        "Published AP is in fractions; here it is in %.",
        "Baselines have one score: their AP depends on the order of the queries.",
    ]
    confidences = [tube.score for tube in predicted.values()]
    if (distinct := len(set(confidences))) < len(confidences):
        notes.append(
            f"{len(confidences)} predictions have {distinct} scores: AP depends on the order of equal ones, "
            "which is that of the annotations."
        )
    return Scored(
        means,
        baselines,
        Coverage(
            len(queries),
            [key for key in queries if key not in predicted],
            sum(not len(one.frames) for one in truth),
            checks.dropped,
        ),
        {
            "tAP_by_tIoU": (100 * scores.temporal).tolist(),
            "stAP_by_IoU": (100 * scores.spatial).tolist(),
            "distinct_scores": distinct,
        },
        tables=[_by_threshold(scores), _worst(list(queries.values()), truth, predicted, scores)],
        notes=notes,
    )


def _means(scores: TubeScores) -> dict[str, float]:
    found = {
        "stAP25": scores.spatial[0],
        "stAP": scores.spatial.mean(),
        "tAP25": scores.temporal[0],
        "tAP": scores.temporal.mean(),
        "recovery": scores.recovery,
        "success": scores.success,
    }
    return {title: 100 * float(value) for title, value in found.items()}


def _tube(query: TubeQuery) -> Tube:
    frames = sorted(query.track)
    boxes = np.array([query.track[frame] for frame in frames], dtype=np.float64).reshape(-1, 4)
    return Tube(np.array(frames, dtype=np.int64), boxes)


def _full_frame(query: TubeQuery, first: int, last: int) -> Tube | None:
    if query.size is None:
        return None
    frames = np.arange(first, last + 1)
    return Tube(frames, np.broadcast_to([0.0, 0.0, *query.size], (len(frames), 4)))


def _by_threshold(scores: TubeScores) -> Table:
    rows = [
        [name, *(round(100 * value, 2) for value in values.tolist())]
        for name, values in (("tAP", scores.temporal), ("stAP", scores.spatial))
    ]
    return Table("AP by overlap, in %", ["metric", *map(str, THRESHOLDS)], rows)


def _worst(
    queries: Sequence[TubeQuery], truth: Sequence[Tube], predicted: Mapping[str, Tube], scores: TubeScores
) -> Table:
    rows: list[Sequence[Any]] = []
    values = []
    for query, true, value in zip(queries, truth, scores.volumes.tolist(), strict=True):
        if (tube := predicted.get(query.key)) is not None:
            rows.append([query.key, query.title, _frames(true), _frames(tube), tube.score, round(value, 3)])
            values.append(value)
    columns = ["query", "object", "true", "predicted", "score", "IoU of volumes"]
    return worst(values, "queries with the lowest IoU of volumes", columns, rows)


def _frames(tube: Tube) -> str:
    return f"frames {tube.frames[0]}–{tube.frames[-1]}" if len(tube.frames) else "none"
