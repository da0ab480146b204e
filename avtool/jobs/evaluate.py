"""Runs a benchmark and, where wanted, writes its report as an artifact."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from avtool.benchmarks.registry import find_benchmark
from avtool.core.artifact import Artifact, open_partial, publish
from avtool.core.errors import BadInputError
from avtool.core.files import write_json
from avtool.core.recipe import flag_of, iter_keys, load
from avtool.core.reporter import Reporter
from avtool.evaluation.report import BenchmarkReport
from avtool.evaluation.report_page import write_report_page


def evaluate(
    name: str,
    reporter: Reporter,
    *,
    flags: Mapping[str, Any] | None = None,
    settings: Sequence[str] = (),
    recipe: Path | None = None,
    out: Path | None = None,
    overwrite: bool = False,
    command: str = "evaluate",
) -> BenchmarkReport:
    """Runs the benchmark `name`.

    Args:
        name: a registered benchmark.
        reporter: told about progress.
        flags: command-line flags by key; None stands for "not given".
        settings: `key=value` texts.
        recipe: a TOML file with the benchmark's settings.
        out: where to write the report; None writes nothing.
        overwrite: whether an older report there may go.
        command: the command line, for the report's card.

    Raises:
        BadInputError: unknown benchmark, a flag that it does not take, or wrong settings.
    """
    benchmark = find_benchmark(name)
    schema = benchmark.settings()
    known = dict(iter_keys(schema))
    given = {key: value for key, value in (flags or {}).items() if value is not None}
    if foreign := sorted(given.keys() - known.keys()):
        takes = ", ".join(flag for field in known.values() if (flag := flag_of(field))) or "no flags"
        names = ", ".join(f"--{key.replace('_', '-')}" for key in foreign)
        raise BadInputError(f"benchmark `{name}` does not take {names}", f"it takes {takes}")
    resolved = load(schema, recipe=recipe, settings=settings, flags=given)
    card = {"benchmark": name, "settings": resolved.model_dump(mode="json")}
    partial = open_partial(out, card, overwrite=overwrite) if out else None
    report = benchmark.run(resolved, reporter)
    if out and partial:
        write_json(
            partial / "metrics.json", {"benchmark": name, "headline": report.headline, **report.metrics}
        )
        write_report_page(partial / "report.html", name, report, resolved.model_dump(mode="json"), reporter)
        publish(out, Artifact("report", command, card))
    return report
