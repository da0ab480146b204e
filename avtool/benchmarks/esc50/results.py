"""The protocol's numbers: five accuracies for each seed, their mean, and what is uncertain about it."""

from collections.abc import Mapping, Sequence

import numpy as np

from avtool.benchmarks.esc50.dataset import FOLDS, EscData
from avtool.core.errors import BadInputError
from avtool.evaluation.baselines import Floor
from avtool.evaluation.metrics.intervals import FoldSummary, mean_interval, summarise_folds
from avtool.evaluation.metrics.ranks import log_softmax
from avtool.evaluation.mistakes import worst_mistakes
from avtool.evaluation.predictions import Predictions
from avtool.evaluation.protocols.single_label import class_metrics
from avtool.evaluation.published_results import comparison, provenance_notes
from avtool.evaluation.report import BenchmarkReport, Mistake, Table

_SHOWN = 5
LAST_EPOCH = (
    "The last epoch is scored: nothing was chosen by test folds. AST's published number takes the epoch with "
    "the best mean over the test folds."
)


def evaluate_esc(
    data: EscData,
    runs: Mapping[int, Predictions],
    *,
    floors: Sequence[Floor] = (),
    name: str = "ours",
    training: str = "no other data",
    published: str = "",
    choice: str = LAST_EPOCH,
) -> BenchmarkReport:
    """Scores cross-validated predictions beside floors and published results.

    Args:
        data: the data set.
        runs: seed → predictions of every clip by the model that did not learn from its fold; may be empty
            where there are floors.
        floors: measured on the same folds.
        name: of the model, in tables.
        training: what it learned from, besides the other folds.
        published: whose published results to show, where not those of the data set.
        choice: how settings were chosen, in a sentence.

    Raises:
        BadInputError: a clip is missing or foreign, or was predicted by a model of another fold.
    """
    assert runs or floors, "there is nothing to report"
    arranged = {seed: _arranged(data, predictions) for seed, predictions in runs.items()}
    summaries = {seed: summarise_folds(run.fold_accuracies(FOLDS)) for seed, run in arranged.items()}
    best = max(floors, key=lambda floor: floor.accuracy.mean, default=None)
    ours = (
        [(name, training, {"accuracy": float(np.mean([run.mean for run in summaries.values()]))})]
        if runs
        else []
    )
    ours += [
        (f"{floor.classifier} on {floor.features}", "no other data", {"accuracy": floor.accuracy.mean})
        for floor in floors
    ]
    published = published or data.title.lower()
    tables = [
        comparison(f"{data.title}: mean accuracy over the official folds in %", published, ours),
        _fold_table(name, summaries, floors),
    ]
    metrics: dict[str, object] = {
        "floors": {f"{f.classifier} on {f.features}": _plain(f.accuracy) for f in floors}
    }
    mistakes: Sequence[Mistake] = ()
    headline = f"{data.title}: the best floor is {best.accuracy.mean:.2f} %" if best else ""
    if runs:
        whole = _averaged(list(arranged.values()))
        interval = _interval(data, list(arranged.values()))
        mistakes = worst_mistakes(whole, media={clip.clip_id: clip.path for clip in data.clips})
        metrics |= {
            "accuracy": ours[0][2]["accuracy"],
            "interval": interval,
            "seeds": {str(seed): _plain(summary) for seed, summary in summaries.items()},
            **class_metrics(whole),
        }
        headline = _headline(data, summaries, interval) + (
            f"; the best floor has {best.accuracy.mean:.2f} %" if best else ""
        )
    return BenchmarkReport(headline, metrics, tables, _notes(data, len(runs), published, choice), mistakes)


def _arranged(data: EscData, predictions: Predictions) -> Predictions:
    """The predictions in the data set's order, with its labels and recordings."""
    rows = {clip_id: row for row, clip_id in enumerate(predictions.clip_ids)}
    missing = [clip.clip_id for clip in data.clips if clip.clip_id not in rows]
    if missing or len(rows) != len(data.clips):
        problem = f"lack {', '.join(missing[:_SHOWN])}" if missing else "have clips that it has not"
        raise BadInputError(
            f"{len(rows)} predictions for the {len(data.clips)} clips of {data.title}: they {problem}",
            "predict the test clips of all five folds",
        )
    found = predictions.take([rows[clip.clip_id] for clip in data.clips])
    for clip, fold in zip(data.clips, found.folds, strict=True):
        if fold != clip.fold:
            message = f"`{clip.clip_id}` is of fold {clip.fold}, but was predicted as a clip of fold {fold}"
            raise BadInputError(message, "a model must not have learned from the fold that it is tested on")
    return Predictions(
        found.clip_ids,
        found.classes,
        found.scores,
        tuple((clip.label,) for clip in data.clips),
        tuple(clip.source for clip in data.clips),
        found.folds,
    )


def _averaged(runs: Sequence[Predictions]) -> Predictions:
    """What the seeds' models say together: the mean of their probabilities."""
    mean = np.mean([np.exp(log_softmax(run.scores)) for run in runs], axis=0)
    scores = np.log(np.maximum(mean, np.finfo(np.float32).tiny)).astype(np.float32)
    first = runs[0]
    return Predictions(first.clip_ids, first.classes, scores, first.labels, first.groups, first.folds)


def _interval(data: EscData, runs: Sequence[Predictions]) -> list[float]:
    """95 % bootstrap interval of the mean accuracy, in %: over recordings, seeds averaged."""
    right = np.mean([run.right() for run in runs], axis=0)
    interval = mean_interval(right, groups=[clip.source for clip in data.clips])
    return [100 * interval.low, 100 * interval.high]


def _headline(data: EscData, summaries: Mapping[int, FoldSummary], interval: Sequence[float]) -> str:
    means = [summary.mean for summary in summaries.values()]
    spread = f"± {np.std(means, ddof=1):.2f} over {len(means)} seeds" if len(means) > 1 else "with one seed"
    return (
        f"{data.title}: {np.mean(means):.2f} % {spread}, mean of the five folds "
        f"(95 % interval {interval[0]:.1f} to {interval[1]:.1f})"
    )


def _fold_table(name: str, summaries: Mapping[int, FoldSummary], floors: Sequence[Floor]) -> Table:
    rows = [[f"{name}, seed {seed}", *_cells(summary)] for seed, summary in summaries.items()]
    rows += [[f"{floor.classifier} on {floor.features}", *_cells(floor.accuracy)] for floor in floors]
    columns = ["model", *(f"fold {fold}" for fold in FOLDS), "mean", "sd"]
    return Table("accuracy of each official fold in %", columns, rows)


def _cells(summary: FoldSummary) -> list[float]:
    return [round(value, 2) for value in (*summary.values, summary.mean, summary.deviation)]


def _plain(summary: FoldSummary) -> dict[str, object]:
    return {"folds": list(summary.values), "mean": summary.mean, "deviation": summary.deviation}


def _notes(data: EscData, seeds: int, published: str, choice: str) -> list[str]:
    clip = 100 * len(FOLDS) / len(data.clips)
    notes = [
        "Official folds: learn from four, test on the fifth. No recording has clips in two folds (checked).",
        f"One test clip is {clip:.2f} points of a fold; sd is over the five folds (n - 1).",
    ]
    if seeds:
        notes.append(f"{choice} The interval is a bootstrap over recordings.")
    if 0 < seeds < 3 and len(data.clips) < 1000:
        notes.append(f"With {seeds} seed(s), differences under 3 points mean nothing on {data.title}.")
    licence = "CC BY 3.0" if data.subset == "esc10" else "CC BY-NC 3.0"
    return [*notes, f"{data.title} is under {licence}.", *provenance_notes(published)]
