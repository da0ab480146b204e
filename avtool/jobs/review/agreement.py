"""The agreement of reviewers: Cohen's kappa of verdicts and of sounds, and the events they differ on."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.core.requirements import require
from avtool.jobs.review.events import ReviewData, open_review
from avtool.mining.review.decisions import Decision, active_decisions, fold
from avtool.mining.review.journal import read_decisions, review_path


@dataclass(frozen=True)
class ReviewerRow:
    """A reviewer in a line; `seconds` is the median time of an operation whose time is known."""

    reviewer: str
    events: int
    accepted: int
    rejected: int
    changed: int
    seconds: float | None


@dataclass(frozen=True)
class PairAgreement:
    """The agreement of two reviewers on the events that both accepted or rejected.

    Attributes:
        one, other: the reviewers.
        events: that both decided.
        same_verdict: how many of them have the same verdict.
        kappa: Cohen's kappa of the verdicts; None where chance agreement is 1, as all verdicts are alike.
        accepted: events of the dataset that both accepted.
        same_sounds: how many of them have the same set of sounds.
        sound_kappa: Cohen's kappa of the sets of sounds; None as above, or for captions.
        differing: ids of events with another verdict or other sounds.
    """

    one: str
    other: str
    events: int
    same_verdict: int
    kappa: float | None
    accepted: int
    same_sounds: int
    sound_kappa: float | None
    differing: tuple[str, ...]


@dataclass(frozen=True)
class Agreement:
    """The reviewers of a journal, and each two of them."""

    reviewers: tuple[ReviewerRow, ...]
    pairs: tuple[PairAgreement, ...]


def measure_agreement(dataset: Path, review: Path | None = None) -> Agreement:
    """Compares the reviewers of a dataset by what each of them decided himself.

    Events that mining has dropped, because a reviewer rejected them, count too; decisions on captions that
    an event no longer has do not.

    Args:
        dataset: the dataset, or a folder of captions.
        review: the journal; by default that of the dataset.

    Raises:
        BadInputError: there is no review, none of the dataset, or the dataset cannot be read.
    """
    rows = read_decisions(review or review_path(dataset))
    data = open_review(dataset)
    names = sorted({row.reviewer for row in rows})
    if not names:
        raise BadInputError(f"the review of `{dataset}` holds no decision", "`avtool review` writes them")
    folded = {
        name: {
            event: one
            for event, one in fold([row for row in rows if row.reviewer == name]).items()
            if one.verdict and (data.origin(event) is None or data.is_on(event, one))
        }
        for name in names
    }
    if not any(data.origin(event) for decided in folded.values() for event in decided):
        message = f"no decision of `{review or review_path(dataset)}` is on an event of `{dataset}`"
        raise BadInputError(message, "give the dataset that was reviewed")
    return Agreement(
        tuple(_reviewer(name, folded[name], rows) for name in names),
        tuple(_pair(one, other, folded[one], folded[other], data) for one, other in combinations(names, 2)),
    )


def _reviewer(name: str, decided: dict[str, Decision], rows: Sequence[Decision]) -> ReviewerRow:
    verdicts = [one.verdict for one in decided.values()]
    own = active_decisions([row for row in rows if row.reviewer == name])
    times = sorted({row.operation: row.seconds for row in own if row.seconds > 0}.values())
    changed = sum(len(one.changes()) > 1 and one.verdict == "accepted" for one in decided.values())
    return ReviewerRow(
        name, len(decided), verdicts.count("accepted"), verdicts.count("rejected"), changed,
        times[len(times) // 2] if times else None,
    )  # fmt: skip


def _pair(
    one: str, other: str, first: dict[str, Decision], second: dict[str, Decision], data: ReviewData
) -> PairAgreement:
    both = sorted(first.keys() & second.keys())
    verdicts = [(first[event].verdict or "", second[event].verdict or "") for event in both]
    accepted = [
        event
        for event, pair in zip(both, verdicts, strict=True)
        if pair == ("accepted", "accepted") and data.origin(event)
    ]
    sounds = [tuple(_sounds(data, event, side[event]) for side in (first, second)) for event in accepted]
    same = {event for event, (left, right) in zip(accepted, sounds, strict=True) if left == right}
    differing = [
        event
        for event, (left, right) in zip(both, verdicts, strict=True)
        if left != right or (event in accepted and event not in same)
    ]
    return PairAgreement(
        one, other, len(both), sum(left == right for left, right in verdicts), cohens_kappa(verdicts),
        len(accepted), len(same), cohens_kappa(sounds) if data.kind == "events" else None, tuple(differing),
    )  # fmt: skip


def _sounds(data: ReviewData, event: str, decision: Decision) -> str:
    return ", ".join(sorted(data.current(event, decision).sounds))


def cohens_kappa(pairs: Sequence[tuple[str, ...]]) -> float | None:
    """Cohen's kappa of pairs of labels; None without pairs, or where all labels are the same."""
    if not pairs or len({label for pair in pairs for label in pair}) < 2:
        return None
    require("sklearn", "review")
    from sklearn.metrics import cohen_kappa_score

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return round(float(cohen_kappa_score([a for a, _ in pairs], [b for _, b in pairs])), 4)
