"""`avtool sync`: a caption file in time with its film."""

from pathlib import Path
from typing import Annotated

import typer

from avtool.cli.command import command, verb_app
from avtool.cli.options import Overwrite, output
from avtool.cli.session import Session
from avtool.core.errors import BadInputError
from avtool.mining.recipe import SyncCaptionsRecipe

app = verb_app(
    "sync",
    "avtool sync friday.mp4 friday.srt --out friday.vtt",
    "avtool sync friday.mp4 stream:2 > friday.srt",
)


@command(app)
def sync(
    session: Session,
    recipe: SyncCaptionsRecipe,
    film: Annotated[Path, typer.Argument(help="The film.")],
    captions: Annotated[str, typer.Argument(help="A caption file, stream:N, or auto.")] = "auto",
    out: Annotated[Path, output("Where to write; - for stdout.")] = Path("-"),
    overwrite: Overwrite = False,
) -> None:
    """Synchronise a caption file with the speech of its film."""
    from avtool.mining.sync_captions import sync_captions, write_outcome

    to_stdout = out == Path("-")
    if not to_stdout and out.exists() and not overwrite:
        raise BadInputError(f"`{out}` exists already", "give --overwrite, or another --out")
    if to_stdout and session.json:
        raise BadInputError("--json and captions on stdout exclude each other", "give --out FILE")
    outcome = sync_captions(film, captions, recipe, session.reporter)
    text = write_outcome(outcome, None if to_stdout else out, recipe)
    if outcome.dropped:
        session.reporter.warn(f"skipped {outcome.dropped} captions that end before the film begins")
    result = {"out": out, "cues": len(outcome.cues), "dropped": outcome.dropped, **outcome.result.to_dict()}
    session.emit(result, text=text or str(out))
