"""Protocol of QVHighlights: moments and highlights of a query."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from avtool.benchmarks.localisation.report import Coverage, Scored, spans, worst
from avtool.data.readers.qvhighlights import HighlightQuery, read_qvhighlights
from avtool.evaluation.localisation.moments import (
    LENGTHS,
    RATINGS,
    THRESHOLDS,
    MomentScores,
    RankedWindows,
    score_highlights,
    score_moments,
)
from avtool.evaluation.localisation.overlap import tiou
from avtool.evaluation.localisation.submissions import (
    WindowChecks,
    check_keys,
    random_windows,
    read_jsonl_submission,
    whole_videos,
)
from avtool.evaluation.report import Table

_HALF, _SEVEN_TENTHS, _THREE_QUARTERS = (THRESHOLDS.index(limit) for limit in (0.5, 0.7, 0.75))


def score(annotations: Path, predictions: Path, *, fix: bool, seed: int) -> Scored:
    """Scores a submission.

    Args:
        annotations: of the training or validation split (JSONL).
        predictions: a submission (JSONL).
        fix: drop windows that are none.
        seed: of the random baseline.

    Raises:
        BadInputError: a file cannot be used, or they do not belong together.
    """
    truth = {one.query.key: one for one in read_qvhighlights(annotations)}
    checks = WindowChecks(fix)
    predicted = read_jsonl_submission(predictions, checks)
    check_keys(predictions, predicted, truth, "query")
    durations = {key: one.query.duration for key, one in truth.items()}
    generator = np.random.default_rng(seed)
    drawn = {
        key: RankedWindows(one.windows, one.scores, generator.random(len(truth[key].saliency)))
        for key, one in random_windows(durations, seed, 10).items()
    }
    means, metrics, full = _measured(truth, predicted)
    baselines = {
        "random windows": _measured(truth, drawn)[0],
        "the whole video": _measured(truth, whole_videos(durations))[0],
    }
    return Scored(
        means,
        baselines,
        Coverage(
            len(truth),
            [key for key in truth if key not in predicted],
            sum(all(end <= start for start, end in one.query.windows) for one in truth.values()),
            checks.dropped,
        ),
        metrics,
        tables=[*_tables(metrics), *([_worst(truth, predicted, full)] if full else [])],
        notes=[
            "R1 and mAP of moments: tIoU at or above the threshold, the first ten windows; mAP is the mean "
            "over tIoU 0.5 to 0.95. Highlights of the table: rated Very Good."
        ],
    )


def _measured(
    truth: Mapping[str, HighlightQuery], predicted: Mapping[str, RankedWindows]
) -> tuple[dict[str, float], dict[str, Any], MomentScores | None]:
    """Means in the table, all numbers, and values by query where there are moments."""
    ranked = [predicted.get(key) for key in truth]
    means: dict[str, float] = {}
    metrics: dict[str, Any] = {}
    full = None
    if any(len(one.windows) for one in predicted.values()):
        moments = [np.array(one.query.windows, dtype=np.float64).reshape(-1, 2) for one in truth.values()]
        scores = score_moments(moments, ranked)
        full = scores["full"]
        for name in LENGTHS:
            metrics[name] = _by_threshold(scores[name])
        precision, first = metrics["full"]["mAP"], metrics["full"]["R1"]
        means = {
            "R1@0.5": first[_HALF],
            "R1@0.7": first[_SEVEN_TENTHS],
            "mAP@0.5": precision[_HALF],
            "mAP@0.75": precision[_THREE_QUARTERS],
            "mAP": metrics["full"]["average"],
            **{f"mAP {name}": metrics[name]["average"] for name in ("short", "middle", "long")},
        }
    if any(one.saliency is not None for one in predicted.values()):
        salience = [np.zeros(0) if one is None or one.saliency is None else one.saliency for one in ranked]
        found = score_highlights([one.saliency for one in truth.values()], salience)
        for name in RATINGS:
            metrics[f"highlights_{name}"] = {"mAP": 100 * found[name][0], "HIT@1": 100 * found[name][1]}
        means |= {"HL mAP": 100 * found["VeryGood"][0], "HIT@1": 100 * found["VeryGood"][1]}
    return means, metrics, full


def _by_threshold(scores: MomentScores) -> dict[str, Any]:
    if not len(scores.precision):
        zeros = [0.0] * len(THRESHOLDS)
        return {"queries": 0, "mAP": zeros, "R1": zeros, "average": 0.0}
    precision = 100 * scores.precision.mean(axis=0)
    return {
        "queries": len(scores.precision),
        "mAP": precision.tolist(),
        "R1": (100 * scores.first.mean(axis=0)).tolist(),
        "average": float(precision.mean()),
    }


def _tables(metrics: Mapping[str, Any]) -> list[Table]:
    tables = []
    if "full" in metrics:
        rows = [
            [f"{kind}, {name}", metrics[name]["queries"], *(round(value, 2) for value in metrics[name][kind])]
            for kind in ("mAP", "R1")
            for name in LENGTHS
        ]
        columns = ["metric, length of moments", "queries", *map(str, THRESHOLDS)]
        tables.append(Table("moments by tIoU and length, in %", columns, rows))
    rated = [name for name in RATINGS if f"highlights_{name}" in metrics]
    if rated:
        rows = [[name, *(round(one, 2) for one in metrics[f"highlights_{name}"].values())] for name in rated]
        tables.append(Table("highlights by least rating, in %", ["rating", "mAP", "HIT@1"], rows))
    return tables


def _worst(
    truth: Mapping[str, HighlightQuery], predicted: Mapping[str, RankedWindows], full: MomentScores
) -> Table:
    rows: list[Sequence[Any]] = []
    values = full.precision.mean(axis=1)
    for (key, one), value in zip(truth.items(), values.tolist(), strict=True):
        query, ranked = one.query, predicted.get(key)
        windows = ranked.windows if ranked else np.zeros((0, 2))
        best = float(tiou(windows[:1], query.windows).max(initial=0.0))
        rows.append(
            [
                query.video,
                query.text,
                spans(query.windows),
                spans(windows),
                round(best, 2),
                round(100 * value, 2),
            ]
        )
    columns = ["video", "query", "true", "predicted", "tIoU of the first", "AP, %"]
    return worst(values, "queries with the lowest mAP", columns, rows)
