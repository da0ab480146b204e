"""The outcome of mining one film, in a worker process or in this one."""

import time
import traceback
from dataclasses import dataclass
from pathlib import Path

from avtool.core.errors import AvtoolError, ExitCode
from avtool.core.files import outside_problem
from avtool.core.reporter import Reporter, Silent
from avtool.mining.film import FilmTask, mine_film


@dataclass(frozen=True)
class FilmOutcome:
    """How one film ended.

    Attributes:
        film_id, film: which.
        status: `mined`, `kept` (done before: same files, same settings) or `failed`.
        events: sound events found.
        sync: the time map in a few words.
        unchecked: whether the captions' times could not be checked, and `--sync` was not `none`.
        seconds: wall time spent on it now.
        error: what went wrong, when it failed.
        notes: what was decided automatically.
        warnings: what a user should look at.
    """

    film_id: str
    film: str
    status: str
    events: int = 0
    sync: str = ""
    unchecked: bool = False
    seconds: float = 0.0
    error: AvtoolError | None = None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class _OurFaultError(AvtoolError):
    exit_code = ExitCode.OUR_FAULT


def mine_outcome(task: FilmTask, reporter: Reporter | None) -> FilmOutcome:
    """Mines one film and returns its outcome, an error included; runs in a worker process."""
    begin = time.perf_counter()
    film_id, film = task.pair.film_id, str(task.pair.film)
    try:
        record, kept = mine_film(task, reporter or Silent())
    except AvtoolError as error:
        return FilmOutcome(film_id, film, "failed", seconds=seconds_since(begin), error=error)
    except Exception as error:  # noqa: BLE001 - our own mistake over one film must not lose the others
        if isinstance(error, OSError) and (problem := outside_problem(error)):
            return FilmOutcome(film_id, film, "failed", seconds=seconds_since(begin), error=problem)
        where = traceback.extract_tb(error.__traceback__)[-1]
        message = (
            f"internal error: {type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})"
        )
        return FilmOutcome(
            film_id, film, "failed", seconds=seconds_since(begin), error=_OurFaultError(message)
        )
    return FilmOutcome(
        film_id,
        film,
        "kept" if kept else "mined",
        events=len(record.events),
        sync=record.sync_in_words,
        unchecked=record.sync["decision"] == "skipped" and task.recipe.sync.mode != "none",
        seconds=seconds_since(begin),
        notes=tuple(record.notes),
        warnings=tuple(record.warnings),
    )


def lost_film(task: FilmTask, error: AvtoolError) -> FilmOutcome:
    """The outcome of a film that no worker process survived."""
    return FilmOutcome(task.pair.film_id, str(task.pair.film), "failed", error=error)


def seconds_since(begin: float) -> float:
    """Wall time from `begin`, as `time.perf_counter` gave it, to now."""
    return round(time.perf_counter() - begin, 3)
