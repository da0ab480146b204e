"""Subcommands of `zoo` that use networks: a row as a model folder, rows trained and compared, or run."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from avtool.cli.command import command
from avtool.cli.options import DryRun, Jobs, output
from avtool.cli.session import Session


def add_trainings(app: typer.Typer) -> None:
    """Adds the subcommands to the application of `zoo`."""
    command(app, "build")(build)
    command(app, "train", resumable=True)(train)
    command(app, "run")(run)


def build(
    session: Session,
    name: Annotated[str, typer.Argument(help="A row's name, or its key.", metavar="NAME")],
    out: Annotated[Path, output("Model folder to write.")],
    pretrained: Annotated[
        bool, typer.Option("--pretrained", help="Weights that the row's library publishes.")
    ] = False,
    weights: Annotated[Path | None, typer.Option(help="File of weights.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of random weights.")] = 0,
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
    from avtool.jobs.zoo.train import find_kind, plan
    from avtool.jobs.zoo.train import train as run
    from avtool.jobs.zoo.train_recipe import ZooTrainRecipe, find_entrants

    found = find_kind(data) if kind == "auto" else kind
    flags: dict[str, Any] = {
        "loop.epochs": epochs, "data.train_folds": folds, "data.val_folds": val_folds,
        "runtime.device": device,
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
        cells = [
            (one.entrant.title, one.task.recipe.seed, "done" if one.score else "to do") for one in planned
        ]
        session.table(["model", "seed", ""], cells)
        session.emit({"plan": cells})
        return
    result = run(planned, recipe, found, session.reporter, out=out)
    session.table(COLUMNS, table(result.comparison, result.trained))
    real = result.comparison.real
    pairs = len(result.comparison.differences)
    session.reporter.info(f"{len(real)} of {pairs} differences are real after the correction")
    session.emit({"out": out, "comparison": result.comparison}, text=str(out / "compare.html"))


def run(
    session: Session,
    name: Annotated[str, typer.Argument(help="A row for detection or segmentation.", metavar="NAME")],
    sources: Annotated[list[Path], typer.Argument(help="Images and films.", metavar="FILE...")],
    out: Annotated[Path, output("Folder for the drawn images and films, and what was found, as JSON lines.")],
    pretrained: Annotated[
        bool, typer.Option("--pretrained", help="Weights that are published for the row.")
    ] = False,
    weights: Annotated[Path | None, typer.Option(help="File of weights.")] = None,
    classes: Annotated[Path | None, typer.Option(help="Text file of class names, one a line.")] = None,
    options: Annotated[
        str, typer.Option(help='Keyword arguments of the row\'s builder, as JSON: {"num_queries": 20}.')
    ] = "",
    threshold: Annotated[float, typer.Option(help="Smallest score of an object.", min=0, max=1)] = 0.5,
    fps: Annotated[float, typer.Option(help="Frames a second that are taken of films.")] = 5.0,
    image_size: Annotated[
        int | None, typer.Option(help="Side that images are scaled to.  [default: the row's]")
    ] = None,
    batch: Annotated[int, typer.Option(help="Frames at a time.")] = 4,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:1.")] = "auto",
) -> int:
    """Find objects, or classes of pixels, in images and films; draw them, and write them as JSON."""
    from avtool.core.errors import ExitCode
    from avtool.core.recipe import validate
    from avtool.jobs.zoo.run import RunRecipe
    from avtool.jobs.zoo.run import run as job

    values = {"threshold": threshold, "fps": fps, "side": image_size, "batch": batch, "device": device}
    result = job(
        name, sources, validate(RunRecipe, values, "the command line"), session.reporter, out=out,
        weights=weights, pretrained=pretrained, options=_json(options), classes=_lines(classes),
    )  # fmt: skip
    session.table(
        ["file", "frames", "objects", "drawn"],
        [(str(one.source), one.frames, one.objects, str(one.drawn)) for one in result.files],
    )
    failed = [{"file": path, "error": error} for path, error in result.failed]
    session.emit({"out": out, "files": result.files, "failed": failed}, text=str(out))
    return ExitCode.SOME_FAILED if result.failed else ExitCode.DONE


def _json(text: str) -> dict[str, Any]:
    """An object in JSON.

    Raises:
        BadInputError: it is none.
    """
    import json

    from avtool.core.errors import BadInputError

    try:
        value = json.loads(text or "{}")
    except ValueError as error:
        raise BadInputError(f"--options is not JSON ({error})", "such as '{\"num_queries\": 20}'") from error
    if not isinstance(value, dict):
        raise BadInputError("--options is no JSON object", "such as '{\"num_queries\": 20}'")
    return value


def _lines(path: Path | None) -> list[str]:
    """The lines of a file of names.

    Raises:
        BadInputError: it cannot be read.
    """
    from avtool.core.errors import BadInputError

    if path is None:
        return []
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"`{path}` cannot be read as a list of classes", "one name a line") from error


def _sizes(kind: str, side: int) -> dict[str, Any]:
    """The recipe keys that a side of the inputs sets."""
    if kind == "spectrograms":
        return {"model.arguments.side": side}
    return {"data.video.size": side, "data.video.short_side": round(side * 8 / 7)}
