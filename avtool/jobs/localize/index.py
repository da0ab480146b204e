"""The indexes of films for `avtool localize`: a folder a film, in this process or in several."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

from avtool.core.batch import Wording, gather
from avtool.core.errors import AvtoolError
from avtool.core.parallel import is_serial, map_unordered
from avtool.core.reporter import Recorder, Reporter, Silent
from avtool.data.items import Item, find_items
from avtool.inference.localisation.encoders import Encoders, IndexRecipe
from avtool.inference.localisation.film_index import FilmIndex
from avtool.inference.localisation.index_writer import write_index

_WORDING = Wording("indexing", "indexed", "films")


@dataclass(frozen=True)
class IndexedFilm:
    """One film in a line.

    Attributes:
        film: its path or address.
        status: `indexed` or `failed`.
        folder: of its index.
        seconds: of the film that it covers.
        frames: rows of the index.
        size: of its arrays, in bytes.
        error: the reason, when it failed.
    """

    film: str
    status: str
    folder: Path
    seconds: float = 0.0
    frames: int = 0
    size: int = 0
    error: AvtoolError | None = None


@dataclass(frozen=True)
class IndexResult:
    """The folder of indexes, each film, and the wall time in seconds."""

    out: Path
    films: list[IndexedFilm]
    seconds: float

    @property
    def failed(self) -> list[IndexedFilm]:
        """The films that could not be indexed."""
        return [film for film in self.films if film.status == "failed"]


@dataclass(frozen=True)
class _Task:
    item: Item
    folder: Path
    recipe: IndexRecipe
    overwrite: bool
    command: str


def index_films(
    sources: Sequence[str],
    out: Path,
    recipe: IndexRecipe,
    reporter: Reporter,
    *,
    jobs: int = 1,
    overwrite: bool = False,
    fail_fast: bool = False,
    command: str = "localize index",
) -> IndexResult:
    """Indexes every film into a folder of its own; films whose index stands already are skipped.

    Args:
        sources: films, and folders of them.
        out: the folder of the indexes; each is a `features` artifact named after its film.
        recipe: rates, sizes, encoders.
        reporter: gets progress and the films that fail.
        jobs: processes; -1 for one a processor.
        overwrite: index again what was indexed with other settings, or has changed since.
        fail_fast: stop at the first film that fails.
        command: the command line, for the cards.

    Raises:
        AvtoolError: an encoder cannot be used, or no film could be indexed (a single film's own error).
    """
    begin = time.perf_counter()
    items = find_items(sources)
    names = index_names([item.name for item in items])
    tasks = [_Task(item, out / names[item.name], recipe, overwrite, command) for item in items]
    fail_fast |= len(items) == 1
    ended = _indexed(tasks, jobs, reporter)
    found = gather(ended, len(items), _WORDING, reporter, fail_fast=fail_fast, name=lambda one: one.film)
    films = [found[item.name] for item in items]
    return IndexResult(out, films, round(time.perf_counter() - begin, 3))


def index_names(films: Sequence[str]) -> dict[str, str]:
    """What the files of each film are called: as the film, with a hash where two have the same name."""
    stems = {film: PurePosixPath(film).stem or "film" for film in films}
    count = Counter(stems.values())
    return {film: stem if count[stem] == 1 else Item(film, Path(film)).stem for film, stem in stems.items()}


def _indexed(tasks: Sequence[_Task], jobs: int, reporter: Reporter) -> Iterator[IndexedFilm]:
    if is_serial(jobs, len(tasks)):
        encoders = Encoders(tasks[0].recipe, reporter)
        for task in tasks:
            yield _index(task, encoders, reporter)
        return
    for film, recorded in map_unordered(_index_apart, tasks, jobs=jobs):
        recorded.replay(reporter)
        yield film


def _index(task: _Task, encoders: Encoders, reporter: Reporter) -> IndexedFilm:
    try:
        index = write_index(
            task.item.path if task.item.path.exists() else Path(task.item.name),
            task.folder,
            task.recipe,
            reporter,
            encoders=encoders,
            overwrite=task.overwrite,
            command=task.command,
        )
    except AvtoolError as error:
        return IndexedFilm(task.item.name, "failed", task.folder, error=error)
    return IndexedFilm(task.item.name, "indexed", task.folder, index.seconds, len(index), _size_of(index))


def _size_of(index: FilmIndex) -> int:
    return sum(path.stat().st_size for path in index.folder.glob("*.npy"))


def _index_apart(task: _Task) -> tuple[IndexedFilm, Recorder]:
    """Runs in a worker process."""
    recorder = Recorder()
    return _index(task, _opened(task.recipe.model_dump_json()), recorder), recorder


@lru_cache(maxsize=1)
def _opened(recipe: str) -> Encoders:
    return Encoders(IndexRecipe.model_validate_json(recipe), Silent())
