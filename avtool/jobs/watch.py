"""Watched folders: films of a folder are handed to a verb's batch as they become complete, each of them once.

What is done is read from the artifact, by the batch's own rule: same film, same settings. Only films that
failed are listed beside it, in `OUT.failed.csv`, with the state of their files: they are tried again when
that changes. A folder is polled, so that shares of other machines can be watched.
"""

import csv
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from avtool.core.errors import BadInputError, NoneDoneError
from avtool.core.files import write_csv
from avtool.core.reporter import Reporter
from avtool.core.writers import OtherWriterError, only_watcher
from avtool.media.suffixes import VIDEO_SUFFIXES
from avtool.mining.pairing import FilmPair, film_ids_below

State = tuple[tuple[str, int, int], ...]
"""The files of a film, its captions among them: name, size in bytes, modification time in nanoseconds."""
Problems = dict[str, str]
"""Film id → why it failed."""

_LONGEST_PAUSE_S = 5.0
_SHARE = 0.1
"""Of the films that are done: so many new ones are published together, which keeps the work linear."""


@dataclass(frozen=True)
class WatchedVerb:
    """What a verb does with the films of a watched folder.

    Attributes:
        pair: film id and path → the film as the verb takes it.
        is_done: whether an earlier run has finished a film that has not changed since.
        run: all films that are done, and some new ones → the problems of those that failed.
    """

    pair: Callable[[str, Path], FilmPair]
    is_done: Callable[[FilmPair], bool]
    run: Callable[[Sequence[FilmPair]], Problems]


@dataclass
class _Watch:
    folder: Path
    out: Path
    verb: WatchedVerb
    reporter: Reporter
    settle: float
    jobs: int
    seen: dict[Path, tuple[State, float]] = field(default_factory=dict)
    done: dict[Path, State] = field(default_factory=dict)
    failed: dict[Path, tuple[State, str]] = field(default_factory=dict)
    looked: set[Path] = field(default_factory=set)
    closed: set[Path] = field(default_factory=set)
    published: bool = False

    def step(self) -> bool:
        """Looks at the folder once, and runs a batch where there is something to do; whether there was."""
        ready = self._ready()
        for film in ready.keys() - self.looked:
            self.looked.add(film)
            if film not in self.failed and self.verb.is_done(self._pairs([film], ready)[0]):
                self.done[film] = ready[film]
        new = [film for film, state in ready.items() if self._is_new(film, state)]
        kept = [film for film in self.done if film in ready and film not in new]
        if not new and (self.published or not kept):
            return False
        new = new[: max(1, self.jobs, int(_SHARE * len(kept)))]
        self._run(kept, new, ready)
        self.published = True
        return True

    def _is_new(self, film: Path, state: State) -> bool:
        if film in self.failed:
            return self.failed[film][0] != state
        return self.done.get(film) != state

    def _run(self, kept: Sequence[Path], new: Sequence[Path], ready: dict[Path, State]) -> None:
        films = sorted({*kept, *new})
        pairs = self._pairs(films, ready)
        ids = {film: pair.film_id for film, pair in zip(films, pairs, strict=True)}
        try:
            problems = self.verb.run(pairs)
        except NoneDoneError as error:
            problems = {ids[film]: error.problems.get(ids[film], error.message) for film in new}
        for film in films:
            self.done.pop(film, None)
            self.failed.pop(film, None)
            if problem := problems.get(ids[film]):
                self.failed[film] = ready[film], problem
            else:
                self.done[film] = ready[film]
        self._write_failed()
        for film in new:
            if film in self.done:
                self.reporter.info(f"done: {film.relative_to(self.folder)}")

    def _pairs(self, films: Sequence[Path], ready: dict[Path, State]) -> list[FilmPair]:
        ids = film_ids_below(self.folder, [*ready])
        return [self.verb.pair(ids[film], film) for film in films]

    def _ready(self) -> dict[Path, State]:
        """The films that have not changed for `settle` seconds, by path."""
        now = time.monotonic()
        own = {self.out, self.out.with_name(f"{self.out.name}.partial")}
        found = dict(sorted(_films(self.folder, own, self._skip)))
        for film, state in found.items():
            if film not in self.seen or self.seen[film][0] != state:
                self.seen[film] = state, now
        self.seen = {film: entry for film, entry in self.seen.items() if film in found}
        return {film: state for film, state in found.items() if now - self.seen[film][1] >= self.settle}

    def _skip(self, folder: Path) -> bool:
        """Whether a folder that may not be read is skipped: none of its films has been seen."""
        if any(film.is_relative_to(folder) for film in self.seen):
            return False
        if folder not in self.closed:
            self.closed.add(folder)
            self.reporter.warn(f"`{folder}` may not be read, and is skipped")
        return True

    @property
    def list_of_failed(self) -> Path:
        """The table of films that failed."""
        return self.out.with_name(f"{self.out.name}.failed.csv")

    def read_failed(self) -> None:
        """Takes up the table that an earlier run left."""
        if not self.list_of_failed.is_file():
            return
        with self.list_of_failed.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                try:
                    state = tuple((str(n), int(s), int(t)) for n, s, t in json.loads(row["state"]))
                    self.failed[self.folder / row["film"]] = state, row["problem"]
                except (KeyError, ValueError, TypeError) as error:
                    message = f"`{self.list_of_failed}` is not a table of failed films"
                    raise BadInputError(message, "remove it: its films are tried again") from error

    def _write_failed(self) -> None:
        rows = [
            (film.relative_to(self.folder), problem, json.dumps(state))
            for film, (state, problem) in sorted(self.failed.items())
        ]
        if rows:
            write_csv(self.list_of_failed, ["film", "problem", "state"], rows)
        else:
            self.list_of_failed.unlink(missing_ok=True)


def watch(
    folder: Path,
    out: Path,
    verb: WatchedVerb,
    reporter: Reporter,
    *,
    settle: float = 10.0,
    jobs: int = 1,
) -> NoReturn:
    """Hands the films of a folder to a verb, for ever: SIGINT and SIGTERM end it, and it can be resumed.

    Args:
        folder: the films, with their captions beside them; folders in it too. Hidden files do not count.
        out: the artifact that the verb writes.
        verb: what is done with them.
        reporter: gets a line a film.
        settle: seconds for which size and modification time of a film and of the files that begin with its
            name have not changed before it counts as complete.
        jobs: films that are handed over together at least.

    Raises:
        BadInputError: there is no such folder, another command watches for `out`, or the verb refuses its
            settings.
        AvtoolError: what is no fault of a single film, such as a full disk.
    """
    if not folder.is_dir():
        raise BadInputError(f"`{folder}` is no folder", "name a folder to watch")
    watching = _Watch(folder, out, verb, reporter, settle, jobs if jobs > 0 else os.cpu_count() or 1)
    with only_watcher(out):
        watching.read_failed()
        reporter.info(f"watching `{folder}`: a film is complete when it is unchanged for {settle:g} s")
        _poll(watching, min(_LONGEST_PAUSE_S, max(0.05, settle / 2)))


def _poll(watching: _Watch, pause: float) -> NoReturn:
    warned = ""
    while True:
        try:
            busy, warning = watching.step(), ""
        except _UnreadableError as error:
            busy, warning = False, f"{error}: waiting until the folder can be read"
        except OtherWriterError as error:
            busy, warning = False, f"{error}: waiting until it is done"
        if warning and warning != warned:
            watching.reporter.warn(warning)
        warned = warning
        if not busy:
            time.sleep(pause)


class _UnreadableError(Exception):
    """A folder that cannot be listed now: its films are not gone."""


def _films(folder: Path, without: set[Path], skip: Callable[[Path], bool]) -> Iterator[tuple[Path, State]]:
    """The films below a folder with the state of their files; `skip` decides on folders of no access.

    Raises:
        _UnreadableError: a folder cannot be listed.
    """
    try:
        with os.scandir(folder) as entries:
            here = [entry for entry in entries if not entry.name.startswith(".")]
        files = {entry.name: entry.stat() for entry in here if entry.is_file()}
    except FileNotFoundError as error:
        raise _UnreadableError(f"`{folder}` has changed") from error
    except OSError as error:
        raise _UnreadableError(f"`{folder}`: {error.strerror}") from error
    for name in files:
        if Path(name).suffix.lower() in VIDEO_SUFFIXES:
            stem = Path(name).stem.casefold() + "."
            own = sorted(other for other in files if other == name or other.casefold().startswith(stem))
            state = tuple((other, files[other].st_size, files[other].st_mtime_ns) for other in own)
            if files[name].st_size:
                yield folder / name, state
    for entry in here:
        if entry.is_dir(follow_symlinks=False) and Path(entry.path) not in without:
            try:
                yield from _films(Path(entry.path), without, skip)
            except _UnreadableError as error:
                if not isinstance(error.__cause__, PermissionError) or not skip(Path(entry.path)):
                    raise
