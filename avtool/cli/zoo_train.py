"""Subcommands of `zoo` that make networks: a row as a model folder, and rows trained and compared."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from avtool.cli.command import command
from avtool.cli.options import DryRun, Jobs, output
from avtool.cli.session import Session

if TYPE_CHECKING:
    from avtool.jobs.zoo.train_plan import Planned


def add_trainings(app: typer.Typer) -> None:
    """Adds the subcommands to the application of `zoo`."""
    command(app, "build")(build)
    command(app, "train", resumable=True)(train)


def build(
    session: Session,
    name: Annotated[str, typer.Argument(help="A row's name, or its key.", metavar="NAME")],
    out: Annotated[Path, output("Model folder to write.")],
    pretrained: Annotated[
        bool, typer.Option("--pretrained", help="Weights that the row's library publishes.")
    ] = False,
    weights: Annotated[Path | None, typer.Option(help="File of weights.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of random weights.", min=0)] = 0,
) -> None:
    """Write a row as a model folder: an encoder of images with random, published or given weights."""
    from avtool.jobs.zoo.build import build as run

    parameters = run(
        name, out, session.reporter, pretrained=pretrained, weights=weights, seed=seed,
        command=session.command_line,
    )  # fmt: skip
    session.emit({"out": out, "parameters": parameters}, text=str(out))


def train(
    session: Session,
    data: Annotated[Path, typer.Option("--data", help="Dataset to train and compare on.")],
    rows: Annotated[
        list[str] | None,
        typer.Argument(help="Rows, or networks of timm as timm:NAME.  [default: those of the recipe]"),
    ] = None,
    kind: Annotated[
        Literal["auto", "images", "spectrograms"],
        typer.Option(help="Inputs; spectrograms are images of one channel. auto: as the clips are."),
    ] = "auto",
    seeds: Annotated[int, typer.Option(help="Seeds of each row.", min=1, max=100)] = 3,
    recipe_name: Annotated[
        str, typer.Option("--recipe", help="Recipe of all rows.  [default: zoo/KIND]")
    ] = "",
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Set a recipe key: KEY=VALUE. Repeatable.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs.  [default: the recipe's]", min=1)] = None,
    max_steps: Annotated[
        int | None, typer.Option(help="Optimiser steps; overrides epochs.", min=1, max=10**9)
    ] = None,
    image_size: Annotated[
        int | None, typer.Option(help="Side of the inputs in pixels.  [default: the recipe's]", min=8)
    ] = None,
    folds: Annotated[str | None, typer.Option(help="Training folds: 2-5.")] = None,
    val_folds: Annotated[str | None, typer.Option(help="Folds to compare on.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or cuda:1.")] = None,
    out: Annotated[Path, output("Folder of the trainings and their comparison.")] = Path("runs/zoo"),
    jobs: Jobs = 1,
    dry_run: DryRun = False,
) -> None:
    """Train rows under one configuration, and compare them: accuracies, real differences, costs."""
    from avtool.core.paths import find_recipe
    from avtool.core.recipe import load
    from avtool.jobs.zoo.compare import COLUMNS, table
    from avtool.jobs.zoo.train import train as run
    from avtool.jobs.zoo.train_plan import find_kind, plan
    from avtool.jobs.zoo.train_recipe import ZooTrainRecipe, find_entrants

    found = find_kind(data) if kind == "auto" else kind
    flags: dict[str, Any] = {
        "loop.epochs": epochs, "loop.max_steps": max_steps, "data.train_folds": folds,
        "data.val_folds": val_folds, "runtime.device": device,
    }  # fmt: skip
    if image_size is not None:
        flags |= _sizes(found, image_size)
    recipe = load(
        ZooTrainRecipe,
        recipe=find_recipe(recipe_name or f"zoo/{found}"),
        settings=settings or (),
        flags=flags,
    )
    entrants = find_entrants(rows or [], recipe, found)
    planned = plan(
        entrants, data, recipe, session.reporter, out=out, seeds=seeds, jobs=jobs,
        command=session.command_line,
    )  # fmt: skip
    if dry_run:
        _show_plan(session, planned)
        return
    result = run(planned, recipe, found, session.reporter, out=out)
    session.table(COLUMNS, table(result.comparison, result.trained))
    real = result.comparison.real
    pairs = len(result.comparison.differences)
    session.reporter.info(f"{len(real)} of {pairs} differences are real after the correction")
    if seeds == 1:
        session.reporter.warn("one seed shows nothing of how trainings of a row differ; add --seeds 3")
    accuracies = {one.name: one.interval.value for one in result.comparison.models}
    session.emit(
        {"out": out, "accuracies": accuracies, "comparison": result.comparison},
        text=str(out / "compare.html"),
    )


def _show_plan(session: Session, planned: "Sequence[Planned]") -> None:
    """Prints the data and the schedule once, then the cost of each model, and which seeds are done."""
    from avtool.jobs.train import plan_task, size

    plans = {one.entrant.title: plan_task(one.task, one.out) for one in reversed(planned)}
    own = {"run", "model", "parameters", "memory", "disk"}
    session.table(["plan", ""], [row for row in next(iter(plans.values())).rows() if row[0] not in own])
    session.table(
        ["model", "M params", "weights, gradients, moments", "activations", "a checkpoint"],
        [
            (
                title, f"{one.parameters / 1e6:.2f}", size(one.state_mib),
                "" if one.activations_mib is None else size(one.activations_mib), size(one.checkpoint_mib),
            )
            for title, one in reversed(plans.items())
        ],
    )  # fmt: skip
    cells = [(one.entrant.title, one.task.recipe.seed, "done" if one.score else "to do") for one in planned]
    session.table(["model", "seed", ""], cells)
    models = {title: one.values() for title, one in reversed(plans.items())}
    session.emit({"plan": cells, "models": models})


def _sizes(kind: str, side: int) -> dict[str, Any]:
    """The recipe keys that a side of the inputs sets."""
    if kind == "spectrograms":
        return {"model.arguments.side": side}
    return {"data.video.size": side, "data.video.short_side": round(side * 8 / 7)}
