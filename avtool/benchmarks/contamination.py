"""Contamination: the test clips of a benchmark that a model has learned from.

Whoever learned from them with labels is refused; whoever saw them without labels is scored and marked.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, get_args

from avtool.core.errors import BadInputError
from avtool.core.learned_clips import By, Matches, Use
from avtool.evaluation.report import BenchmarkReport

_SHOWN = 3
_SENTENCES: Mapping[Use, str] = {
    "labels": "`{name}` learned from {clips} with labels.",
    "selection": "`{name}` was validated on {clips}: its checkpoint was chosen by them.",
    "no labels": "`{name}` was pretrained on {clips}, without labels.",
}


@dataclass(frozen=True)
class Contamination:
    """What a report states of the clips that its model learned from.

    Attributes:
        caveats: sentences beside the headline.
        metrics: test clips by use, and the weights whose clips are not known.
    """

    caveats: Sequence[str] = ()
    metrics: Mapping[str, Any] = field(default_factory=dict)

    def mark(self, report: BenchmarkReport) -> BenchmarkReport:
        """The report with them."""
        if not self.metrics:
            return report
        metrics = {**report.metrics, "contamination": dict(self.metrics)}
        return replace(report, metrics=metrics, caveats=[*report.caveats, *self.caveats])


def measure(
    name: str,
    matches: Matches,
    tested: int,
    unknown: Sequence[str],
    *,
    where: str = "",
    refused_by: Sequence[By] = get_args(By),
) -> Contamination:
    """Counts the test clips that a model has used.

    Args:
        name: of the model.
        matches: of the test clips.
        tested: test clips in all.
        unknown: weights that it started from, whose clips are not known.
        where: the folds that are tested, for the message.
        refused_by: what must not be learned with labels: the clips, and clips of their recordings.

    Raises:
        BadInputError: it has learned from test clips with their labels.
    """
    found = {use: clips_used(matches, use) for use in get_args(Use)}
    if refused := clips_used(matches, "labels", refused_by):
        shown = ", ".join(f"`{clip}`" for clip in refused[:_SHOWN]) + (", …" if len(refused) > _SHOWN else "")
        message = (
            f"`{name}` has learned from {where or 'test clips'} with labels: {len(refused)} of {tested} test "
            f"clips, or of their recordings ({shown})"
        )
        raise BadInputError(message, "score it on clips that it has not learned from")
    caveats = [
        _SENTENCES[use].format(name=name, clips=f"{len(clips)} of {tested} test clips or their recordings")
        for use, clips in found.items()
        if clips
    ]
    caveats += [f"`{name}` started from `{weights}`, whose clips are not known." for weights in unknown]
    counts = {use: len(clips) for use, clips in found.items()}
    return Contamination(caveats, {"known": True, "test clips": tested, **counts, "unknown": list(unknown)})


def unrecorded(name: str, title: str, *, same_classes: bool, unverified: bool) -> Contamination:
    """What is stated of a model without a record.

    Args:
        name: of the model.
        title: of the benchmark.
        same_classes: whether its classes are those of the benchmark: then it may have learned the test clips.
        unverified: whether it is scored all the same.

    Raises:
        BadInputError: its classes are those of the benchmark, and it is not wanted unverified.
    """
    if same_classes and not unverified:
        message = f"`{name}` has the classes of {title}, and no record of the clips that it learned from"
        raise BadInputError(message, "train it again, or add --unverified to score it all the same")
    caveat = f"`{name}` has no record of the clips that it learned from: the numbers are unverified."
    return Contamination([caveat], {"known": False})


def clips_used(matches: Matches, use: Use, by: Iterable[By] = get_args(By)) -> list[str]:
    """The test clips of one use, sorted."""
    kinds = set(by)
    return sorted(
        clip for clip, found in matches.items() if any(one.use == use and one.by in kinds for one in found)
    )


def join(parts: Sequence[Contamination]) -> Contamination:
    """What is stated of several models, one a fold."""
    if len(parts) < 2:
        return parts[0] if parts else Contamination()
    caveats = list(dict.fromkeys(caveat for part in parts for caveat in part.caveats))
    metrics: dict[str, Any] = {"known": all(part.metrics["known"] for part in parts)}
    for name in ("test clips", *get_args(Use)):
        metrics[name] = sum(part.metrics.get(name, 0) for part in parts)
    unknown = dict.fromkeys(origin for part in parts for origin in part.metrics.get("unknown", ()))
    return Contamination(caveats, {**metrics, "unknown": list(unknown)})
