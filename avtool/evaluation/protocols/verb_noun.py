"""Accuracy of verbs, of nouns, and of actions, which need both."""

from avtool.core.errors import BadInputError
from avtool.evaluation.metrics.intervals import mean_interval
from avtool.evaluation.metrics.single_label import ActionScores, score_actions
from avtool.evaluation.mistakes import worst_actions
from avtool.evaluation.predictions import Predictions
from avtool.evaluation.protocols.single_label import class_metrics, groups_of
from avtool.evaluation.published import BenchmarkFacts, comparison
from avtool.evaluation.report import BenchmarkReport

_PARTS = ("verb", "noun")


def evaluate_verb_noun(
    predictions: Predictions, facts: BenchmarkFacts, name: str = "ours", seed: int = 0
) -> BenchmarkReport:
    """Scores predictions of a verb and a noun a clip.

    Args:
        predictions: logits of verbs and of nouns (`sizes` has two parts), with a verb and a noun a clip.
        facts: of the benchmark.
        name: of the predictions, in tables.
        seed: of the bootstrap.

    Raises:
        BadInputError: the predictions are not of verbs and nouns, or a clip lacks a label.
    """
    if len(predictions.sizes) != len(_PARTS):
        message = (
            f"{facts.title} needs scores of verbs and of nouns, these have {len(predictions.sizes)} part(s)"
        )
        raise BadInputError(message, "train with --task verb-noun")
    verb, noun = predictions.label_indices().T
    verb_logits, noun_logits = predictions.part_scores()
    scores = score_actions(verb, noun, verb_logits, noun_logits)
    both = (verb_logits.argmax(axis=1) == verb) & (noun_logits.argmax(axis=1) == noun)
    interval = mean_interval(both, groups=groups_of(predictions), seed=seed)
    ours = {part: 100 * getattr(scores, part)[1] for part in (*_PARTS, "action")}
    facts, caveats = facts.against(scores.num_clips, len(predictions.classes))
    return BenchmarkReport(
        headline=(
            f"action {ours['action']:.2f} % (95 % interval {100 * interval.low:.2f} to "
            f"{100 * interval.high:.2f}), verb {ours['verb']:.2f} %, noun {ours['noun']:.2f} % of "
            f"{scores.num_clips} segments"
        ),
        metrics={
            **_metrics(scores),
            "action interval": [100 * interval.low, 100 * interval.high],
            "parts": dict(zip(_PARTS, map(class_metrics, predictions.parts()), strict=True)),
        },
        tables=[comparison(f"{facts.title}: top-1 accuracy in %", facts.published, [(name, "", ours)])],
        notes=[
            *facts.coverage(scores.num_clips),
            *facts.closing_notes(),
        ],
        mistakes=worst_actions(predictions),
        caveats=caveats,
    )


def _metrics(scores: ActionScores) -> dict[str, object]:
    parts = {"verb": scores.verb, "noun": scores.noun, "action": scores.action}
    values = {f"{part} top-{k}": 100 * share for part, by_k in parts.items() for k, share in by_k.items()}
    return {**values, "clips": scores.num_clips}
