"""The sound events of many films, in this process or in several; those of an earlier run are kept."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

from avtool.captioning.event import SoundEvent
from avtool.core.errors import AvtoolError
from avtool.core.files import read_json, write_json
from avtool.core.parallel import is_serial, map_unordered
from avtool.core.reporter import Recorder, Reporter, Silent
from avtool.data.items import Item
from avtool.inference.captioner import Captioner, FilmSounds, ModelOptions
from avtool.mining.pairing import FilmPair, fetch_pair
from avtool.tasks import open_captioner


@dataclass(frozen=True)
class FoundSounds:
    """What was found in a film.

    Attributes:
        pair: the film.
        found: its sound events; or why there are none.
        note: of the captioner.
        kept: whether they are of an earlier run.
    """

    pair: FilmPair
    found: FilmSounds | AvtoolError
    note: str = ""
    kept: bool = False

    @property
    def were_found(self) -> bool:
        """Whether the film could be listened to."""
        return isinstance(self.found, FilmSounds)


@dataclass(frozen=True)
class _Task:
    pair: FilmPair
    model: Path
    options: ModelOptions


_Result = tuple[_Task, FilmSounds | AvtoolError, str]


def listen_to_films(
    pairs: Sequence[FilmPair],
    parts: Path,
    model: Path,
    options: ModelOptions,
    reporter: Reporter,
    *,
    jobs: int,
    stay_open: bool = False,
) -> Iterator[FoundSounds]:
    """The sound events of films, in the order in which they finish; each is written to a file of its own.

    Args:
        pairs: the films.
        parts: the folder of these files.
        model: of which a captioner is made, in each process.
        options: its settings.
        reporter: gets warnings of damage.
        jobs: processes; -1 for one a processor.
        stay_open: whether the model stays in memory for the next call.
    """
    todo = []
    for pair in pairs:
        kept = _read_part(parts / f"{pair.film_id}.json", pair)
        if kept is None:
            todo.append(_Task(pair, model, options))
        else:
            yield kept
    results: Iterator[_Result]
    if not todo:
        return
    if is_serial(jobs, len(todo)):
        opened = _opened(model, options.model_dump_json()) if stay_open else None
        captioner = opened or open_captioner(model, options, reporter)
        results = (_listen(task, captioner, reporter) for task in todo)
    else:
        results = _apart(todo, jobs, reporter)
    for task, found, note in results:
        part = parts / f"{task.pair.film_id}.json"
        if isinstance(found, FilmSounds):
            write_json(part, {"state": film_item(task.pair).state(), "note": note, **asdict(found)})
        else:
            part.unlink(missing_ok=True)
        yield FoundSounds(task.pair, found, note)


def _read_part(path: Path, pair: FilmPair) -> FoundSounds | None:
    """What an earlier run found, if the film has not changed since."""
    if not path.is_file():
        return None
    values = read_json(path)
    if values.get("state") != json.loads(json.dumps(film_item(pair).state())):
        return None
    events = [SoundEvent(**event) for event in values["events"]]
    return FoundSounds(pair, FilmSounds(values["seconds"], events), values["note"], kept=True)


def is_captioned(pair: FilmPair, folders: Sequence[Path]) -> bool:
    """Whether the sounds of a film, as it is, are among those of an earlier run: a folder of parts."""
    return any(_read_part(folder / f"{pair.film_id}.json", pair) for folder in folders)


def film_item(pair: FilmPair) -> Item:
    """A film as a captioner takes it."""
    return Item(pair.film_name, pair.film)


def _apart(todo: Sequence[_Task], jobs: int, reporter: Reporter) -> Iterator[_Result]:
    for result, recorded in map_unordered(_listen_apart, todo, jobs=jobs, lost=_lost):
        recorded.replay(reporter)
        yield result


def _lost(task: _Task, error: AvtoolError) -> tuple[_Result, Recorder]:
    """The outcome of a film that no worker process survived."""
    return (task, error, ""), Recorder()


def _listen_apart(task: _Task) -> tuple[_Result, Recorder]:
    """Runs in a worker process."""
    recorder = Recorder()
    return _listen(task, _opened(task.model, task.options.model_dump_json()), recorder), recorder


def _listen(task: _Task, captioner: Captioner, reporter: Reporter) -> _Result:
    try:
        fetch_pair(task.pair)
        return task, captioner.listen(film_item(task.pair), reporter), captioner.note
    except AvtoolError as error:
        return task, error, captioner.note


@lru_cache(maxsize=1)
def _opened(model: Path, options: str) -> Captioner:
    return open_captioner(model, ModelOptions.model_validate_json(options), Silent())
