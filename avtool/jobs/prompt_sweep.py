"""Prompt tuning beside its trainings: a sweep into one report, and the score of a model on other images."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from avtool.core.artifact import Artifact
from avtool.core.artifact_folder import discard_partial, open_partial, publish
from avtool.core.errors import AvtoolError
from avtool.core.files import write_csv, write_json
from avtool.core.reporter import Reporter
from avtool.evaluation.report import BenchmarkReport
from avtool.evaluation.report_page import write_report_page
from avtool.tasks.clip_prompts.sweep import SweepRecipe, run_sweep, sweep_report
from avtool.tasks.clip_prompts.transfer import ScoreRecipe, score_images

_COLUMNS = ("method", "shots", "seed", "accuracy", "mean_class_accuracy", "seconds", "run")


def sweep(
    source: Path,
    recipe: SweepRecipe,
    out: Path,
    reporter: Reporter,
    *,
    runs: Path = Path("runs"),
    overwrite: bool = False,
    command: str = "prompt-tune sweep",
) -> BenchmarkReport:
    """Trains all cells of a sweep and writes their table, curves and page.

    Args:
        source: of the images.
        recipe: methods, shots, seeds, and the settings of the trainings.
        out: the report; written when all is done.
        reporter: receives progress.
        runs: the folder of the trainings; finished ones are read, interrupted ones resumed.
        overwrite: replace an older report.
        command: the command line, for the cards.

    Raises:
        AvtoolError: data, host and settings do not fit together, or a training failed.
    """
    values = recipe.model_dump(mode="json")
    partial = open_partial(
        out, {"source": str(source), "recipe": values}, kind="report", overwrite=overwrite, inputs=[source]
    )
    cells = []
    try:
        with reporter.progress("sweeping", recipe.num_cells) as bar:
            for cell in run_sweep(source, recipe, reporter, runs, command):
                cells.append(cell)
                write_csv(
                    partial / "table.csv",
                    _COLUMNS,
                    [[getattr(one, name) for name in _COLUMNS] for one in cells],
                )
                bar.advance(note=f"{cell.method}, {cell.shots} shots, seed {cell.seed}")
    except AvtoolError:
        if not cells:
            discard_partial(partial)  # nothing to resume from
        raise
    report = sweep_report(cells, [f"Images: {source}. Host: {recipe.prompt.backbone}."])
    write_json(partial / "metrics.json", {"headline": report.headline, **report.metrics})
    write_report_page(partial / "report.html", "prompt tuning", report, values, reporter)
    publish(out, Artifact("report", command, values))
    return report


@dataclass(frozen=True)
class ScoreResult:
    """The score of a model on a dataset."""

    metrics: Mapping[str, float]
    images: int
    classes: int


def score(model: Path, source: Path, recipe: ScoreRecipe, reporter: Reporter) -> ScoreResult:
    """Scores a model on the test split of a dataset.

    Raises:
        AvtoolError: the model or the images cannot be used, or have other classes.
    """
    scores, images = score_images(model, source, recipe, reporter)
    return ScoreResult(scores.metrics(), len(scores.labels), len(images.classes))
