"""Protocol of Charades-STA: the window of a sentence, by R@k and mAP."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from avtool.benchmarks.localisation.report import Coverage, Scored, spans, worst
from avtool.data.readers.charades_sta import read_charades_sta
from avtool.data.readers.video_queries import VideoQuery
from avtool.evaluation.localisation.moments import THRESHOLDS, RankedWindows, score_moments
from avtool.evaluation.localisation.sentences import SentenceScores, score_sentences
from avtool.evaluation.localisation.submissions import (
    WindowChecks,
    random_windows,
    read_sentence_submission,
    whole_videos,
)
from avtool.evaluation.report import Table

_RANKS: Final = (1, 5)
_LIMITS: Final = (0.3, 0.5, 0.7)


def score(annotations: Path, predictions: Path, *, fix: bool, seed: int) -> Scored:
    """Scores a submission (JSONL); arguments and errors as of the other protocols."""
    queries = read_charades_sta(annotations)
    checks = WindowChecks(fix)
    predicted = read_sentence_submission(predictions, queries, checks)
    means, scores = _measured(queries, predicted)
    durations = {one.key: one.duration for one in queries}
    baselines = {
        name: _measured(queries, found)[0]
        for name, found in (
            ("random windows", random_windows(durations, seed, max(_RANKS))),
            ("the whole video", whole_videos(durations)),
        )
        if len(found) == len(queries)
    }
    notes = [
        "R@k: tIoU at or above the threshold with one of the first k windows of the file; mAP as of "
        "QVHighlights."
    ]
    if not baselines:
        notes.append("Baselines need the durations of Charades_v1_test.csv beside the annotations.")
    return Scored(
        means,
        baselines,
        Coverage(
            len(queries),
            [one.key for one in queries if one.key not in predicted],
            sum(one.windows[0][0] == one.windows[0][1] for one in queries),
            checks.dropped,
        ),
        {},
        tables=[worst_sentences(queries, predicted, scores)],
        notes=notes,
    )


def _measured(
    queries: Sequence[VideoQuery], predicted: Mapping[str, RankedWindows]
) -> tuple[dict[str, float], SentenceScores]:
    ranked = [predicted.get(one.key) for one in queries]
    scores = score_sentences([one.windows[0] for one in queries], ranked, _RANKS, _LIMITS, strict=False)
    truth = [np.array(one.windows) for one in queries]
    precision = 100 * score_moments(truth, ranked)["full"].precision.mean(axis=0)
    means = recalls(scores, _RANKS, _LIMITS) | {
        f"mAP@{limit}": float(precision[THRESHOLDS.index(limit)]) for limit in (0.5, 0.75)
    }
    return means, scores


def recalls(scores: SentenceScores, ranks: Sequence[int], limits: Sequence[float]) -> dict[str, float]:
    """R@k at each tIoU, and mIoU, in %."""
    recall = 100 * scores.recall()
    found = {
        f"R{rank}@{limit}": float(recall[row, column])
        for row, rank in enumerate(ranks)
        for column, limit in enumerate(limits)
    }
    return found | {"mIoU": 100 * scores.mean_tiou()}


def worst_sentences(
    queries: Sequence[VideoQuery], predicted: Mapping[str, RankedWindows], scores: SentenceScores
) -> Table:
    """The queries with predictions whose first windows are the farthest off."""
    rows: list[Sequence[Any]] = []
    values = []
    for one, value in zip(queries, scores.first.tolist(), strict=True):
        if ranked := predicted.get(one.key):
            rows.append([one.video, one.text, spans(one.windows), spans(ranked.windows), round(value, 2)])
            values.append(value)
    columns = ["video", "query", "true", "predicted", "tIoU of the first"]
    return worst(values, "queries with the lowest tIoU", columns, rows)
