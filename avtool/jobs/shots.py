"""A table of the shots of films."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from avtool.core.errors import AvtoolError, BadInputError, SomeFailedError
from avtool.core.files import check_own_output, write_csv
from avtool.core.reporter import Reporter
from avtool.data.items import Item, find_items
from avtool.media.addresses import local_path
from avtool.media.shots import Shot, ShotRecipe, iter_shots

COLUMNS = ("media", "shot", "start", "end", "change", "group")
_DIGITS = 3


@dataclass(frozen=True)
class FilmShots:
    """The shots of a film, or why there are none."""

    media: str
    shots: tuple[Shot, ...]
    error: str = ""


@dataclass(frozen=True)
class ShotsResult:
    """The table that was written, the films in it, and the wall time in seconds."""

    out: Path
    films: list[FilmShots]
    seconds: float

    @property
    def failed(self) -> list[FilmShots]:
        """The films that could not be read."""
        return [film for film in self.films if film.error]


def shots(
    sources: Sequence[str],
    out: Path,
    recipe: ShotRecipe,
    reporter: Reporter,
    *,
    overwrite: bool = False,
    fail_fast: bool = False,
) -> ShotsResult:
    """Finds the shots of films and writes them as a table that `avtool prepare` reads, a row a shot.

    Args:
        sources: films and folders of films.
        out: the CSV file to write.
        recipe: what counts as a cut.
        reporter: gets progress and the films that fail.
        overwrite: replace an older table.
        fail_fast: stop at the first film that fails.

    Raises:
        AvtoolError: no film could be read (a single film's own error), or the table cannot be written.
    """
    begin = time.perf_counter()
    check_own_output(out, map(local_path, sources), _is_table, "is no table of shots", overwrite=overwrite)
    items = find_items(sources)
    if any(item.clip is not None for item in items):
        raise BadInputError("a dataset's clips have no shots of their own", "give its films")
    films = []
    with reporter.progress("finding shots", len(items)) as bar:
        for item in items:
            try:
                films.append(FilmShots(item.name, tuple(iter_shots(item.ready(), recipe, reporter))))
            except AvtoolError as error:
                if fail_fast or len(items) == 1:
                    raise
                reporter.warn(f"{item.name} failed: {error}")
                films.append(FilmShots(item.name, (), str(error)))
            bar.advance(note=Path(item.name).name)
    if all(film.error for film in films):
        raise SomeFailedError(f"none of the {len(films)} films could be read", "see the warnings above")
    write_csv(
        out, COLUMNS, (row for item, film in zip(items, films, strict=True) for row in _rows(item, film))
    )
    return ShotsResult(out, films, round(time.perf_counter() - begin, 3))


def _rows(item: Item, film: FilmShots) -> list[tuple[object, ...]]:
    media = str(Path(film.media).absolute()) if item.path.exists() else film.media
    return [
        (media, number, *(round(value, _DIGITS) for value in (shot.start, shot.end, shot.change)), item.stem)
        for number, shot in enumerate(film.shots, 1)
    ]


def _is_table(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8") as stream:
            return stream.readline().strip() == ",".join(COLUMNS)
    except (OSError, UnicodeDecodeError):
        return False
