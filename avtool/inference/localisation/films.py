"""The indexed films that queries are looked for in: indexes, folders of them, films indexed on the fly."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from avtool.core.artifact import settings_hash
from avtool.core.errors import AvtoolError, BadInputError, CorruptArtifactError, DiskFullError
from avtool.core.parallel import one_at_a_time
from avtool.core.paths import cache_folder
from avtool.core.reporter import Reporter
from avtool.data.items import Item, find_items
from avtool.inference.localisation.encoders import Encoders, IndexRecipe
from avtool.inference.localisation.film_index import FilmIndex, is_index, open_index
from avtool.inference.localisation.index_writer import index_settings, write_index
from avtool.media.addresses import local_path


@dataclass(frozen=True)
class OpenedFilms:
    """The films of a search.

    Attributes:
        indexes: of those that can be searched, in order.
        failed: name → why it cannot be.
    """

    indexes: list[FilmIndex] = field(default_factory=list)
    failed: dict[str, AvtoolError] = field(default_factory=dict)


def open_films(sources: Sequence[str], recipe: IndexRecipe, reporter: Reporter) -> OpenedFilms:
    """The indexes of films, in order; a film that has none gets one in the cache.

    Of two indexes of one film the first is searched.

    Args:
        sources: indexes, folders of indexes, films, and folders of films.
        recipe: of the indexes that are made.
        reporter: gets progress, the films that fail beside others, and further indexes of a film.

    Raises:
        BadInputError: there is no film, or none that can be read and has not changed since it was indexed.
        CorruptArtifactError: the indexes are damaged.
        MissingError: an encoder is not on this machine.
    """
    if not sources:
        raise BadInputError("no film is given", "give an index, a folder of indexes, or a film")
    found: dict[str, FilmIndex] = {}
    failed: dict[str, AvtoolError] = {}
    encoders = Encoders(recipe, reporter)
    for name, opened in (one for source in sources for one in _of_source(source, encoders, reporter)):
        try:
            index = opened()
            index.check_film()
        except DiskFullError:
            raise
        except (BadInputError, CorruptArtifactError) as error:
            failed[name] = error
            continue
        first = found.setdefault(str(index.film.resolve()), index)
        if first.folder.resolve() != index.folder.resolve():
            reporter.warn(f"{name} is not searched: `{first.folder}` is of the same film, `{index.film}`")
    if failed and not found:
        raise next(iter(failed.values()))
    for name, reason in failed.items():
        reporter.warn(f"{name} is not searched: {reason}")
    return OpenedFilms(list(found.values()), failed)


def _of_source(
    source: str, encoders: Encoders, reporter: Reporter
) -> Iterator[tuple[str, Callable[[], FilmIndex]]]:
    """The name of each film, and what opens its index."""
    path = local_path(source)
    if is_index(path):
        yield source, partial(open_index, path)
        return
    folders = sorted(one for one in path.iterdir() if is_index(one)) if path.is_dir() else []
    for folder in folders:
        yield str(folder), partial(open_index, folder)
    if folders:
        return
    for item in find_items([source]):
        yield item.name, partial(_indexed, item, encoders, reporter)


def _indexed(item: Item, encoders: Encoders, reporter: Reporter) -> FilmIndex:
    return cached_index(item.ready(), encoders, reporter)


def cached_index(film: Path, encoders: Encoders, reporter: Reporter) -> FilmIndex:
    """The index of a film in the cache, where `avtool cache` lists it.

    Raises:
        BadInputError: the film cannot be read.
        MissingError: an encoder is not on this machine.
    """
    settings = index_settings(film, encoders)
    folder = cache_folder() / "film-indexes" / settings_hash(settings)
    with one_at_a_time(folder):
        index = write_index(film, folder, encoders.recipe, reporter, encoders=encoders)
    if index.film.absolute() == film.absolute():
        return index
    return index.of_film(film)


def find_index(films: Sequence[FilmIndex], media: Path) -> FilmIndex | None:
    """The index of a film by its path, else by its file name; None where there is none."""
    by_path = (one for one in films if one.film.resolve() == media.resolve())
    by_name = (one for one in films if one.film.name == media.name)
    return next(by_path, None) or next(by_name, None)
