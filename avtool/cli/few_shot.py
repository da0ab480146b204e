"""Subcommands of `prompt-tune` around LM-BFF: tasks, splits, prompts, zero-shot models, searches, grids."""

from pathlib import Path
from typing import Annotated

import typer

from avtool.cli.command import command
from avtool.cli.options import Resume, output
from avtool.cli.session import Session
from avtool.tasks.lm_bff.recipe import GridRecipe, SplitRecipe, UntrainedRecipe, as_training

Examples = Annotated[
    Path, typer.Argument(help="A table of labelled texts, or a folder with train, dev and test tables.")
]


def add_few_shot(app: typer.Typer) -> None:
    """Adds the subcommands to the application of `prompt-tune`."""
    command(app, "tasks")(tasks)
    command(app, "split")(split)
    command(app, "inspect")(inspect)
    command(app, "zero-shot")(zero_shot)
    command(app, "label-search")(label_search)
    command(app, "template-search")(template_search)
    command(app, "grid", resumable=True)(grid)


def tasks(session: Session) -> None:
    """List the text tasks of lm-bff: templates, label words, metrics."""
    from avtool.data.few_shot.text_task import known_tasks

    found = known_tasks()
    rows = [
        [name, task.metric, task.template, " / ".join(", ".join(words) for words in task.words.values())]
        for name, task in found.items()
    ]
    session.table(["task", "metric", "template", "label words"], rows)
    session.emit({"tasks": {name: task.model_dump(mode="json") for name, task in found.items()}})


def split(
    session: Session,
    recipe: SplitRecipe,
    examples: Examples,
    out: Annotated[Path, output("The folder to write.")],
) -> None:
    """Draw a K-shot split of a text task, as published, into train, dev and test tables."""
    from avtool.jobs.few_shot_model import write_split

    result = write_split(examples, as_training(recipe), out, session.reporter)
    session.table(["part", "examples"], list(result.counts.items()))
    session.emit({"result": result}, text=str(result.out))


def inspect(
    session: Session,
    recipe: UntrainedRecipe,
    examples: Examples,
    count: Annotated[
        int, typer.Option("--count", "-n", min=1, max=1000, help="Examples that are shown.")
    ] = 5,
) -> None:
    """Show training examples as lm-bff gives them to the masked LM."""
    from avtool.jobs.few_shot_model import inspect_prompts

    found = inspect_prompts(examples, as_training(recipe), session.reporter, count)
    rows = [[one["label"], one["tokens"], one["mask_at"], one["prompt"]] for one in found]
    session.table(["label", "tokens", "mask at", "prompt"], rows)
    session.emit({"prompts": found})


def zero_shot(
    session: Session,
    recipe: UntrainedRecipe,
    out: Annotated[Path, output("The model to write.")],
    examples: Annotated[Path | None, typer.Option(help="Labelled texts for demonstrations.")] = None,
) -> None:
    """Write a masked LM with template and label words as a model, without training."""
    from avtool.jobs.few_shot_model import write_zero_shot

    model = write_zero_shot(examples, as_training(recipe), out, session.reporter, session.command_line)
    session.emit({"result": {"model": model}}, text=str(model))


def label_search(
    session: Session,
    recipe: UntrainedRecipe,
    examples: Examples,
    out: Annotated[Path, output("The file of candidates to write, a JSON object a line.")],
    words: Annotated[int, typer.Option(min=1, help="Likeliest words of each class.")] = 100,
    near: Annotated[int, typer.Option(min=0, help="Of these, the nearest to the task's own; 0 for all.")] = 0,
    keep: Annotated[int, typer.Option(min=1, help="Assignments that are written.")] = 100,
) -> None:
    """Search label words for lm-bff by the training examples, without training."""
    from avtool.jobs.few_shot_search import label_search as search

    result = search(examples, as_training(recipe), out, session.reporter, k=words, near=near, keep=keep)
    rows = [
        [round(one.score, 4), *(", ".join(names) for names in one.value.values())]
        for one in result.candidates[:10]
    ]
    session.table(["score", *(result.candidates[0].value if result.candidates else ())], rows)
    session.emit({"result": result}, text=str(result.out))


def template_search(
    session: Session,
    recipe: UntrainedRecipe,
    examples: Examples,
    t5: Annotated[Path, typer.Option("--t5", help="Folder of T5, of transformers.")],
    out: Annotated[Path, output("The file of templates to write, one a line.")],
    beam: Annotated[int, typer.Option(min=1, max=1000, help="Width of the beam.")] = 100,
    keep: Annotated[int, typer.Option(min=0, help="Templates of each form; 0 for 50, of pairs 100.")] = 0,
) -> None:
    """Search templates for lm-bff with T5."""
    from avtool.jobs.few_shot_search import template_search as search

    result = search(examples, as_training(recipe), t5, out, session.reporter, beam=beam, keep=keep)
    session.table(["score", "template"], [[round(one.score, 3), one.value] for one in result.candidates[:10]])
    session.emit({"result": result}, text=str(result.out))


def grid(
    session: Session,
    recipe: GridRecipe,
    examples: Examples,
    out: Annotated[Path, output("The report to write.")],
    resume: Resume = True,
) -> None:
    """Train lm-bff over learning rates, batch sizes, templates and seeds, beside the baselines."""
    from avtool.jobs.cells import report_cells
    from avtool.tasks.lm_bff.grid import LmBffGrid

    plan = LmBffGrid(examples, recipe, session.reporter, session.command_line)
    report = report_cells(plan, out, session.reporter, overwrite=not resume, command=session.command_line)
    session.report(report, out)
