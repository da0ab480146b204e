"""Numbers that others have published: data with its provenance, shown beside ours."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from avtool.evaluation.report import Table

_FOLDER = Path(__file__).parent / "published"
STANDINGS = {
    "repository": "read in the authors' repository",
    "log": "in the logs that the authors publish",
    "listing": "in a public list of results",
    "paper": "as the paper is remembered, not looked up again",
}
"""How sure a published number is, and what that means."""


@dataclass(frozen=True)
class PublishedResult:
    """One line of a published table.

    Attributes:
        model: its name.
        inputs: "audio", "video" or "audio + video".
        training: what it learned from.
        metrics: name → value, in the units in which it was published.
        source: where it stands.
        standing: a key of `STANDINGS`.
    """

    model: str
    inputs: str
    training: str
    metrics: Mapping[str, float]
    source: str
    standing: str


def published_results(benchmark: str) -> tuple[PublishedResult, ...]:
    """What has been published for a benchmark, in the file's order; nothing for one without a file."""
    path = _FOLDER / f"{benchmark}.toml"
    if not path.is_file():
        return ()
    rows = tomllib.loads(path.read_text(encoding="utf-8"))["results"]
    return tuple(PublishedResult(**row) for row in rows)


def comparison(title: str, benchmark: str, ours: Sequence[tuple[str, str, Mapping[str, float]]]) -> Table:
    """A table with our results first and the published ones below.

    Args:
        title: of the table.
        benchmark: whose published results to show.
        ours: (name, what it learned from, metric → value) of each result of ours; the first one's metrics
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
        for row in published_results(benchmark)
    ]
    return Table(title, ["model", "learned from", *metrics, "standing"], rows)


def provenance_notes(benchmark: str) -> list[str]:
    """What the standings in the table mean, and the sources, one note each."""
    rows = published_results(benchmark)
    if not rows:
        return []
    used = dict.fromkeys(row.standing for row in rows)
    sources = dict.fromkeys(row.source for row in rows)
    return [
        "Standing of published numbers: " + "; ".join(f"{name} = {STANDINGS[name]}" for name in used) + ".",
        "Sources: " + " · ".join(sources) + ".",
    ]
