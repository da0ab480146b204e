"""`avtool zoo`: the visual Transformers of a survey: listed, shown and extended; the rest is beside."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from avtool.cli.command import command, verb_app
from avtool.cli.session import Session
from avtool.cli.zoo_measure import add_measures
from avtool.cli.zoo_predict import add_predictions
from avtool.cli.zoo_train import add_trainings
from avtool.models.zoo.catalogue import (
    Selection,
    add_rows,
    all_rows,
    find_row,
    macs_of,
    need_builder,
    params_of,
    to_csv,
    tree,
    tree_lines,
    user_file,
)
from avtool.models.zoo.row import TIMM, Figure, Row, Task

app = verb_app(
    "zoo",
    "avtool zoo list --task classification --built --max-params 30 --sort score",
    "avtool zoo show swin-t",
    "avtool zoo tree",
)
Name = Annotated[str, typer.Argument(help="A row's name, or its key.", metavar="NAME")]
_LISTED = ("name", "heading", "year", "M params", "G MACs", "score", "metric", "builder")


@command(app, "list")
def list_(
    session: Session,
    task: Annotated[Task | None, typer.Option(help="Only rows of this task.")] = None,
    family: Annotated[str, typer.Option(help="Only this heading or group of the taxonomy.")] = "",
    built: Annotated[bool, typer.Option("--built", help="Only rows with a builder.")] = False,
    max_params: Annotated[
        float | None, typer.Option(help="Largest number of parameters, millions.", min=0)
    ] = None,
    max_macs: Annotated[float | None, typer.Option(help="Largest number of MACs, billions.", min=0)] = None,
    sort: Annotated[
        Literal["catalogue", "name", "year", "params", "macs", "score"],
        typer.Option(help="Order; scores fall, all else rises."),
    ] = "catalogue",
    output_format: Annotated[
        Literal["table", "csv", "md"], typer.Option("--format", help="Form of the listing.")
    ] = "table",
) -> None:
    """List rows: place in the taxonomy, parameters, MACs, score, builder."""
    selection = Selection(task, family, built, max_params, max_macs, sort)
    rows = selection.select(all_rows())
    cells = [_cells(row) for row in rows]
    if not rows:
        session.reporter.warn("no row fits")
    text = ""
    if output_format == "csv":
        text = to_csv(rows)
    elif output_format == "md":
        lines = [_LISTED, ["---"] * len(_LISTED), *cells]
        text = "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
    else:
        session.table(_LISTED, cells)
    session.emit({"rows": [row.to_json() for row in rows]}, text=text)


def _cells(row: Row) -> tuple[object, ...]:
    builder = f"{row.library}: {row.target}" if row.library else ""
    score = str(row.score.value) if row.score else ""
    figures = [_digits(params_of(row)), _digits(macs_of(row))]
    return (row.name, row.heading, row.year or "", *figures, score, row.metric, builder)


def _digits(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


@command(app, "show")
def show(session: Session, name: Name) -> None:
    """Show a row: taxonomy, motivation, figures with their sources, builder."""
    row = find_row(name)
    if row.name.startswith(TIMM):
        need_builder(row)
    facts = [
        ("key", row.key),
        ("published in", f"{row.venue} {row.year or ''}".strip()),
        ("task", row.task),
        ("taxonomy", " > ".join(filter(None, (row.heading, row.group)))),
        ("motivation", row.motivation),
        ("structure", row.structure),
        ("scenario", row.scenario),
        ("parameters", _figures(row.params_m, row.params_m_measured, "M")),
        ("MACs", _figures(row.macs_g, row.macs_g_measured, "G")),
        (row.metric or "score", _figures(row.score, None, "")),
        ("image size", row.image_size),
        ("difference", row.reason),
        ("note", row.note),
        ("builder", f"{row.library}: {row.builder}" if row.library else "none"),
    ]
    session.table(["", row.name], [fact for fact in facts if fact[1]])
    session.emit({"row": row.to_json()})


def _figures(published: Figure | None, measured: float | None, unit: str) -> str:
    """Published and counted figures, each with its source."""
    found = [f"{published.value} {unit}".strip() + f" ({published.source})"] if published else []
    if measured is not None:
        found.append(f"{measured:g} {unit} (measured)")
    return "; ".join(found)


@command(app, "tree")
def show_tree(
    session: Session,
    rows: Annotated[bool, typer.Option("--rows", help="List the rows of each group too.")] = False,
) -> None:
    """Show the survey's taxonomy, with the number of rows that are built."""
    found = all_rows()
    session.emit(
        {
            "taxonomy": {
                heading: {group: [row.name for row in members] for group, members in groups.items()}
                for heading, groups in tree(found).items()
            }
        },
        text="\n".join(tree_lines(found, with_rows=rows)),
    )


@command(app, "add")
def add(
    session: Session,
    csv: Annotated[Path, typer.Option("--csv", help="CSV file with the catalogue's columns.")],
) -> None:
    """Add rows of your own to the catalogue, after validation."""
    rows = add_rows(csv)
    session.reporter.info(f"added {len(rows)} rows to `{user_file()}`")
    session.emit({"added": [row.name for row in rows], "file": user_file()}, text=str(user_file()))


add_measures(app)
add_trainings(app)
add_predictions(app)
