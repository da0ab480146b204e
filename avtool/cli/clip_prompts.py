"""The subcommands of `avtool prompt-tune` around `clip`: sweeps, scores on other images, looks at prompts."""

from pathlib import Path
from typing import Annotated

import typer

from avtool.cli.command import command
from avtool.cli.options import Overwrite, output
from avtool.cli.session import Session
from avtool.core.files import check_output_file
from avtool.tasks.clip_prompts.sweep import SweepRecipe
from avtool.tasks.clip_prompts.task import ClipPromptTask
from avtool.tasks.clip_prompts.transfer import ScoreRecipe

_Images = Annotated[Path, typer.Argument(help=ClipPromptTask.takes)]
_Model = Annotated[Path, typer.Argument(help="A model of `prompt-tune clip`, or its run.")]


def sweep(
    session: Session,
    recipe: SweepRecipe,
    dataset: _Images,
    out: Annotated[Path, output("The report to write: table, curves, page.")],
    runs: Annotated[Path, typer.Option(help="Folder of the trainings.")] = Path("runs"),
    overwrite: Overwrite = False,
) -> None:
    """Train methods of `clip` at several shots and seeds, beside zero-shot and a linear probe."""
    from avtool.jobs.cells import report_cells
    from avtool.tasks.clip_prompts.sweep import ClipSweep

    plan = ClipSweep(dataset, recipe, session.reporter, runs, session.command_line)
    report = report_cells(plan, out, session.reporter, overwrite=overwrite, command=session.command_line)
    session.report(report, out)


def evaluate(session: Session, recipe: ScoreRecipe, model: _Model, dataset: _Images) -> None:
    """Score a model of `clip` on the test split of a dataset, also of other classes (--transfer)."""
    from avtool.tasks.clip_prompts.transfer import score_images

    scores, images = score_images(model, dataset, recipe, session.reporter)
    metrics = scores.metrics()
    session.table(["test", "value"], [(name, round(value, 4)) for name, value in metrics.items()])
    counts = {"images": len(scores.labels), "classes": len(images.classes)}
    session.emit({"result": {"metrics": metrics, **counts}})


def nearest_words(
    session: Session,
    model: _Model,
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=50, help="Words of each vector.")] = 3,
) -> None:
    """Print the words of the vocabulary that are nearest to learned text prompts."""
    from avtool.tasks.clip_prompts.explain import nearest_words as find

    found = find(model, count)
    rows = [(one.class_name, one.vector, ", ".join(one.words), one.distances[0]) for one in found]
    session.table(["class", "vector", "nearest words", "distance"], rows)
    session.emit({"vectors": found})


def attention(
    session: Session,
    model: _Model,
    image: Annotated[Path, typer.Argument(help="An image, or a film, of which the middle frame is taken.")],
    out: Annotated[Path, output("The PNG to write.")],
) -> None:
    """Draw what the class-aware prompts of DPT attend to, over an image."""
    from avtool.tasks.clip_prompts.explain import class_attention, draw_attention

    check_output_file(out, [model, image])
    maps = class_attention(model, image)
    draw_attention(model, image, maps, out)
    columns = ["class", "probability", "on patches", "on the class token", "on the memory"]
    rows = [
        (one.class_name, *(round(v, 4) for v in (one.probability, one.patches, one.class_token, one.memory)))
        for one in maps
    ]
    session.table(columns, rows)
    session.emit(
        {"out": out, "classes": [dict(zip(columns, row, strict=True)) for row in rows]}, text=str(out)
    )


def add_clip_prompts(app: typer.Typer) -> None:
    """Adds the subcommands."""
    command(app, "sweep", resumable=True)(sweep)
    command(app, "eval")(evaluate)
    command(app, "nearest-words")(nearest_words)
    command(app, "attention")(attention)
