"""`avtool localize`: a film's segments found by an image, a sentence, a label or a sound."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from avtool.cli.command import command, verb_app
from avtool.cli.inputs import expand_lists
from avtool.cli.options import FailFast, Jobs, Overwrite, output
from avtool.cli.session import Session
from avtool.cli.train import add_task
from avtool.core.errors import BadInputError, ExitCode
from avtool.core.report.page import format_seconds
from avtool.inference.localisation.encoders import IndexRecipe
from avtool.jobs.localize.convert import ConvertRecipe
from avtool.jobs.localize.recipe import FindRecipe
from avtool.tasks import TASKS

if TYPE_CHECKING:
    from avtool.jobs.localize.find import FindResult
    from avtool.jobs.localize.find_query import NamedQuery

_SHOWN = 40
"""Characters of a query that tables and messages have."""

app = verb_app(
    "localize",
    "avtool localize index films/ --out idx",
    'avtool localize find idx --text "a bird sings" --out hits',
    "avtool localize find film.mkv --frame film.mkv@00:12:03 --box 300,120,200,180",
    "avtool localize find film.mkv --audio door.wav --top 3",
    "avtool localize train queries.csv --index idx --out runs/finder",
)


@command(app, "index", resumable=True)
def index(
    session: Session,
    recipe: IndexRecipe,
    media: Annotated[list[str], typer.Argument(help="Films or audio files, folders, or - for stdin.")],
    out: Annotated[Path, output("The folder of the indexes, one folder a film.")],
    jobs: Jobs = 1,
    overwrite: Overwrite = False,
    fail_fast: FailFast = False,
) -> int:
    """Encode films once, so that queries are found in them at once."""
    from avtool.jobs.localize.index import index_films

    result = index_films(
        expand_lists(media), out, recipe, session.reporter,
        jobs=jobs, overwrite=overwrite, fail_fast=fail_fast, command=session.command_line,
    )  # fmt: skip
    rows = [
        (one.film, one.status, one.frames, round(one.seconds, 1), f"{one.size / 1e6:.1f}", one.error or "")
        for one in result.films
    ]
    session.table(["film", "status", "frames", "seconds", "MB", "problem"], rows)
    session.emit({"out": result.out, "films": result.films, "seconds": result.seconds}, text=str(result.out))
    return ExitCode.SOME_FAILED if result.failed else ExitCode.DONE


@command(app, "find")
def find(
    session: Session,
    recipe: FindRecipe,
    films: Annotated[list[str], typer.Argument(help="Indexes, folders of indexes, or films.")],
    text: Annotated[str | None, typer.Option(help="A sentence to find.")] = None,
    image: Annotated[Path | None, typer.Option(help="An image of what to find.")] = None,
    frame: Annotated[
        str | None, typer.Option(help="A frame that shows what to find: FILM@TIME, with --box.")
    ] = None,
    box: Annotated[
        str | None, typer.Option(help="Where in the frame: x,y,width,height, in pixels of the film.")
    ] = None,
    audio: Annotated[
        str | None, typer.Option(help="A sound to find: FILE, or a part of it, FILE@START-END.")
    ] = None,
    label: Annotated[str | None, typer.Option(help="A class to find, by its name or a synonym.")] = None,
    queries: Annotated[Path | None, typer.Option(help="A table of queries (CSV or JSON Lines).")] = None,
    model: Annotated[
        Path | None, typer.Option("--model", "-m", help="A model of `avtool localize train`.")
    ] = None,
    engine: Annotated[
        Literal["similarity", "grounding"] | None,
        typer.Option(help="What finds hits.  [default: grounding with --model, else similarity]"),
    ] = None,
    out: Annotated[Path | None, output("The folder of hits to write: JSON, CSV, chapters, page.")] = None,
    overwrite: Overwrite = False,
) -> int:
    """Find the segments of films that match an image, a sentence, a label or a sound."""
    from avtool.jobs.localize.find import find as run

    wanted = _queries(text, image, (frame, box), audio, label, queries)
    result = run(
        expand_lists(films), wanted, out, recipe, session.reporter,
        model=model, engine=engine, overwrite=overwrite, command=session.command_line,
    )  # fmt: skip
    _show(session, result)
    return ExitCode.SOME_FAILED if result.failed else ExitCode.DONE


@command(app, "convert")
def convert(
    session: Session,
    recipe: ConvertRecipe,
    annotations: Annotated[Path, typer.Argument(help="Annotations of a benchmark, or a dataset.")],
    out: Annotated[Path, output("The table of queries to write, .csv or .jsonl.")],
    overwrite: Overwrite = False,
) -> None:
    """Convert annotations of Ego4D, QVHighlights, Charades-STA, or a dataset, into a table of queries."""
    from avtool.jobs.localize.convert import convert as run

    result = run(annotations, out, recipe, session.reporter, overwrite=overwrite)
    counts = [
        ("queries", result.queries), ("rows", result.rows), ("films", result.films),
        *((f"kind {kind}", count) for kind, count in result.kinds.items()),
        *((f"split {split or 'none'}", count) for split, count in result.splits.items()),
        ("segments without length", result.zero_length), ("segments beyond the film", result.outside),
        ("dropped", result.dropped), ("clipped", result.clipped), ("films not found", result.lost_media),
        *((f"skipped: {reason}", count) for reason, count in result.skipped.items()),
    ]  # fmt: skip
    session.table(["what", "count"], counts)
    session.emit({"result": result}, text=str(result.out))


def _queries(
    text: str | None,
    image: Path | None,
    frame: tuple[str | None, str | None],
    audio: str | None,
    label: str | None,
    table: Path | None,
) -> "list[NamedQuery]":
    """The one query of the options, or those of a table.

    Raises:
        BadInputError: there are several kinds, or none, or the query cannot be used.
    """
    from avtool.inference.localisation import queries as read
    from avtool.jobs.localize.find_query import NamedQuery, read_query_table

    given = {
        "--text": text, "--image": image, "--frame": frame[0], "--audio": audio, "--label": label,
        "--queries": table,
    }  # fmt: skip
    names = [name for name, value in given.items() if value is not None]
    if len(names) > 1:
        message = f"{' and '.join(names)} are given together: a query is of one kind"
        raise BadInputError(message, "give one of them, or a table: --queries")
    if (frame[0] is None) != (frame[1] is None):
        lacking = "--box" if frame[1] is None else "--frame"
        raise BadInputError(f"{lacking} is missing: a frame and a box in it make a query", f"add {lacking}")
    if not names:
        raise BadInputError("no query is given", f"give one of {', '.join(given)}")
    if table is not None:
        return read_query_table(table)
    if text is not None:
        query = read.text_query(text)
    elif label is not None:
        query = read.label_query(label)
    elif image is not None:
        query = read.image_query(image)
    elif audio is not None:
        query = read.audio_query(read.parse_clip(audio))
    else:
        film, time = read.parse_frame(frame[0] or "")
        query = read.frame_query(film, time, read.parse_box(frame[1] or ""))
    return [NamedQuery("query", query)]


def _show(session: Session, result: "FindResult") -> None:
    """Prints hits, the baseline beside them, and a sentence for each query without any."""
    rows: list[Sequence[object]] = []
    for found in result.queries:
        name = found.query.name[:_SHOWN]
        if not found.hits:
            session.reporter.info(f"{name}: not found (confidence that it is absent: {found.absent:.2f})")
        if found.note:
            session.reporter.warn(f"{name}: {found.note}")
        beside = found.baseline or []
        for rank, one in enumerate(found.hits, 1):
            other = beside[rank - 1] if rank <= len(beside) else None
            rows.append(
                (
                    name, rank, Path(one.film).name, format_seconds(one.hit.start),
                    format_seconds(one.hit.end), f"{one.hit.score:.2f}",
                    f"{format_seconds(other.hit.start)} {other.hit.score:.2f}" if other else "",
                )
            )  # fmt: skip
    columns = ["query", "rank", "film", "start", "end", "score", "similarity"]
    if any(found.baseline is not None for found in result.queries):
        session.table(columns, rows)
    else:
        session.table(columns[:-1], [row[:-1] for row in rows])
    session.emit(
        {
            "out": result.out,
            "films": [str(one.film) for one in result.films],
            "failed": {name: error.message for name, error in result.failed.items()},
            "queries": [one.to_json() for one in result.queries],
            "seconds": result.seconds,
        },
        text=str(result.out) if result.out else "",
    )


add_task(app, TASKS.find("query-localisation"), "train")
