"""Cross-validation over official folds: the accuracy of each fold and seed, and its uncertainty."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avtool.core.errors import BadInputError
from avtool.evaluation.baselines import Baseline
from avtool.evaluation.metrics.intervals import FoldSummary, mean_interval, summarise_folds
from avtool.evaluation.mistakes import worst_mistakes
from avtool.evaluation.predictions import Predictions, mean_predictions
from avtool.evaluation.protocols.single_label import class_metrics
from avtool.evaluation.published import BenchmarkFacts, comparison
from avtool.evaluation.report import BenchmarkReport, Table

_SHOWN = 5
_FEW_SEEDS, _FEW_CLIPS = 3, 1000


@dataclass(frozen=True)
class FoldedClips:
    """The test clips of a cross-validation, in their order.

    Attributes:
        ids: (N,) names.
        labels: (N,) the class of each.
        groups: (N,) the recording of each; no recording is in two folds.
        folds: (N,) the fold in which each is tested.
        media: (N,) the file of each.
        official: the folds of the whole benchmark.
    """

    ids: Sequence[str]
    labels: Sequence[str]
    groups: Sequence[str]
    folds: Sequence[int]
    media: Sequence[Path]
    official: Sequence[int]

    @property
    def tested(self) -> list[int]:
        """The folds of these clips."""
        return sorted(set(self.folds))


@dataclass(frozen=True)
class ScoredModel:
    """What is scored.

    Attributes:
        name: in tables.
        training: what it was trained on, besides the other folds.
        choice: how its settings were chosen, in a sentence.
    """

    name: str = "ours"
    training: str = "no other data"
    choice: str = "The last epoch is scored: nothing was chosen by test folds."


def cross_validation_report(
    clips: FoldedClips,
    runs: Mapping[int, Predictions],
    facts: BenchmarkFacts,
    *,
    baselines: Sequence[Baseline] = (),
    model: ScoredModel | None = None,
) -> BenchmarkReport:
    """Scores cross-validated predictions beside baselines and published results.

    Args:
        clips: what was to be predicted: all folds, or some for a quick look.
        runs: seed → predictions of every clip by the model that was not trained on its fold.
        facts: of the benchmark.
        baselines: measured on the same folds.
        model: what is scored.

    Raises:
        BadInputError: a clip is missing or foreign, or was predicted by a model of another fold.
    """
    model = model or ScoredModel()
    arranged = [_arranged(clips, predictions, facts.title) for predictions in runs.values()]
    summaries = {
        seed: summarise_folds(run.fold_accuracies(clips.tested))
        for seed, run in zip(runs, arranged, strict=True)
    }
    tables = [_fold_table(model.name, clips.tested, summaries, baselines)]
    if clips.tested == sorted(clips.official):
        tables.insert(0, _comparison(facts, summaries, baselines, model))
    together = mean_predictions(arranged)
    interval = _interval(clips, arranged)
    headline = _headline(facts.title, clips, summaries, interval)
    if baselines:
        best = max(entry.accuracy.mean for entry in baselines)
        headline += f"; the best baseline has {best:.2f} %"
    return BenchmarkReport(
        headline,
        metrics={
            "baselines": {entry.name: _plain(entry.accuracy) for entry in baselines},
            "accuracy": _mean(summaries),
            "interval": interval,
            "folds": clips.tested,
            "seeds": {str(seed): _plain(summary) for seed, summary in summaries.items()},
            **class_metrics(together),
        },
        tables=tables,
        notes=_notes(clips, len(runs), facts, model),
        mistakes=worst_mistakes(together, media=dict(zip(clips.ids, clips.media, strict=True))),
    )


def _mean(summaries: Mapping[int, FoldSummary]) -> float:
    """The mean accuracy over seeds, in %."""
    return float(np.mean([summary.mean for summary in summaries.values()]))


def _arranged(clips: FoldedClips, predictions: Predictions, title: str) -> Predictions:
    """The predictions in the clips' order, with their labels and recordings."""
    rows = {clip_id: row for row, clip_id in enumerate(predictions.clip_ids)}
    missing = [clip_id for clip_id in clips.ids if clip_id not in rows]
    if missing or len(rows) != len(clips.ids):
        problem = f"lack {', '.join(missing[:_SHOWN])}" if missing else "have clips that it has not"
        raise BadInputError(
            f"{len(rows)} predictions for the {len(clips.ids)} clips of {title}: they {problem}",
            "predict the test clips of all folds, or choose folds with --folds",
        )
    found = predictions.take([rows[clip_id] for clip_id in clips.ids])
    for clip_id, wanted, fold in zip(clips.ids, clips.folds, found.folds, strict=True):
        if fold != wanted:
            message = f"`{clip_id}` is of fold {wanted}, but was predicted as a clip of fold {fold}"
            raise BadInputError(message, "a model must not have learned from the fold that it is tested on")
    labels = tuple((label,) for label in clips.labels)
    return Predictions(found.clip_ids, found.classes, found.scores, labels, tuple(clips.groups), found.folds)


def _interval(clips: FoldedClips, runs: Sequence[Predictions]) -> list[float]:
    """95 % bootstrap interval of the mean accuracy, in %: over recordings, seeds averaged."""
    right = np.mean([run.right() for run in runs], axis=0)
    interval = mean_interval(right, groups=list(clips.groups))
    return [100 * interval.low, 100 * interval.high]


def _headline(
    title: str, clips: FoldedClips, summaries: Mapping[int, FoldSummary], interval: Sequence[float]
) -> str:
    means = [summary.mean for summary in summaries.values()]
    spread = f"± {np.std(means, ddof=1):.2f} over {len(means)} seeds" if len(means) > 1 else "with one seed"
    tested = clips.tested
    of_folds = f"mean of {len(tested)} folds"
    if tested != sorted(clips.official):
        title += f", only fold{'s' if len(tested) > 1 else ''} {', '.join(map(str, tested))}"
        of_folds = f"{len(clips.ids)} clips"
    return (
        f"{title}: {np.mean(means):.2f} % {spread}, {of_folds} "
        f"(95 % interval {interval[0]:.1f} to {interval[1]:.1f})"
    )


def _comparison(
    facts: BenchmarkFacts,
    summaries: Mapping[int, FoldSummary],
    baselines: Sequence[Baseline],
    model: ScoredModel,
) -> Table:
    ours = [(model.name, model.training, {"accuracy": _mean(summaries)})]
    ours += [(entry.name, "no other data", {"accuracy": entry.accuracy.mean}) for entry in baselines]
    return comparison(f"{facts.title}: mean accuracy over the official folds in %", facts.published, ours)


def _fold_table(
    name: str,
    folds: Sequence[int],
    summaries: Mapping[int, FoldSummary],
    baselines: Sequence[Baseline],
) -> Table:
    rows = [[f"{name}, seed {seed}", *_cells(summary)] for seed, summary in summaries.items()]
    rows += [[entry.name, *_cells(entry.accuracy)] for entry in baselines]
    columns = ["model", *(f"fold {fold}" for fold in folds), "mean", "sd"]
    return Table("accuracy of each official fold in %", columns, rows)


def _cells(summary: FoldSummary) -> list[float]:
    return [round(value, 2) for value in (*summary.values, summary.mean, summary.deviation)]


def _plain(summary: FoldSummary) -> dict[str, object]:
    return {"folds": list(summary.values), "mean": summary.mean, "deviation": summary.deviation}


def _notes(clips: FoldedClips, seeds: int, facts: BenchmarkFacts, model: ScoredModel) -> list[str]:
    if clips.tested != sorted(clips.official):
        return ["A part of the folds is not the protocol: do not compare this with published numbers."]
    points = 100 * len(clips.tested) / len(clips.ids)
    notes = [
        "Official folds: train on all but one, test on that one. No recording has clips in two folds "
        "(checked).",
        f"One test clip is {points:.2f} points of a fold; sd is over the folds (n - 1).",
    ]
    notes.append(f"{model.choice} The interval is a bootstrap over recordings.")
    if seeds < _FEW_SEEDS and len(clips.ids) < _FEW_CLIPS:
        notes.append(
            f"With fewer than {_FEW_SEEDS} seeds, differences under {2.4 * points:.0f} points mean nothing "
            f"on {facts.title}."
        )
    return [*notes, *facts.closing_notes()]
