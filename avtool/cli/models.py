"""`avtool models`: the registered architectures, and published weights."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from avtool.cli.command import command, verb_app
from avtool.cli.completion import complete_models
from avtool.cli.session import Session
from avtool.models.registry import MODELS

app = verb_app(
    "models", "avtool models list 'mae_*'", "avtool models show mbt_base", "avtool models fetch yamnet"
)
Modality = Literal["audio", "video", "image", "clip"]


@command(app, "list")
def list_(
    session: Session,
    pattern: Annotated[str, typer.Argument(help="A shell pattern of names.")] = "*",
    takes: Annotated[
        Modality | None, typer.Option("--input", help="Only models that take this modality.")
    ] = None,
) -> None:
    """List architectures: name, inputs, summary."""
    found = [MODELS.find(name) for name in sorted(MODELS.names(pattern))]
    found = [model for model in found if takes is None or takes in model.family.inputs]
    rows = [(model.name, ", ".join(model.family.inputs), model.summary) for model in found]
    session.table(["model", "inputs", "summary"], rows)
    if not rows:
        session.reporter.warn(f"no model matches `{pattern}`" + (f" and takes {takes}" if takes else ""))
    session.emit(
        {
            "models": [
                {
                    "name": model.name,
                    "inputs": model.family.inputs,
                    "summary": model.summary,
                    "paper": model.family.paper,
                }
                for model in found
            ]
        }
    )


@command(app, "show")
def show(
    session: Session,
    model: Annotated[
        str, typer.Argument(help="A registered name.", metavar="MODEL", autocompletion=complete_models)
    ],
) -> None:
    """Show an architecture: paper, inputs, parameters, settings, published weights."""
    from avtool.models.describe import describe

    sheet = describe(model)
    facts = [
        ("architecture", f"{sheet.title}: {sheet.summary}"),
        ("paper", sheet.paper),
        ("inputs", ", ".join(sheet.inputs)),
        ("parameters", f"{sheet.parameters:,}"),
        *((f"  {part}", f"{count:,}") for part, count in sheet.parts.items()),
        ("classifier", sheet.classifier or "none"),
        ("loads weights of", "; ".join((*sheet.layouts, "avtool"))),
    ]
    session.table(["", sheet.name], facts)
    session.table(
        ["setting", "value", "follows from", "meaning"],
        [(name, s.value, s.decided_by, s.meaning) for name, s in sheet.settings.items()],
    )
    session.emit({"model": sheet})


@command(app, "fetch")
def fetch(
    session: Session,
    name: Annotated[
        str | None, typer.Argument(help="Name of published weights; none lists them.", metavar="[NAME]")
    ] = None,
    catalogue: Annotated[
        Path | None, typer.Option(help="TOML file of further weights.  [default: avtool's own]")
    ] = None,
) -> None:
    """Fetch published weights into the cache, or list them: size, licence, whether they are there."""
    from avtool.models.catalogue import fetched_folder, read_catalogue
    from avtool.models.fetch import fetch_weights

    if name is not None:
        found = fetch_weights(name, session.reporter, catalogue=catalogue)
        session.emit({"name": name, "file": found.file, "kept": found.kept}, text=str(found.file))
        return
    entries = read_catalogue(catalogue)
    there = {one: (fetched_folder(one) / entry.file).is_file() for one, entry in entries.items()}
    session.table(
        ["name", "weights", "MB", "licence", "fetched"],
        [
            (one, entry.title, round(entry.bytes / 1e6, 1), entry.licence, "yes" if there[one] else "no")
            for one, entry in entries.items()
        ],
    )
    session.emit(
        {
            "weights": [
                {"name": one, **entry.model_dump(), "fetched": there[one]} for one, entry in entries.items()
            ]
        }
    )
