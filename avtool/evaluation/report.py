"""The report of an evaluation: a headline, numbers, tables, notes and mistakes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, pstdev
from typing import Any


@dataclass(frozen=True)
class Table:
    """A table of a report; numbers stay numbers, so that JSON keeps them."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


def means_table(title: str, values: Mapping[str, Mapping[str, Sequence[float]]]) -> Table:
    """A row a method, a column a setting or metric: mean ± standard deviation over the seeds.

    Args:
        title: of the table.
        values: method → column → one value a seed; none leaves the cell empty.
    """
    columns = list(dict.fromkeys(column for found in values.values() for column in found))
    rows = [[name, *(mean_entry(found.get(each, ())) for each in columns)] for name, found in values.items()]
    return Table(title, ["method", *columns], rows)


def mean_entry(values: Sequence[float]) -> str:
    """Mean ± standard deviation, over N as in published codes; one value stands alone, none is empty."""
    deviation = f" ± {pstdev(values):.1f}" if len(values) > 1 else ""
    return f"{mean(values):.1f}{deviation}" if values else ""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A clip with a wrong prediction.

    Attributes:
        clip_id: of the clip.
        label: its class.
        prediction: the class that the model gives.
        confidence: the probability of that class.
        label_probability: the probability of the label.
        media: the clip's file, or None where it is not at hand.
        start: of the clip in it, in seconds.
        seconds: the clip's duration; None reaches to the end of the file.
    """

    clip_id: str
    label: str
    prediction: str
    confidence: float
    label_probability: float
    media: Path | None = None
    start: float = 0.0
    seconds: float | None = None


@dataclass(frozen=True)
class BenchmarkReport:
    """The result of a benchmark.

    Attributes:
        headline: the result in one line.
        metrics: every number, for machines; `metric_figures` draws some of them.
        tables: what people read: ours beside peers, baselines and published numbers.
        notes: protocol, provenance, and limits of the numbers.
        caveats: what makes the numbers better than they should be; shown beside the headline.
        mistakes: the most confident ones, to look at and to listen to.
    """

    headline: str
    metrics: Mapping[str, Any]
    tables: Sequence[Table]
    notes: Sequence[str] = field(default=())
    mistakes: Sequence[Mistake] = field(default=())
    caveats: Sequence[str] = field(default=())
