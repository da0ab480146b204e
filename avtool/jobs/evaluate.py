"""Evaluation: runs a benchmark and, where wanted, writes its report as an artifact."""

from pathlib import Path

from avtool.benchmarks.benchmark import Benchmark
from avtool.core.artifact import Artifact
from avtool.core.artifact_folder import discard_partial, open_partial, publish
from avtool.core.files import write_json
from avtool.core.recipe import Recipe
from avtool.core.report.page import optional_report
from avtool.core.reporter import Reporter
from avtool.evaluation.report import BenchmarkReport
from avtool.evaluation.report_page import write_report_page


def evaluate(
    name: str,
    benchmark: Benchmark,
    settings: Recipe,
    reporter: Reporter,
    *,
    out: Path | None = None,
    overwrite: bool = False,
    command: str = "evaluate",
) -> BenchmarkReport:
    """Runs a benchmark.

    Args:
        name: of the benchmark, for the report.
        benchmark: what to run.
        settings: an instance of its settings model.
        reporter: receives progress.
        out: where to write the report; None writes nothing.
        overwrite: whether an older report there may go.
        command: the command line, for the report's card.

    Raises:
        AvtoolError: data or settings cannot be used, or a training failed.
    """
    values = settings.model_dump(mode="json")
    card = {"benchmark": name, "settings": values}
    partial = open_partial(out, card, kind="report", overwrite=overwrite) if out else None
    try:
        report = benchmark.run(settings, reporter)
        if out and partial:
            found = {"benchmark": name, "headline": report.headline, "caveats": list(report.caveats)}
            found |= report.metrics
            write_json(partial / "metrics.json", found)
            with optional_report(reporter):
                write_report_page(partial / "report.html", name, report, values, reporter)
            publish(out, Artifact("report", command, card))
    finally:
        if partial:  # nothing to resume: trainings are cached elsewhere
            discard_partial(partial)
    return report
