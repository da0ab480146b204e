"""Trainings over settings and seeds into one report, which is resumed, or read back when it is finished."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from avtool.core.artifact import CARD, Artifact, Input, settings_hash
from avtool.core.artifact_folder import discard_partial, open_partial, publish
from avtool.core.errors import AvtoolError
from avtool.core.files import write_json
from avtool.core.recipe import Recipe, identity
from avtool.core.report.page import optional_report
from avtool.core.reporter import Reporter
from avtool.evaluation.report import BenchmarkReport
from avtool.evaluation.report_page import write_report_page
from avtool.training.cells import Cell, CellResult, has_begun, read_cells, run_cells

_UNHASHED = ("models", "logits")


class CellPlan(Protocol):
    """Cells, and the report of their results."""

    @property
    def title(self) -> str:
        """Of the page."""

    @property
    def recipe(self) -> Recipe:
        """The settings, those of the cells among them."""

    @property
    def inputs(self) -> Sequence[Input]:
        """What all cells are made from."""

    def cells(self) -> Sequence[Cell]:
        """All cells, after a check of every setting: nothing is trained before.

        Raises:
            BadInputError: data, model and settings of one of them do not fit together.
        """

    def report(self, results: Sequence[CellResult]) -> BenchmarkReport:
        """The report of the cells' results, in their order."""


def report_cells(
    plan: CellPlan, out: Path, reporter: Reporter, *, overwrite: bool = False, command: str = ""
) -> BenchmarkReport:
    """Runs the cells of a plan, or resumes them, and writes their report.

    Args:
        plan: what to run.
        out: the report: `runs.csv`, `metrics.json`, `report.html`, `cells/`, and what the cells leave.
        reporter: receives progress.
        overwrite: replace what is there.
        command: the command line, for the card.

    Raises:
        AvtoolError: data, model and settings do not fit together, or a training failed.
    """
    cells, inputs = plan.cells(), list(plan.inputs)
    settings: dict[str, Any] = {
        "command": type(plan).__name__,
        "inputs": settings_hash(sorted(item.sha256 for item in inputs)),
        "recipe": identity(plan.recipe),
    }
    partial = open_partial(
        out, settings, kind="report", overwrite=overwrite, inputs=[Path(item.path) for item in inputs]
    )
    if not overwrite and (out / CARD).is_file():  # made with these settings, or `open_partial` refuses
        discard_partial(partial)
        reporter.info(f"`{out}` is finished already")
        return plan.report(read_cells(cells, out))
    try:
        report = plan.report(run_cells(cells, partial, reporter, plan.title))
    except AvtoolError:
        if not has_begun(partial):
            discard_partial(partial)
        raise
    write_json(partial / "metrics.json", {"headline": report.headline, **report.metrics})
    with optional_report(reporter):
        write_report_page(partial / "report.html", plan.title, report, settings["recipe"], reporter)
    publish(out, Artifact("report", command, settings["recipe"], inputs=inputs), unhashed=_UNHASHED)
    return report
