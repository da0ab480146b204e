"""The reports of the runner: what is scored, beside its baselines, and notes on how it was measured."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from avtool.benchmarks.runner.data import BenchmarkData, Fold
from avtool.benchmarks.runner.features import mean_recall
from avtool.benchmarks.runner.outcome import RANDOM_INIT, ModelOutcome
from avtool.benchmarks.runner.scoring import windows_of
from avtool.benchmarks.settings import EvalRecipe
from avtool.benchmarks.spec import ProtocolName
from avtool.core.reporter import Reporter
from avtool.evaluation.baselines import SAMPLE_RATE, Baseline, measure_baselines
from avtool.evaluation.feature_map import map_values
from avtool.evaluation.metrics.intervals import summarise_folds
from avtool.evaluation.protocols.cross_validation import FoldedClips, ScoredModel, cross_validation_report
from avtool.evaluation.protocols.multi_label import evaluate_multi_label
from avtool.evaluation.report import BenchmarkReport, Table
from avtool.media.waveforms import read_waveform

_TITLES: Mapping[ProtocolName, str] = {
    "linear": "linear probe",
    "svm": "linear SVM",
    "knn": "k-NN",
    "finetune": "fine-tuning",
    "frozen": "last layer",
    "zero-shot": "zero-shot",
}
_LAST_EPOCH = "The last epoch is scored: nothing was chosen by test clips."
_CHOICES: Mapping[ProtocolName, str] = {
    "linear": "C was chosen by cross-validation inside the training clips, {groups} kept together.",
    "svm": "C was chosen by cross-validation inside the training clips, {groups} kept together.",
    "knn": "The number of neighbours and their weights were set beforehand.",
    "zero-shot": "Nothing was trained: each class is a text.",
    "predictions": "How its settings were chosen is not known here.",
}


def cross_validated_report(
    data: BenchmarkData,
    settings: EvalRecipe,
    folds: list[Fold],
    outcomes: Mapping[str, ModelOutcome],
    reporter: Reporter,
) -> BenchmarkReport:
    """The report of a cross-validation.

    Args:
        data: of the benchmark.
        settings: which protocol, and whether classical baselines are measured.
        folds: those that were tested.
        outcomes: of the model, and of its random-init baseline.
        reporter: receives progress.

    Raises:
        BadInputError: predictions are missing, or were made by a model of another fold.
    """
    (name, ours), *others = outcomes.items()
    clips = _folded(data, folds)
    baselines = [_random_init(outcome, settings, clips.tested) for _, outcome in others]
    if settings.baselines and data.spec.classical_baselines:
        baselines += classical_baselines(data, clips.tested, settings.seed, reporter)
    scratch = settings.protocol == "train" and not settings.model
    title = f"{_TITLES[settings.protocol]} of {name}" if settings.encoder else name
    training = "no other data" if scratch or settings.predictions else "see its card"
    report = cross_validation_report(
        clips,
        ours.joined(),
        data.spec.facts(settings.protocol),
        baselines=baselines,
        model=ScoredModel(title, training, _choice(data, settings)),
    )
    return _with_encoder_facts(report, data, settings, outcomes) if settings.encoder else report


def multi_label_report(
    data: BenchmarkData,
    settings: EvalRecipe,
    folds: list[Fold],
    outcomes: Mapping[str, ModelOutcome],
    reporter: Reporter,
) -> BenchmarkReport:
    """The report of clips with several labels: mAP, mAUC and d′, and the mAP of the random-init baseline.

    Raises:
        BadInputError: no label is a class of the model.
    """
    facts, caveats = data.spec.facts(settings.protocol).without_published(differences(data, settings, folds))
    reports = {
        name: evaluate_multi_label(next(iter(outcome.joined().values())), facts, reporter, name)
        for name, outcome in outcomes.items()
    }
    ours = next(iter(reports.values()))
    metrics, tables = dict(ours.metrics), list(ours.tables)
    if RANDOM_INIT in reports:
        metrics["random_init"] = {
            key: reports[RANDOM_INIT].metrics[key] for key in ("mAP", "mAUC", "d_prime")
        }
        rows = [[name, round(100 * report.metrics["mAP"], 2)] for name, report in reports.items()]
        tables.insert(
            1, Table("mAP in %, beside the same network from random weights", ["start", "mAP"], rows)
        )
    notes = [*split_notes(data, settings), *ours.notes]
    return replace(ours, metrics=metrics, tables=tables, notes=notes, caveats=[*caveats, *ours.caveats])


def split_notes(data: BenchmarkData, settings: EvalRecipe) -> list[str]:
    """Notes on official splits: how clips were scored."""
    windows = windows_of(data.spec, settings)
    mean = "margins" if settings.protocol == "svm" else "probabilities"
    return [f"{windows} evenly spaced windows of each clip, their {mean} averaged. {_choice(data, settings)}"]


def retrieval_notes(data: BenchmarkData, settings: EvalRecipe, folds: list[Fold]) -> list[str]:
    """Notes on class retrieval."""
    windows = windows_of(data.spec, settings)
    return [
        f"Queries are the test clips of {_names(folds)}, the gallery its training clips; the unit features "
        f"of {windows} windows of a clip are averaged, and compared by cosine. Of equally similar clips the "
        "first is the nearer."
    ]


def differences(data: BenchmarkData, settings: EvalRecipe, folds: list[Fold]) -> list[str]:
    """What keeps the numbers from being compared with published ones."""
    spec, notes = data.spec, []
    if spec.data.classes and len(data.classes) != spec.data.classes:
        notes.append(f"{len(data.classes)} classes, officially {spec.data.classes}")
    for fold in folds:
        found = len(fold.train) + len(fold.test)
        if spec.data.clips and found != spec.data.clips:
            notes.append(f"{fold.name} has {found} clips, officially {spec.data.clips}")
    official = spec.folds_of(settings.protocol)
    if len(folds) < len(official):
        notes.append(f"only {_names(folds)} of {len(official)} splits")
    return notes


def _names(folds: list[Fold]) -> str:
    return " and ".join(fold.name for fold in folds)


def _choice(data: BenchmarkData, settings: EvalRecipe) -> str:
    groups = "folds" if data.spec.data.cross_validated else "recordings"
    return _CHOICES.get(settings.protocol, _LAST_EPOCH).format(groups=groups)


def _folded(data: BenchmarkData, folds: list[Fold]) -> FoldedClips:
    """The clips of the tested folds, in the data's order."""
    clips = data.clips.select(folds=[fold.number for fold in folds])
    return FoldedClips(
        clips.column("clip_id"),
        [labels[0] for labels in clips.column("labels")],
        clips.column("group"),
        clips.column("fold"),
        [clips.local(clip.audio) for clip in clips],
        data.spec.data.folds,
    )


def _random_init(outcome: ModelOutcome, settings: EvalRecipe, folds: list[int]) -> Baseline:
    """The accuracy of the random-init baseline on each fold, the mean over seeds."""
    means = np.mean([run.fold_accuracies(folds) for run in outcome.joined().values()], axis=0)
    return Baseline(RANDOM_INIT, _TITLES[settings.protocol], summarise_folds(means.tolist()))


def classical_baselines(
    data: BenchmarkData, folds: list[int], seed: int, reporter: Reporter
) -> list[Baseline]:
    """The classical baselines on the tested folds; each learns from all other folds.

    Raises:
        BadInputError: a clip cannot be read.
    """
    seconds = data.spec.data.seconds
    assert seconds is not None, "checked by the schema"
    length = round(seconds * SAMPLE_RATE)
    waveforms = []
    with reporter.progress(f"reading {data.spec.title}", len(data.clips)) as progress:
        for clip in data.clips:
            samples = read_waveform(data.clips.local(clip.audio), 0.0, seconds, sample_rate=SAMPLE_RATE)
            waveforms.append(np.pad(samples, (0, length - samples.size)))
            progress.advance()
    reporter.info("measuring the classical baselines")
    numbers = np.array(data.clips.column("fold"))
    found = measure_baselines(waveforms, data.labels(data.clips), numbers, seed=seed)
    places = [sorted(data.spec.data.folds).index(fold) for fold in folds]
    return [
        replace(entry, accuracy=summarise_folds([entry.accuracy.values[place] for place in places]))
        for entry in found
    ]


def _with_encoder_facts(
    report: BenchmarkReport,
    data: BenchmarkData,
    settings: EvalRecipe,
    outcomes: Mapping[str, ModelOutcome],
) -> BenchmarkReport:
    """The report with the gain over the random-init baseline, the settings chosen, retrieval, and a map."""
    metrics, tables, headline = dict(report.metrics), list(report.tables), report.headline
    if RANDOM_INIT in outcomes:
        gain = metrics["gain_over_random_init"] = _gain(metrics, settings)
        headline += (
            f"; {gain['mean']:+.2f} points over random init, paired by fold "
            f"(95 % t interval {gain['interval'][0]:+.1f} to {gain['interval'][1]:+.1f})"
        )
    recall: dict[str, dict[int, float]] = {}
    for title, outcome in outcomes.items():
        key = "random_init" if title == RANDOM_INIT else "ours"
        if chosen := [probed.regularisation for probed in outcome.probes if probed.regularisation]:
            metrics[f"regularisation_{key}"] = chosen
        if found := [probed.retrieval for probed in outcome.probes if probed.retrieval]:
            recall[title] = metrics[f"recall_{key}"] = mean_recall(found)
    if recall:
        tables.insert(-1, _recall_table(recall))
    ours = next(iter(outcomes.values()))
    if ours.features is not None:
        labels = [labels[0] for labels in data.clips.column("labels")]
        metrics["feature_map"] = map_values(ours.features, labels)
    return replace(report, headline=headline, metrics=metrics, tables=tables)


def _gain(metrics: Mapping[str, Any], settings: EvalRecipe) -> dict[str, Any]:
    """Points over the random-init baseline, fold by fold."""
    baseline = metrics["baselines"][f"{_TITLES[settings.protocol]} on {RANDOM_INIT}"]["folds"]
    ours = np.mean([seed["folds"] for seed in metrics["seeds"].values()], axis=0)
    gain = summarise_folds((ours - np.array(baseline)).tolist())
    interval = [gain.interval.low, gain.interval.high]
    return {"folds": list(gain.values), "mean": gain.mean, "interval": interval}


def _recall_table(recall: Mapping[str, Mapping[int, float]]) -> Table:
    rows = [[title, *(round(value, 2) for value in values.values())] for title, values in recall.items()]
    columns = ["encoder", *(f"R@{k}" for k in next(iter(recall.values())))]
    return Table("share of clips with one of their class among the k nearest in %", columns, rows)
