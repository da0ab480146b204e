"""R@k of the queries of a table in indexed films, by kind, beside similarity and random windows."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from avtool.benchmarks.benchmark import BENCHMARKS, BenchmarkFactSheet, CodeBenchmark
from avtool.core.errors import BadInputError
from avtool.core.recipe import Recipe, listed, option
from avtool.core.reporter import Reporter
from avtool.evaluation.report import BenchmarkReport

Share = Annotated[float, Field(gt=0, lt=1)]
"""A part of a film."""


def _shares(value: Any) -> Any:
    return (value,) if isinstance(value, float) else listed(value)


class QueryTableSettings(Recipe):
    """`queries`."""

    data: Path | None = option(None, "Query table, CSV or JSON Lines.", flag="--data")
    index: Path | None = option(None, "An index of a film, or a folder of them.", flag="--index")
    model: Path | None = option(
        None, "Model of `avtool localize train`; without one, similarity alone is measured.", flag="--model"
    )
    split: str = option("test", "Split of the table; empty is all of it.", flag="--split")
    similarity: bool = option(True, "Measure the similarity engine.")
    text_encoder: str | None = option(
        None, "Encoder of sentences and labels of the similarity engine.", flag="--text-encoder"
    )
    examined: Annotated[tuple[Share, ...], BeforeValidator(_shares)] = option(
        (), "Shares of the film that a two-stage search examines, such as 0.05,0.1.", flag="--examined"
    )
    seed: int = option(0, "Seed of the random windows.", flag="--seed", ge=0)
    device: str = option("auto", "auto, cpu, cuda or cuda:1.", flag="--device")
    name: str | None = option(None, "Name of what is scored, in tables.  [default: its folder's]")


def run(settings: QueryTableSettings, reporter: Reporter) -> BenchmarkReport:
    """Measures the engines.

    Raises:
        BadInputError: table or index is not given or unreadable, or a film has no index.
    """
    from avtool.benchmarks.query_table.measure import measure
    from avtool.benchmarks.query_table.report import query_report

    if settings.data is None:
        raise BadInputError("--data is not given", "give a query table, CSV or JSON Lines")
    if settings.index is None:
        raise BadInputError("--index is not given", "index the films: avtool localize index FILM.. --out DIR")
    return query_report(measure(settings, reporter), settings)


BENCHMARKS.add(
    "queries",
    CodeBenchmark(
        BenchmarkFactSheet(
            title="query table",
            summary="R@k of the queries of a table of one's own, by kind, beside similarity and chance.",
            data="a query table",
            protocols=("localise",),
            metric="R@1 at tIoU 0.5",
        ),
        QueryTableSettings,
        run,
    ),
)
