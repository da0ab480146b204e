"""The indexed films that queries are looked for in: indexes, folders of them, films indexed on the fly."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from avtool.core.artifact import settings_hash
from avtool.core.errors import BadInputError
from avtool.core.parallel import one_at_a_time
from avtool.core.paths import cache_folder
from avtool.core.reporter import Reporter
from avtool.data.items import find_items
from avtool.inference.localisation.encoders import Encoders, IndexRecipe
from avtool.inference.localisation.film_index import FilmIndex, is_index, open_index
from avtool.inference.localisation.index_writer import index_settings, write_index
from avtool.media.addresses import local_path


def open_films(sources: Sequence[str], recipe: IndexRecipe, reporter: Reporter) -> list[FilmIndex]:
    """The indexes of films, in order; a film that has none gets one in the cache.

    Args:
        sources: indexes, folders of indexes, films, and folders of films.
        recipe: of the indexes that are made.
        reporter: gets progress.

    Raises:
        BadInputError: there is no film, one cannot be read, or has changed since it was indexed.
        MissingError: an encoder is not on this machine.
    """
    if not sources:
        raise BadInputError("no film is given", "give an index, a folder of indexes, or a film")
    found: dict[str, FilmIndex] = {}
    encoders = Encoders(recipe, reporter)
    for source in sources:
        for index in _of_source(source, encoders, reporter):
            index.check_film()
            found.setdefault(str(index.folder.resolve()), index)
    return list(found.values())


def _of_source(source: str, encoders: Encoders, reporter: Reporter) -> Iterator[FilmIndex]:
    path = local_path(source)
    if is_index(path):
        yield open_index(path)
        return
    folders = sorted(one for one in path.iterdir() if is_index(one)) if path.is_dir() else []
    for folder in folders:
        yield open_index(folder)
    if folders:
        return
    for item in find_items([source]):
        yield cached_index(item.ready(), encoders, reporter)


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
