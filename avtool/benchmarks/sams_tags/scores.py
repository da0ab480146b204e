"""Scores of labelled tags: exact match of the three sets, and precision, recall and F1 a dimension."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from avtool.benchmarks.sams_tags.tables import DIMENSIONS, Labels

_Pairs = list[tuple[frozenset[str], frozenset[str], float]]  # wanted and given labels, weight of the tag
_MIN_TAGS = 5  # a lemma counts for the macro average from this many tags on


@dataclass(frozen=True, slots=True)
class PrecisionRecall:
    """Precision, recall and their harmonic mean, each from 0 to 1."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class TagScores:
    """How well labels agree with the annotation.

    Attributes:
        tags: how many tags were compared.
        exact: share of tags with all three sets equal.
        exact_events: the same without the tags that the annotation calls no event.
        dimensions: micro-averaged scores, by dimension.
        macro_f1: mean F1 over the lemmas that at least five tags have, by dimension.
        event: scores of the decision between events and non-events.
    """

    tags: int
    exact: float
    exact_events: float
    dimensions: dict[str, PrecisionRecall]
    macro_f1: dict[str, float]
    event: PrecisionRecall


def _precision_recall(hits: float, given: float, wanted: float) -> PrecisionRecall:
    precision = hits / given if given else 0.0
    recall = hits / wanted if wanted else 0.0
    f1 = 2 * hits / (given + wanted) if given + wanted else 0.0
    return PrecisionRecall(precision, recall, f1)


def score(
    gold: Sequence[Labels], ours: Sequence[Labels], weights: Sequence[float] | None = None
) -> TagScores:
    """Compares labels tag by tag; `weights` (one a tag) count a tag as often as a corpus has it."""
    weights = [1.0] * len(gold) if weights is None else weights
    rows = list(zip(gold, ours, weights, strict=True))
    total = sum(weights)
    events = [row for row in rows if any(row[0])]
    event_total = sum(weight for *_, weight in events)
    equal = sum(weight for wanted, given, weight in rows if wanted == given)
    equal_events = sum(weight for wanted, given, weight in events if wanted == given)
    event_hits = sum(weight for _, given, weight in events if any(given))
    event_given = sum(weight for _, given, weight in rows if any(given))
    pairs = [[(row[0][index], row[1][index], row[2]) for row in rows] for index in range(len(DIMENSIONS))]
    return TagScores(
        tags=len(rows),
        exact=equal / total if total else 0.0,
        exact_events=equal_events / event_total if event_total else 0.0,
        dimensions={name: _micro(pairs[index]) for index, name in enumerate(DIMENSIONS)},
        macro_f1={name: _macro(pairs[index]) for index, name in enumerate(DIMENSIONS)},
        event=_precision_recall(event_hits, event_given, event_total),
    )


def _micro(pairs: _Pairs) -> PrecisionRecall:
    hits = sum(len(wanted & given) * weight for wanted, given, weight in pairs)
    return _precision_recall(
        hits,
        sum(len(given) * weight for _, given, weight in pairs),
        sum(len(wanted) * weight for wanted, _, weight in pairs),
    )


def _macro(pairs: _Pairs) -> float:
    tags = Counter(label for wanted, *_ in pairs for label in wanted)
    scores = [
        _micro([(wanted & {label}, given & {label}, weight) for wanted, given, weight in pairs]).f1
        for label, count in tags.items()
        if count >= _MIN_TAGS
    ]
    return sum(scores) / len(scores) if scores else 0.0
