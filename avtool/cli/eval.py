"""`avtool eval`: benchmarks, with published numbers, peers and baselines beside ours.

The flags are those of the benchmark that the command line names.
"""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from avtool.benchmarks import BENCHMARKS, OWN_DATA, find_benchmark
from avtool.cli.command import command, verb_app
from avtool.cli.completion import complete_benchmarks
from avtool.cli.help import HelpCommand
from avtool.cli.options import Overwrite, output
from avtool.cli.session import Session
from avtool.cli.verbs import VERBS
from avtool.core.errors import BadInputError
from avtool.core.recipe import Recipe, flag_of, iter_keys

_FLAG = "--benchmark"
_HELP = f"""{VERBS["eval"].summary}

`--benchmark NAME --help` shows the flags of a benchmark. `--predictions` alone scores your own clips.
"""


class _Evaluation(HelpCommand):
    """Hands over to the command of the benchmark that the arguments name."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        name = named_benchmark(args)
        if name is None or (extra.get("resilient_parsing") and not _is_benchmark(name)):
            return super().make_context(info_name, args, parent, **extra)
        chosen = command_of(name)
        try:
            return chosen.make_context(info_name, args, parent, **extra)
        except TyperException as error:
            option = str(getattr(error, "option_name", ""))
            if option not in _all_flags():
                raise
            takes = ", ".join(_flags(find_benchmark(name).settings)) or "no flags"
            message = f"benchmark `{name}` does not take {option}"
            raise BadInputError(message, f"it takes {takes}") from error


def _is_benchmark(name: str) -> bool:
    """Whether a name is one, without a message where it is not: a shell completes while it is typed."""
    try:
        find_benchmark(name).settings  # noqa: B018 - the table is read
    except BadInputError:
        return False
    return True


def named_benchmark(arguments: Sequence[str]) -> str | None:
    """The benchmark that a command line names."""
    for place, argument in enumerate(arguments):
        flag, equals, value = argument.partition("=")
        if flag == _FLAG:
            return value if equals else next(iter(arguments[place + 1 :]), None)
    return None


def command_of(name: str) -> Any:
    """The command of a benchmark, with the flags of its settings.

    Raises:
        BadInputError: there is no such benchmark; the message offers the nearest names.
    """
    benchmark_app = verb_app(
        "eval", f"avtool eval --benchmark {name} --out report", f"avtool eval --benchmark {name} --json"
    )
    _add_command(benchmark_app, name)
    return typer.main.get_command(benchmark_app)


def _add_command(to: typer.Typer, name: str | None = None) -> None:
    """Adds the command of a benchmark, or that of predictions on one's own data."""
    found = find_benchmark(name) if name is not None else OWN_DATA

    def evaluate(
        session: Session,
        recipe: Recipe,
        benchmark: Annotated[  # noqa: ARG001 - read before the flags are known
            str | None,
            typer.Option(help="A benchmark's name, or its TOML file.", autocompletion=complete_benchmarks),
        ] = None,
        list_: Annotated[bool, typer.Option("--list", help="List the benchmarks.")] = False,
        out: Annotated[Path | None, output("Write a report there.")] = None,
        overwrite: Overwrite = False,
    ) -> None:
        if list_:
            _list(session)
            return
        if not name and getattr(recipe, "predictions", None) is None:
            hint = "name one with --benchmark (--list shows them all), or give --predictions"
            raise BadInputError("no benchmark given", hint)
        from avtool.evaluation.mistakes import mistake_table
        from avtool.jobs.evaluate import evaluate as run

        title = name or "predictions"
        report = run(
            title, found, recipe, session.reporter,
            out=out, overwrite=overwrite, command=session.command_line,
        )  # fmt: skip
        session.report_tables(
            [*report.tables, *([mistake_table(report.mistakes)] if report.mistakes else [])]
        )
        for caveat in report.caveats:
            session.reporter.warn(caveat)
        for note in report.notes:
            session.reporter.detail(note)
        session.emit({"benchmark": title, "report": report}, text=str(out) if out else report.headline)

    evaluate.__doc__ = f"{found.facts.title}: {found.facts.summary}" if name is not None else _HELP
    own = {flag_of(field) for _, field in iter_keys(found.settings)}
    on_cluster = bool(name) and "--jobs" in own and "--engine" not in own
    cls = HelpCommand if name is not None else _Evaluation
    command(to, recipe=found.settings, cls=cls, on_cluster=on_cluster, to_address=True)(evaluate)


def _list(session: Session) -> None:
    rows = []
    for name, benchmark in BENCHMARKS.items():
        try:
            facts = benchmark.facts
        except BadInputError as error:  # a table of another package: the listing continues
            session.reporter.warn(f"benchmark `{name}`: {error}")
            continue
        rows.append((name, facts.summary, facts.data, ", ".join(facts.protocols)))
    session.table(["benchmark", "what it measures", "data", "protocols"], sorted(rows))
    session.emit({"benchmarks": {name: summary for name, summary, *_ in rows}})


def _flags(settings: type[Recipe]) -> list[str]:
    return [flag for _, field in iter_keys(settings) if (flag := flag_of(field))]


def _all_flags() -> set[str]:
    found: set[str] = set()
    for name in BENCHMARKS.names():
        with suppress(BadInputError):  # a table of another package
            found |= set(_flags(BENCHMARKS.find(name).settings))
    return found


app = verb_app(
    "eval",
    "avtool eval --list",
    "avtool eval --benchmark esc50 --data ESC-50-master --out report",
    "avtool eval --predictions runs/test-predictions",
)
_add_command(app)
