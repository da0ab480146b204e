"""A dataset of films with objects and recordings, and the table of their queries."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from avtool.core.artifact import CARD, Artifact
from avtool.core.artifact_folder import discard_partial, open_partial, publish
from avtool.core.errors import AvtoolError, BadInputError
from avtool.core.files import writing
from avtool.core.parallel import map_unordered
from avtool.core.reporter import Reporter, Silent
from avtool.data.film_queries import CLIPS, CROPS, QueriedFilm, write_queries_of
from avtool.data.manifest import Clip, write_manifest
from avtool.data.moving_sources import find_recordings
from avtool.data.queries.table import QueryRow, QueryTable, read_queries, write_queries
from avtool.synthetic.moving_sources import Recording
from avtool.synthetic.queried_films import QueriedSettings, shoot_scenario, write_scenario

FILMS, QUERIES = "films", "queries.jsonl"
_FOLDS = 5  # that recordings without folds are dealt to

Recordings = dict[str, list[Recording]]
"""Class → recordings."""


@dataclass(frozen=True)
class QueriedFilms:
    """What was made: the dataset, its table of queries, films of each split, queries of each kind."""

    out: Path
    queries: Path
    films: dict[str, int]
    kinds: dict[str, int]


@dataclass(frozen=True)
class _Task:
    """A film to make."""

    folder: Path
    media: str
    split: str
    settings: QueriedSettings
    recordings: Recordings
    seed: tuple[int, int]


def make_queried_films(
    out: Path,
    sounds: Path,
    reporter: Reporter,
    *,
    films: int = 30,
    val: int = 3,
    test: int = 6,
    settings: QueriedSettings | None = None,
    seed: int = 0,
    jobs: int = 1,
    overwrite: bool = False,
    command: str = "make-queried-films",
) -> QueriedFilms:
    """Makes films of objects and recordings, and their dataset with `queries.jsonl`.

    Args:
        out: the `dataset` artifact to write.
        sounds: ESC-50 or ESC-10, a dataset, or any folder of sounds in folders that are their classes. Films
            of the test have the recordings of the last fold, those of validation the fold before.
        reporter: gets progress.
        films: to train on.
        val: films to validate on.
        test: films to test on.
        settings: of the films.
        seed: of everything random.
        jobs: processes.
        overwrite: replace whatever stands in `out`.
        command: the command line, for the artifact's card.

    Raises:
        BadInputError: there are no sounds, one cannot be read, a setting has no meaning, or `out` belongs to
            another run.
    """
    settings = settings or QueriedSettings()
    settings.check()
    counts = {"train": films, "val": val, "test": test}
    if min(counts.values()) < 0 or sum(counts.values()) < 1:
        raise BadInputError(f"{sum(counts.values())} films cannot be made", "give --films 1 or more")
    of_split = split_recordings(find_recordings(sounds))
    wanted = {"command": "make-queried-films", "sounds": str(sounds.resolve()), "seed": seed, **counts}
    wanted |= {name: list(value) if name == "size" else value for name, value in asdict(settings).items()}
    partial = open_partial(out, wanted, kind="dataset", overwrite=overwrite, inputs=[sounds])
    if (out / CARD).is_file() and not overwrite:
        discard_partial(partial)
        return _result(out)
    splits = [split for split, count in counts.items() for _ in range(count)]
    tasks = [
        _Task(partial, f"{FILMS}/{number:04d}.mp4", split, settings, of_split[split], (seed, number))
        for number, split in enumerate(splits)
    ]
    with writing(partial):
        (partial / FILMS).mkdir(parents=True, exist_ok=True)
    rows: dict[str, list[QueryRow]] = {}
    with reporter.progress("making films with queries", len(tasks)) as bar:
        for media, made in map_unordered(_make, tasks, jobs=jobs):
            if isinstance(made, AvtoolError):
                raise made
            rows[media] = made
            bar.advance()
    write_manifest(partial, [_clip(task) for task in tasks])
    table = QueryTable(tuple(row for task in tasks for row in rows[task.media]))
    write_queries(table, partial / QUERIES)
    publish(out, Artifact("dataset", command, wanted, seed=seed), unhashed=[FILMS, CROPS, CLIPS])
    return _result(out)


def split_recordings(recordings: Sequence[Recording]) -> dict[str, Recordings]:
    """The recordings of each split by fold; without folds, the groups of each class are dealt to five.

    Raises:
        BadInputError: a split has no recording.
    """
    dealt: dict[str, dict[str, int]] = {}
    folds = []
    for one in recordings:
        groups = dealt.setdefault(one.label, {})
        number = groups.setdefault(one.group or str(one.path), len(groups))
        folds.append(one.fold if one.fold is not None else _FOLDS - number % _FOLDS)
    present = sorted(set(folds))
    if len(present) < 3:
        raise BadInputError(
            f"the recordings are of {len(present)} folds", "give three folds, or three recordings of a class"
        )
    of_split: dict[str, Recordings] = {"train": {}, "val": {}, "test": {}}
    for one, fold in zip(recordings, folds, strict=True):
        split = {present[-1]: "test", present[-2]: "val"}.get(fold, "train")
        of_split[split].setdefault(one.label, []).append(one)
    return of_split


def _make(task: _Task) -> tuple[str, list[QueryRow] | AvtoolError]:
    """Makes one film, unless it is there; returns its queries, or what went wrong."""
    path = task.folder / task.media
    try:
        scenario = write_scenario(task.settings, task.recordings, np.random.default_rng((*task.seed, 0)))
        if not path.exists():
            shoot_scenario(path, scenario, np.random.default_rng((*task.seed, 1)), Silent())
        film = QueriedFilm(task.media, task.split, scenario, task.recordings)
        return task.media, write_queries_of(film, task.folder, np.random.default_rng((*task.seed, 2)))
    except AvtoolError as error:
        return task.media, error


def _clip(task: _Task) -> Clip:
    name = Path(task.media).stem
    return Clip(name, task.media, 0.0, task.settings.seconds, split=task.split, group=name)


def _result(out: Path) -> QueriedFilms:
    table = read_queries(out / QUERIES)
    films = {row.media: row.split for row in table.rows}
    return QueriedFilms(
        out,
        out / QUERIES,
        dict(Counter(films.values())),
        dict(Counter(row.kind for row in table.rows)),
    )
