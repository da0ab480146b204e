"""`avtool cache`: the cached files."""

from typing import Annotated

import typer

from avtool.cli.command import command, verb_app
from avtool.cli.options import DryRun
from avtool.cli.session import Session
from avtool.core import cache
from avtool.core.paths import cache_folder

app = verb_app("cache", "avtool cache list", "avtool cache prune --older-than 7 --dry-run")


@command(app, "list")
def list_(session: Session) -> None:
    """List the cache's entries, the oldest use first."""
    entries = cache.list_entries()
    session.table(
        ["entry", "MB", "last used"], [[e.name, round(e.size / 1e6, 1), e.last_used] for e in entries]
    )
    session.emit({"folder": cache_folder(), "entries": entries}, text=str(cache_folder()))


@command(app, "prune")
def prune(
    session: Session,
    older_than_days: Annotated[
        int, typer.Option("--older-than", help="Days since the last use.", min=0)
    ] = 30,
    dry_run: DryRun = False,
) -> None:
    """Remove the entries that were not used for a while."""
    removed = cache.prune(older_than_days, dry_run=dry_run)
    freed = sum(entry.size for entry in removed)
    word = "would be freed" if dry_run else "freed"
    session.emit(
        {"removed": removed, "bytes": freed, "dry_run": dry_run}, text=f"{freed / 1e6:.1f} MB {word}"
    )
