"""Subcommands of `zoo` for detectors and segmenters: run over images and films, and scored."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from avtool.cli.command import command
from avtool.cli.options import Overwrite, output
from avtool.cli.session import Session
from avtool.core.errors import BadInputError, ExitCode
from avtool.jobs.zoo.recipes import RunRecipe, ScoreRecipe

Name = Annotated[str, typer.Argument(help="A row for detection or segmentation.", metavar="NAME")]
Pretrained = Annotated[bool, typer.Option("--pretrained", help="Weights that are published for the row.")]
Weights = Annotated[Path | None, typer.Option(help="File of weights, or a run of avtool.")]
Options = Annotated[
    str, typer.Option(help='Keyword arguments of the row\'s builder, as JSON: {"num_queries": 20}.')
]


def add_predictions(app: typer.Typer) -> None:
    """Adds the subcommands to the application of `zoo`."""
    command(app, "run")(run)
    command(app, "score")(score)


def run(
    session: Session,
    recipe: RunRecipe,
    name: Name,
    sources: Annotated[
        list[Path], typer.Argument(help="Images and films, and folders of them.", metavar="FILE...")
    ],
    out: Annotated[Path, output("Folder for the drawn images and films, and what was found, as JSON lines.")],
    pretrained: Pretrained = False,
    weights: Weights = None,
    classes: Annotated[Path | None, typer.Option(help="Text file of class names, one a line.")] = None,
    options: Options = "",
    overwrite: Overwrite = False,
) -> int:
    """Find objects, or classes of pixels, in images and films; draw them, and write them as JSON."""
    from avtool.jobs.zoo.run import run as job

    result = job(
        name, sources, recipe, session.reporter, out=out, overwrite=overwrite,
        weights=weights, pretrained=pretrained, options=_json(options), classes=_lines(classes),
    )  # fmt: skip
    session.table(
        ["file", "frames", "objects", "drawn"],
        [(str(one.source), one.frames, one.objects, str(one.drawn)) for one in result.files],
    )
    failed = [{"file": path, "error": error} for path, error in result.failed]
    session.emit({"out": out, "files": result.files, "failed": failed}, text=str(out))
    return ExitCode.SOME_FAILED if result.failed else ExitCode.DONE


def score(
    session: Session,
    recipe: ScoreRecipe,
    name: Name,
    annotations: Annotated[Path, typer.Argument(help="COCO-style annotations of instances.", metavar="JSON")],
    images: Annotated[
        Path | None, typer.Option(help="Folder of the images.  [default: beside the annotations]")
    ] = None,
    pretrained: Pretrained = False,
    weights: Weights = None,
    classes: Annotated[
        Path | None,
        typer.Option(help="Text file of the network's classes, one a line.  [default: the categories]"),
    ] = None,
    options: Options = "",
) -> None:
    """Score a row on annotated images: COCO's average precision of boxes or masks, or mean IoU."""
    from avtool.jobs.zoo.score import score as job

    result = job(
        name, annotations, recipe, session.reporter, images=images,
        weights=weights, pretrained=pretrained, options=_json(options), classes=_lines(classes),
    )  # fmt: skip
    session.table(["metric", "%"], [(key, round(100 * value, 2)) for key, value in result.metrics.items()])
    session.emit({"scores": result})


def _json(text: str) -> dict[str, Any]:
    """An object in JSON.

    Raises:
        BadInputError: it is none.
    """
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
    if path is None:
        return []
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"`{path}` cannot be read as a list of classes", "one name a line") from error
