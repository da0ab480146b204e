"""Protocol of Ego4D NLQ: the window of a sentence in an egocentric clip, by R@k."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from avtool.benchmarks.localisation.report import Coverage, Scored
from avtool.benchmarks.localisation.sentences import recalls, worst_sentences
from avtool.data.readers.ego4d import read_nlq
from avtool.data.readers.video_queries import VideoQuery
from avtool.evaluation.localisation.moments import RankedWindows
from avtool.evaluation.localisation.sentences import SentenceScores, score_sentences
from avtool.evaluation.localisation.submissions import (
    WindowChecks,
    check_keys,
    random_windows,
    read_nlq_submission,
    whole_videos,
)

_RANKS: Final = (1, 3, 5)
_LIMITS: Final = (0.3, 0.5)


def score(annotations: Path, predictions: Path, *, fix: bool, seed: int) -> Scored:
    """Scores a submission (JSON); arguments and errors as of the other protocols."""
    queries = {one.key: one for one in read_nlq(annotations)}
    checks = WindowChecks(fix)
    predicted = read_nlq_submission(predictions, checks)
    check_keys(predictions, predicted, queries, "query")
    submitted = [one for key, one in queries.items() if key in predicted]
    missing = [key for key, one in queries.items() if key not in predicted and one.text]
    means, scores = _measured(submitted, predicted)
    durations = {key: one.duration for key, one in queries.items()}
    baselines = {
        name: _measured([queries[key] for key in found], found)[0]
        for name, found in (
            ("random windows", random_windows(durations, seed, max(_RANKS))),
            ("the whole clip", whole_videos(durations)),
        )
        if found
    }
    rows = {"missing queries count 0": _measured(list(queries.values()), predicted)[0]} if missing else {}
    return Scored(
        means,
        baselines,
        Coverage(
            len(queries),
            missing,
            sum(one.windows[0][0] == one.windows[0][1] for one in queries.values()),
            checks.dropped,
            counted=False,
        ),
        {"all_queries": rows.get("missing queries count 0", means)},
        rows=rows,
        tables=[worst_sentences(submitted, predicted, scores)],
        notes=[
            "R@k: tIoU above the threshold with one of the first k windows of the file; mIoU: of the first."
        ],
    )


def _measured(
    queries: Sequence[VideoQuery], predicted: Mapping[str, RankedWindows]
) -> tuple[dict[str, float], SentenceScores]:
    ranked = [predicted.get(one.key) for one in queries]
    scores = score_sentences([one.windows[0] for one in queries], ranked, _RANKS, _LIMITS, strict=True)
    means = recalls(scores, _RANKS, _LIMITS)
    return {"mean R1": (means["R1@0.3"] + means["R1@0.5"]) / 2} | means, scores
