"""Published results: rows with their provenance, shown beside ours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import Field

from avtool.core.recipe import Recipe
from avtool.evaluation.report import Table

Standing = Literal["repository", "log", "listing", "paper"]
STANDINGS: Mapping[Standing, str] = {
    "repository": "read in the authors' repository",
    "log": "in the logs that the authors publish",
    "listing": "in a public list of results",
    "paper": "as the paper is remembered, not looked up again",
}
"""How sure a published number is, and what that means."""
_ENOUGH = 0.8
"""The least share of a benchmark's clips that is still its protocol: of AudioSet, a tenth has vanished."""


class PublishedResult(Recipe):
    """A row of a published table."""

    model: str = Field(description="Its name.")
    inputs: Literal["audio", "video", "audio + video", "image", "text"] = Field(description="What it takes.")
    training: str = Field(description="What it was trained on.")
    metrics: dict[str, float] = Field(description="Name to value, in the units in which it was published.")
    source: str = Field(description="Where the row is published.", min_length=1)
    standing: Standing = Field(description="How sure the numbers are.")


@dataclass(frozen=True)
class BenchmarkFacts:
    """Facts of a benchmark that its report states.

    Attributes:
        title: its name for people.
        num_classes: classes of the benchmark; None where any number will do.
        num_clips: clips of its full evaluation list; None where copies of the list differ.
        rule: how it is scored, in a sentence.
        notes: further sentences of every report.
        published: rows to show beside ours.
    """

    title: str
    num_classes: int | None = None
    num_clips: int | None = None
    rule: str = ""
    notes: tuple[str, ...] = ()
    published: tuple[PublishedResult, ...] = ()

    def against(self, num_clips: int, num_classes: int) -> "tuple[BenchmarkFacts, list[str]]":
        """The facts for what was scored, without published rows that are no comparison; and why they are not.

        Args:
            num_clips: scored.
            num_classes: of the model.
        """
        reason = ""
        if self.num_classes and num_classes != self.num_classes:
            reason = f"the model has {num_classes} classes, {self.title} has {self.num_classes}"
        elif self.num_clips and num_clips < _ENOUGH * self.num_clips:
            reason = f"{num_clips} clips were scored, {self.title} has {self.num_clips}"
        return self.without_published([reason] if reason else [])

    def without_published(self, reasons: Sequence[str]) -> "tuple[BenchmarkFacts, list[str]]":
        """The facts without published rows where there are reasons, and these as sentences."""
        if not reasons:
            return self, []
        removed = ": published numbers are no comparison and not shown" if self.published else ""
        return replace(self, published=()), [
            f"{reason[:1].upper()}{reason[1:]}{removed}." for reason in reasons
        ]

    def coverage(self, num_clips: int) -> list[str]:
        """Notes on what was scored."""
        listed = f"; the full list has {self.num_clips}" if self.num_clips else ""
        notes = [f"{self.rule} Scored: {num_clips} clips{listed}.".lstrip()]
        if self.published and self.num_clips and num_clips < self.num_clips:
            notes.append(
                f"{self.num_clips - num_clips} clips of the list are missing here: videos vanish, and other "
                "papers lack others; small differences mean little."
            )
        return notes

    def closing_notes(self) -> list[str]:
        """The benchmark's own notes, what the standings in the table mean, and the sources."""
        if not self.published:
            return list(self.notes)
        used = dict.fromkeys(row.standing for row in self.published)
        sources = dict.fromkeys(row.source for row in self.published)
        return [
            *self.notes,
            "Standing of published numbers: "
            + "; ".join(f"{name} = {STANDINGS[name]}" for name in used)
            + ".",
            "Sources: " + " · ".join(sources) + ".",
        ]


def comparison(
    title: str, published: Sequence[PublishedResult], ours: Sequence[tuple[str, str, Mapping[str, float]]]
) -> Table:
    """A table with our results first and the published ones below.

    Args:
        title: of the table.
        published: the rows below.
        ours: (name, what it was trained on, metric → value) of each result of ours; the first one's metrics
            are the columns.
    """
    metrics = list(ours[0][2])
    rows = [
        [
            name,
            training,
            *(round(values[metric], 2) if metric in values else "" for metric in metrics),
            "measured",
        ]
        for name, training, values in ours
    ]
    rows += [
        [
            f"{row.model} ({row.inputs})",
            row.training,
            *(row.metrics.get(metric, "") for metric in metrics),
            row.standing,
        ]
        for row in published
    ]
    return Table(title, ["model", "trained on", *metrics, "standing"], rows)
