"""The report of located queries: metrics beside baselines and published ones, coverage, the worst queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from avtool.benchmarks.localisation.spec import LocalisationSpec
from avtool.evaluation.published import BenchmarkFacts, comparison
from avtool.evaluation.report import BenchmarkReport, Table

_SHOWN = 20


@dataclass(frozen=True)
class Coverage:
    """What of the annotations was scored.

    Attributes:
        queries: of the annotations.
        missing: those without a prediction.
        unreachable: how many no prediction can find, since their windows have no length.
        dropped: predictions that --fix dropped.
        counted: whether missing queries count 0; otherwise they are skipped, as by the evaluator.
        unit: what they are: queries, or clips.
    """

    queries: int
    missing: Sequence[str]
    unreachable: int = 0
    dropped: int = 0
    counted: bool = True
    unit: str = "queries"

    def caveats(self) -> list[str]:
        """What makes the numbers other than they should be."""
        if not self.missing or self.counted:
            return []
        return [
            f"{len(self.missing)} of {self.queries} queries have no prediction and are skipped, as by the "
            f"evaluator; the first is `{self.missing[0]}`"
        ]

    def notes(self) -> list[str]:
        """Sentences of the report."""
        submitted = self.queries - len(self.missing)
        share = 100 * submitted / max(self.queries, 1)
        found = [f"Coverage: {submitted} of {self.queries} {self.unit} have a prediction ({share:.1f} %)."]
        if self.missing and self.counted:
            found.append(f"{self.unit.capitalize()} without one count 0; the first is `{self.missing[0]}`.")
        if self.unreachable:
            share = 100 * self.unreachable / self.queries
            found.append(
                f"{self.unreachable} {self.unit} ({share:.1f} %) have no true window with a length: no "
                "prediction finds them."
            )
        if self.dropped:
            found.append(f"--fix dropped {self.dropped} predictions.")
        return found


@dataclass(frozen=True)
class Scored:
    """A scored submission; means in %.

    Attributes:
        means: metric → value, in the order of the columns.
        baselines: name → means.
        coverage: what was scored.
        metrics: further numbers, for machines.
        rows: name → further row of ours, with its means.
        tables: further tables.
        notes: rules of the metrics.
    """

    means: Mapping[str, float]
    baselines: Mapping[str, Mapping[str, float]]
    coverage: Coverage
    metrics: Mapping[str, Any]
    rows: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()


def localisation_report(
    name: str, spec: LocalisationSpec, scored: Scored, annotations: str
) -> BenchmarkReport:
    """The report.

    Args:
        name: of what is scored.
        spec: the set.
        scored: the submission.
        annotations: name of their file.
    """
    ours = [(name, "", scored.means)]
    ours += [(f"{name}, {kind}", "", means) for kind, means in scored.rows.items()]
    ours += [(kind, "nothing", means) for kind, means in scored.baselines.items()]
    published = [row for rows in spec.published.values() for row in rows]
    coverage = scored.coverage
    facts = BenchmarkFacts(spec.title, published=tuple(published))
    notes = [f"Annotations: {annotations}.", *coverage.notes(), *scored.notes]
    if spec.queries and coverage.queries != spec.queries:
        notes.append(f"{spec.title} has {spec.queries} queries: published numbers are on all of them.")
    return BenchmarkReport(
        headline=", ".join(f"{title} {value:.2f}" for title, value in scored.means.items()) or "not scored",
        metrics={
            **scored.means,
            **scored.metrics,
            "queries": coverage.queries,
            "missing_queries": len(coverage.missing),
            "unreachable_queries": coverage.unreachable,
            "dropped_predictions": coverage.dropped,
            "baselines": dict(scored.baselines),
        },
        tables=[comparison(f"{spec.title}, in %", published, ours), *scored.tables],
        notes=[*notes, *facts.closing_notes()],
        caveats=coverage.caveats(),
    )


def worst(values: ArrayLike, title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
    """The rows with the lowest values, in this order."""
    order = np.argsort(np.asarray(values), kind="stable")[:_SHOWN]
    return Table(title, columns, [rows[index] for index in order.tolist()])


def spans(windows: ArrayLike, most: int = 3) -> str:
    """The first windows in words."""
    rows = np.asarray(windows, dtype=np.float64).reshape(-1, 2)
    text = ", ".join(f"{start:.1f}–{end:.1f} s" for start, end in rows[:most].tolist())
    return text + (", …" if len(rows) > most else "")
