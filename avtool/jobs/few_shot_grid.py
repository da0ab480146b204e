"""LM-BFF over a grid and several seeds: every run, the chosen models, mean and deviation beside baselines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avtool.core.artifact import Artifact, Input
from avtool.core.artifact_folder import discard_partial, open_partial, publish
from avtool.core.errors import AvtoolError
from avtool.core.files import read_json, sha256_of, write_json
from avtool.core.recipe import identity
from avtool.core.report.page import optional_report
from avtool.core.reporter import Reporter
from avtool.evaluation.report import BenchmarkReport, Table
from avtool.evaluation.report_page import write_report_page
from avtool.tasks.lm_bff.grid import GridResult, run_grid
from avtool.tasks.lm_bff.recipe import GridRecipe
from avtool.tasks.lm_bff.task import LmBffTask
from avtool.tasks.lm_bff.variants import GridRun

METRICS = "metrics.json"


@dataclass(frozen=True)
class GridOutcome:
    """A finished grid.

    Attributes:
        out: the report.
        metric: of the task.
        methods: mean and standard deviation over the seeds, in %, of each method.
        runs: trainings done in all.
    """

    out: Path
    metric: str
    methods: Mapping[str, tuple[float, float]]
    runs: int

    def table(self) -> Table:
        """The methods for people, the best first."""
        rows = sorted(self.methods.items(), key=lambda entry: -entry[1][0])
        cells = [[name, round(mean, 2), round(deviation, 2)] for name, (mean, deviation) in rows]
        return Table(
            f"{self.metric} in %, mean and deviation over seeds", ["method", "mean", "deviation"], cells
        )


def grid(
    source: Path,
    recipe: GridRecipe,
    reporter: Reporter,
    *,
    out: Path,
    overwrite: bool = False,
    command: str = "grid",
) -> GridOutcome:
    """Trains a grid, or resumes one.

    Args:
        source: a file of examples, or a folder of a split.
        recipe: the task and what is varied.
        reporter: receives progress.
        out: the report to write: `runs.csv`, `metrics.json`, `report.html`, `models/`.
        overwrite: replace what is there.
        command: the command line, for the card.

    Raises:
        AvtoolError: data, model and settings do not fit together, or a training failed.
    """
    task = LmBffTask(source, recipe, reporter)
    inputs = list(task.inputs)
    given = [path for path in (recipe.grid.templates, recipe.grid.words) if path and path.is_file()]
    inputs += [Input(str(path), "candidates", sha256_of(path)) for path in given]
    settings: dict[str, Any] = {
        "command": "prompt-tune grid",
        "inputs": sorted(item.sha256 for item in inputs),
        "recipe": identity(recipe),
    }
    files = [Path(item.path) for item in inputs]
    partial = open_partial(out, settings, kind="report", overwrite=overwrite, inputs=files)
    if not overwrite and (out / METRICS).is_file():  # made with these settings, or `open_partial` refuses
        discard_partial(partial)
        reporter.info(f"`{out}` is finished already")
        return _read(out, reporter)
    try:
        result = run_grid(source, recipe, partial, reporter, command)
    except AvtoolError:
        if not any((partial / name).exists() for name in ("units", "trainings")):
            discard_partial(partial)  # nothing to resume from
        raise
    report = grid_report(task.text_task.title, result)
    write_json(partial / METRICS, report.metrics)
    with optional_report(reporter):
        write_report_page(partial / "report.html", task.text_task.title, report, settings["recipe"], reporter)
    publish(
        out, Artifact("report", command, settings["recipe"], inputs=inputs), unhashed=["models", "logits"]
    )
    return _read(out, reporter)


def grid_report(title: str, result: GridResult) -> BenchmarkReport:
    """The report of a grid: each method's mean and deviation over the seeds, and the choices."""
    methods = {
        name: {metric: list(result.mean(name, metric)) for metric in found[0]}
        for name, found in result.methods.items()
    }
    train, dev, test = result.examples[0]
    rows: list[list[Any]] = [[name, *map(_percent, values.values())] for name, values in methods.items()]
    columns = ["method", *next(iter(methods.values()))]
    ours = result.mean(next(iter(methods)))
    return BenchmarkReport(
        headline=f"{title}: {result.metric} {_percent(ours)} over {len(result.examples)} seeds",
        metrics={
            "metric": result.metric,
            "seeds": len(result.examples),
            "methods": methods,
            "runs": len(result.runs),
        },
        tables=[
            Table(f"{title}: % on the test examples, mean (deviation over seeds)", columns, rows),
            Table(
                "the choices of validation",
                ["seed", "head", "template", "words", "lr", "batch size", "best step", "validation", "test"],
                [_choice(run) for run in result.runs if run.chosen],
            ),
        ],
        notes=[
            f"{train} training and {dev} validation examples a seed, {test} to test with the first one.",
            "Learning rate, batch size and step of each seed are chosen by validation, the first of equals.",
        ],
    )


def _choice(run: GridRun) -> list[Any]:
    shares = (round(100 * value, 2) for value in (run.dev, run.test or 0.0))
    return [run.seed, run.head, run.template, run.words, run.lr, run.batch_size, run.best_step, *shares]


def _percent(values: Sequence[float]) -> str:
    return f"{100 * values[0]:.1f} ({100 * values[1]:.1f})"


def _read(out: Path, reporter: Reporter) -> GridOutcome:
    values = read_json(out / METRICS)
    reporter.detail(f"`{out}` has {values['runs']} trainings")
    metric = values["metric"]
    methods = {name: found[metric] for name, found in values["methods"].items()}
    percent = {name: (100 * mean, 100 * deviation) for name, (mean, deviation) in methods.items()}
    return GridOutcome(out, metric, percent, values["runs"])
