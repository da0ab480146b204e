"""`avtool eval --benchmark epic-kitchens`: verbs, nouns, and actions that need both."""

import numpy as np

from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.evaluation.metrics.intervals import mean_interval
from avtool.evaluation.metrics.single_label import ActionScores, score_actions
from avtool.evaluation.predictions import Predictions
from avtool.evaluation.predictions_file import read_predictions
from avtool.evaluation.protocols.settings import PredictionSettings, Protocol
from avtool.evaluation.protocols.single_label import class_metrics, groups_of
from avtool.evaluation.published_results import comparison, provenance_notes
from avtool.evaluation.report import BenchmarkReport

PROTOCOL = Protocol(
    "epic-kitchens",
    "EPIC-Kitchens-100",
    num_classes=97 + 300,
    num_clips=9668,
    rule="An action is right where its verb and noun are; its top 5 rank the product of the probabilities.",
)


class Settings(PredictionSettings):
    """`epic-kitchens`."""


def evaluate_predictions(predictions: Predictions, *, name: str = "ours", seed: int = 0) -> BenchmarkReport:
    """Scores predictions on EPIC-Kitchens-100's validation segments.

    Args:
        predictions: logits of verbs and of nouns (`sizes` has two parts), with a verb and a noun a clip.
        name: of the predictions, in tables.
        seed: of the bootstrap.

    Raises:
        BadInputError: the predictions are not of verbs and nouns, or a clip lacks a label.
    """
    if len(predictions.sizes) != 2:
        message = (
            f"EPIC-Kitchens needs scores of verbs and of nouns, these have {len(predictions.sizes)} part(s)"
        )
        raise BadInputError(message, "train with --task verb-noun")
    verb, noun = predictions.label_indices().T
    verb_logits, noun_logits = predictions.part_scores()
    scores = score_actions(verb, noun, verb_logits, noun_logits)
    both = (verb_logits.argmax(axis=1) == verb) & (noun_logits.argmax(axis=1) == noun)
    interval = mean_interval(both, groups=groups_of(predictions), seed=seed)
    ours = {part: 100 * getattr(scores, part)[1] for part in ("verb", "noun", "action")}
    return BenchmarkReport(
        headline=(
            f"action {ours['action']:.2f} % (95 % interval {100 * interval.low:.2f} to "
            f"{100 * interval.high:.2f}), verb {ours['verb']:.2f} %, noun {ours['noun']:.2f} % of "
            f"{scores.num_clips} segments"
        ),
        metrics={
            **_metrics(scores),
            "action interval": [100 * interval.low, 100 * interval.high],
            "parts": dict(zip(("verb", "noun"), map(class_metrics, predictions.parts()), strict=True)),
        },
        tables=[comparison(f"{PROTOCOL.title}: top-1 accuracy in %", PROTOCOL.name, [(name, "", ours)])],
        notes=[
            *PROTOCOL.coverage(scores.num_clips, int(np.sum(predictions.sizes))),
            *provenance_notes(PROTOCOL.name),
        ],
    )


def _metrics(scores: ActionScores) -> dict[str, object]:
    parts = {"verb": scores.verb, "noun": scores.noun, "action": scores.action}
    values = {f"{part} top-{k}": 100 * share for part, by_k in parts.items() for k, share in by_k.items()}
    return {**values, "clips": scores.num_clips}


def run(settings: Settings, reporter: Reporter) -> BenchmarkReport:  # noqa: ARG001 - a benchmark's signature
    """Scores a `predictions` artifact."""
    return evaluate_predictions(read_predictions(settings.folder), name=settings.name, seed=settings.seed)
