"""R@k of the queries of a table in indexed films, by kind, beside similarity and random windows."""

from avtool.benchmarks.benchmark import BENCHMARKS, BenchmarkFactSheet, CodeBenchmark
from avtool.benchmarks.query_table.settings import QueryTableSettings
from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.evaluation.report import BenchmarkReport


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
