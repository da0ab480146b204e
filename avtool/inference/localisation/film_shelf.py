"""The films of annotations: indexes in a folder, and media in it that are indexed when they are needed."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.data.readers.media_index import list_media, stem_of
from avtool.inference.localisation.encoders import Encoders, IndexRecipe
from avtool.inference.localisation.film_index import FilmIndex, is_index, open_index
from avtool.inference.localisation.films import cached_index

if TYPE_CHECKING:
    from collections.abc import Mapping


class FilmShelf:
    """The films in a folder, by name.

    Args:
        folder: of indexes, of films, or of both; an index stands for its film.
        recipe: of the indexes that are made, in the cache.
        reporter: gets progress.

    Raises:
        BadInputError: the folder is none.
    """

    def __init__(self, folder: Path, recipe: IndexRecipe, reporter: Reporter) -> None:
        if not folder.is_dir():
            raise BadInputError(f"`{folder}` is no folder", "give --films a folder of films, or of indexes")
        self.folder, self.recipe, self.reporter = folder, recipe, reporter
        folders = [folder] if is_index(folder) else [one for one in sorted(folder.iterdir()) if is_index(one)]
        self._indexes = {str(index.film): index for index in map(open_index, folders)}

    @cached_property
    def names(self) -> "Mapping[str, str]":
        """Name without suffix → path of the film."""
        media = {
            Path(stem_of(name)).name: str((self.folder / name).absolute()) for name in _media(self.folder)
        }
        return media | {stem_of(Path(film).name): film for film in self._indexes}

    def __contains__(self, film: object) -> bool:
        """Whether a film, by its path, is there."""
        return film in set(self.names.values())

    def open(self, film: str) -> FilmIndex:
        """The index of a film, by its path.

        Raises:
            BadInputError: the film cannot be read, or has changed since it was indexed.
            MissingError: an encoder is not on this machine.
        """
        if film in self._indexes:
            self._indexes[film].check_film()
            return self._indexes[film]
        return cached_index(Path(film), self._encoders, self.reporter)

    @cached_property
    def _encoders(self) -> Encoders:
        return Encoders(self.recipe, self.reporter)


def _media(folder: Path) -> list[str]:
    return [name for name in list_media(folder) if not name.startswith(".")]
