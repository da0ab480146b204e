"""A benchmark of known protocols: data, folds, models or features, predictions, report."""

from dataclasses import replace

from avtool.benchmarks.runner.av_retrieval import av_retrieval_report
from avtool.benchmarks.runner.data import BenchmarkData, Fold, open_data
from avtool.benchmarks.runner.features import FeatureStore, mean_recall, probe_fold, retrieve_fold
from avtool.benchmarks.runner.models import Run, Trainings, encoder_title
from avtool.benchmarks.runner.outcome import RANDOM_INIT, ModelOutcome
from avtool.benchmarks.runner.report import (
    cross_validated_report,
    differences,
    multi_label_report,
    retrieval_notes,
    split_notes,
)
from avtool.benchmarks.runner.scoring import score_fold
from avtool.benchmarks.runner.tested_clips import check_predictions, check_test_clips, folds_to_test
from avtool.benchmarks.runner.zero_shot import zero_shot
from avtool.benchmarks.settings import EvalRecipe
from avtool.benchmarks.spec import PROBES, TRAINED, BenchmarkSpec
from avtool.core.reporter import Reporter
from avtool.evaluation.players import with_places
from avtool.evaluation.predictions_file import read_places, read_predictions
from avtool.evaluation.protocols.official_splits import class_retrieval_report, split_report
from avtool.evaluation.protocols.predictions import evaluate_predictions
from avtool.evaluation.report import BenchmarkReport


def run_benchmark(
    name: str, spec: BenchmarkSpec, settings: EvalRecipe, reporter: Reporter
) -> BenchmarkReport:
    """Runs a benchmark.

    Args:
        name: of the benchmark; its trainings are named by it.
        spec: its content.
        settings: which protocol, of which model.
        reporter: receives progress.

    Raises:
        AvtoolError: data, model and settings do not fit together, or a training failed.
    """
    facts = spec.facts(settings.protocol)
    if settings.predictions and not spec.data.reader:
        predictions = read_predictions(settings.predictions)
        title = settings.name or settings.predictions.name
        contamination = check_predictions(predictions, spec, settings)
        report = evaluate_predictions(
            predictions,
            facts,
            spec.scoring,
            reporter,
            name=title,
            seed=settings.seed,
            unlabelled=settings.unlabelled,
        )
        mistakes = with_places(report.mistakes, read_places(settings.predictions))
        return contamination.mark(replace(report, mistakes=mistakes))
    data = open_data(spec, settings, reporter)
    folds = folds_to_test(spec, settings, data)
    start = Trainings(name, spec, settings, data, reporter).start if settings.protocol in TRAINED else None
    contamination = check_test_clips(data, settings, folds, start)
    if settings.predictions:
        predictions = read_predictions(settings.predictions)
        contamination = check_predictions(predictions, spec, settings, data)
    return contamination.mark(_report(name, data, settings, folds, reporter))


def _report(
    name: str, data: BenchmarkData, settings: EvalRecipe, folds: list[Fold], reporter: Reporter
) -> BenchmarkReport:
    spec = data.spec
    facts = spec.facts(settings.protocol)
    if settings.protocol == "retrieval":
        recall = {
            model: {
                f"R@{k}": share
                for k, share in mean_recall([retrieve_fold(store, fold) for fold in folds]).items()
            }
            for model, (store,) in _stores(data, settings, reporter).items()
        }
        return class_retrieval_report(
            recall, facts, retrieval_notes(data, settings, folds), differences(data, settings, folds)
        )
    if settings.protocol == "av-retrieval":
        return av_retrieval_report(data, settings, folds, reporter)
    if settings.protocol == "zero-shot":
        outcomes = {encoder_title(settings): zero_shot(data, settings, folds, reporter)}
    else:
        outcomes = _measure(name, data, settings, folds, reporter)
    if spec.multi_label:
        return multi_label_report(data, settings, folds, outcomes, reporter)
    if spec.data.cross_validated:
        return cross_validated_report(data, settings, folds, outcomes, reporter)
    names = [fold.name for fold in folds]
    runs = {model: outcome.by_fold(names) for model, outcome in outcomes.items()}
    metric = spec.protocols[settings.protocol].metric
    notes = split_notes(data, settings)
    return split_report(runs, facts, metric, notes, differences(data, settings, folds))


def _measure(
    name: str, data: BenchmarkData, settings: EvalRecipe, folds: list[Fold], reporter: Reporter
) -> dict[str, ModelOutcome]:
    """Name → outcome of what is scored, and of its random-init baseline where there is one."""
    if settings.predictions:
        found = read_predictions(settings.predictions)
        return {settings.name or settings.predictions.name: ModelOutcome({settings.seed: [found]})}
    if settings.model:
        parts = [score_fold(settings.model, fold, data.spec, settings, reporter) for fold in folds]
        return {settings.name or settings.model.name: ModelOutcome({settings.seed: parts})}
    if settings.protocol in PROBES:
        return _probe(data, settings, folds, reporter)
    return _train(Trainings(name, data.spec, settings, data, reporter), folds)


def _train(trainings: Trainings, folds: list[Fold]) -> dict[str, ModelOutcome]:
    settings = trainings.settings
    names = {True: trainings.title}
    if settings.encoder and settings.random_init:
        names[False] = RANDOM_INIT
    seeds = range(settings.seed, settings.seed + settings.seeds)
    runs = [Run(start, seed, fold.number) for start in names for seed in seeds for fold in folds]
    finished = trainings.train(runs)
    return {
        title: ModelOutcome(
            {
                seed: [
                    score_fold(
                        finished[Run(start, seed, fold.number)],
                        fold,
                        trainings.spec,
                        settings,
                        trainings.reporter,
                    )
                    for fold in folds
                ]
                for seed in seeds
            }
        )
        for start, title in names.items()
    }


def _probe(
    data: BenchmarkData, settings: EvalRecipe, folds: list[Fold], reporter: Reporter
) -> dict[str, ModelOutcome]:
    outcomes = {}
    for title, stores in _stores(data, settings, reporter).items():
        outcome = outcomes[title] = ModelOutcome()
        for seed, store in zip(range(settings.seed, settings.seed + len(stores)), stores, strict=True):
            reporter.info(f"{settings.protocol} probe of {title}, seed {seed}")
            found = [probe_fold(store, fold) for fold in folds]
            outcome.runs[seed] = [predictions for predictions, _ in found]
            outcome.probes += [probed for _, probed in found]
        if data.spec.data.cross_validated:
            outcome.features = stores[0].directions(data.clips, folds[0].number)
    return outcomes


def _stores(data: BenchmarkData, settings: EvalRecipe, reporter: Reporter) -> dict[str, list[FeatureStore]]:
    """The features of the encoder, and of its random-init baseline, one a seed."""
    stores = {encoder_title(settings): [FeatureStore(data, settings, reporter)]}
    if settings.random_init:
        seeds = range(settings.seed, settings.seed + (settings.seeds if settings.protocol in PROBES else 1))
        stores[RANDOM_INIT] = [FeatureStore(data, settings, reporter, seed) for seed in seeds]
    return stores
