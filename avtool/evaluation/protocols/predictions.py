"""Scoring of predictions by what their labels are."""

from typing import Literal

from avtool.core.reporter import Reporter
from avtool.evaluation.metrics.multi_label import Unlabelled
from avtool.evaluation.predictions import Predictions
from avtool.evaluation.protocols.multi_label import evaluate_multi_label
from avtool.evaluation.protocols.single_label import evaluate_single_label
from avtool.evaluation.protocols.verb_noun import evaluate_verb_noun
from avtool.evaluation.published import BenchmarkFacts
from avtool.evaluation.report import BenchmarkReport

Scoring = Literal["auto", "single-label", "multi-label", "verb-noun"]


def evaluate_predictions(
    predictions: Predictions,
    facts: BenchmarkFacts,
    scoring: Scoring,
    reporter: Reporter,
    *,
    name: str = "ours",
    seed: int = 0,
    unlabelled: Unlabelled = "skip",
) -> BenchmarkReport:
    """Scores predictions.

    Args:
        predictions: with labels.
        facts: of the benchmark.
        scoring: what the labels are; auto: a verb and a noun where the scores have two parts, one label a
            clip where every clip has one, else several.
        reporter: warned of classes without a clip.
        name: of the predictions, in tables.
        seed: of the bootstrap.
        unlabelled: of several labels a clip, what clips without any are.

    Raises:
        BadInputError: labels and classes do not fit together.
    """
    if scoring == "auto":
        scoring = _scoring_of(predictions)
    if scoring == "multi-label":
        return evaluate_multi_label(predictions, facts, reporter, name, unlabelled)
    evaluate = evaluate_verb_noun if scoring == "verb-noun" else evaluate_single_label
    return evaluate(predictions, facts, name, seed)


def _scoring_of(predictions: Predictions) -> Scoring:
    if len(predictions.sizes) > 1:
        return "verb-noun"
    single = all(len(labels) == 1 for labels in predictions.labels)
    return "single-label" if single else "multi-label"
