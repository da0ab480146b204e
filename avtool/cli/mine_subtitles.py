"""`avtool mine-subtitles`: films and SDH captions in, a dataset of sound events out."""

from pathlib import Path
from typing import Annotated

import typer

from avtool.cli.command import command, verb_app
from avtool.cli.inputs import expand_lists, need_alone
from avtool.cli.options import DryRun, FailFast, Jobs, Resume, Settle, ShardOption, Watch, output
from avtool.cli.session import Session, with_report
from avtool.core.errors import ExitCode
from avtool.core.shard import Shard
from avtool.mining.recipe import MineRecipe

app = verb_app(
    "mine-subtitles",
    "avtool mine-subtitles films/ --out events",
    "avtool mine-subtitles films.csv --out events --jobs -1 --dry-run",
)


@command(app, resumable=True, on_cluster=True, to_address=True)
def mine_subtitles(
    session: Session,
    recipe: MineRecipe,
    out: Annotated[Path, output("The dataset to write.")],
    films: Annotated[
        list[str] | None,
        typer.Argument(help="Films, folders, a CSV file film,captions, or - for names on stdin."),
    ] = None,
    captions: Annotated[str, typer.Option(help="A caption file, stream:N, or auto.")] = "auto",
    jobs: Jobs = 1,
    resume: Resume = True,
    fail_fast: FailFast = False,
    dry_run: DryRun = False,
    watch: Watch = None,
    settle: Settle = 10.0,
    shard: ShardOption = "",
) -> int:
    """Mine films and SDH captions for a dataset of labelled sound events."""
    from avtool.jobs.watch import watch as watch_folder
    from avtool.jobs.watched_mining import WatchedMining
    from avtool.mining.mine_subtitles import mine_subtitles as mine
    from avtool.mining.pairing import pair_films
    from avtool.mining.plan import plan

    names, kinds = expand_lists(films or []), None
    if recipe.kind is not None and not dry_run:
        from avtool.jobs.cue_classes import kinds_of

        kinds = kinds_of(recipe, session.reporter)  # before any film is mined
    if watch is not None and not dry_run:
        need_alone(names, resume=resume, fail_fast=fail_fast)
        watched = WatchedMining(
            out, recipe, captions, session.reporter, kinds, jobs=jobs, command=session.command_line
        )
        watch_folder(watch, out, watched.verb, session.reporter, settle=settle, jobs=jobs)
    names += [str(watch)] if watch else []
    pairs, part = pair_films(names, captions), Shard.parse(shard)
    if dry_run:
        rows = plan(part.of(pairs), recipe)
        session.table(
            ["film", "minutes", "captions", "cues", "tags", "disk MB", "problem"],
            [row.cells() for row in rows],
        )
        session.emit({"out": out, "plan": rows, "recipe": recipe.model_dump(mode="json")})
        return ExitCode.SOME_FAILED if any(row.problem for row in rows) else ExitCode.DONE
    result = mine(
        pairs, out, recipe, session.reporter, kinds=kinds,
        jobs=jobs,
        overwrite=not resume, fail_fast=fail_fast, command=session.command_line,
        shard=part, sources=[*names, captions],
    )  # fmt: skip
    ended = [
        (film.film_id, film.status, film.events, film.error or film.sync, film.seconds)
        for film in result.films
    ]
    session.table(["film", "status", "events", "captions", "seconds"], ended)
    session.emit(
        {"out": result.out, "summary": result.summary, "films": result.films}, text=with_report(result.out)
    )
    if result.unchecked:
        session.reporter.warn(
            f"{len(result.unchecked)} of {len(result.films)} films keep caption times that could not be"
            " checked: their events may be elsewhere (--sync none takes the times as they are)"
        )
    return ExitCode.SOME_FAILED if result.failed or result.unchecked else ExitCode.DONE
