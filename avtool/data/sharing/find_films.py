"""The films of an export among the files of a folder: by content, else by name and duration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from avtool.core.errors import AvtoolError, BadInputError
from avtool.core.files import sha256_of
from avtool.core.reporter import Reporter
from avtool.data.readers.media_index import list_media
from avtool.data.sharing.annotations import Film
from avtool.media.probe import probe

_SAME_S = 1.0
"""How far the durations of two encodings of one film may differ; another frame rate changes minutes."""


@dataclass(frozen=True)
class FoundFilm:
    """A film on this machine, and whether it is the very file that the clips were cut from."""

    path: Path
    same: bool


def find_films(films: Sequence[Film], folder: Path, reporter: Reporter) -> dict[int, FoundFilm]:
    """Where the films are, by their indices; the absent ones have no entry.

    Files of a listed size are hashed first, the others only while a film is missing.

    Args:
        films: of an export.
        folder: with the films, and folders of them.
        reporter: gets a line for each film that is taken by its name, and for each that is refused.

    Raises:
        BadInputError: there is no such folder, or no media in it.
    """
    if not folder.is_dir():
        raise BadInputError(f"there is no folder `{folder}`", "give the folder of the films with --films")
    files = [folder / name for name in list_media(folder)]
    if not files:
        raise BadInputError(f"`{folder}` holds no film", "give the folder of the films with --films")
    by_content = _hashed(films, files, reporter)
    by_name = _ByName(films, files)
    found = {}
    for index, film in enumerate(films):
        if path := by_content.get(film.sha256):
            found[index] = FoundFilm(path.absolute(), same=True)
        elif path := by_name.find(film, reporter):
            reporter.warn(
                f"`{path}` is another file than the one of `{film.id}`, of its name and duration:"
                " its clips may differ"
            )
            found[index] = FoundFilm(path.absolute(), same=False)
    return found


def _hashed(films: Sequence[Film], files: Sequence[Path], reporter: Reporter) -> Mapping[str, Path]:
    """The files that are films of the list, by content."""
    wanted = {film.sha256 for film in films}
    sizes = {film.bytes for film in films}
    ordered = sorted(files, key=lambda path: (_size(path) not in sizes, path))
    found: dict[str, Path] = {}
    with reporter.progress("looking for films", len(ordered)) as bar:
        for path in ordered:
            if wanted <= found.keys():
                break
            try:
                found.setdefault(sha256_of(path), path)
            except OSError as error:
                reporter.warn(f"`{path}` cannot be read: {error.strerror}")
            bar.advance(note=path.name)
    return found


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


class _ByName:
    """Files by name, for films whose content is nowhere."""

    def __init__(self, films: Sequence[Film], files: Sequence[Path]) -> None:
        self._names = {_stem(film.name) for film in films}
        self._files = files

    @cached_property
    def _stems(self) -> dict[str, list[Path]]:
        stems: dict[str, list[Path]] = {}
        for path in self._files:
            if _stem(path.name) in self._names:
                stems.setdefault(_stem(path.name), []).append(path)
        return stems

    def find(self, film: Film, reporter: Reporter) -> Path | None:
        """The file of a film's name and duration; a file of another duration is refused in one line."""
        for path in self._stems.get(_stem(film.name), []):
            try:
                seconds = probe(path).duration_s or 0.0
            except AvtoolError as error:
                reporter.warn(f"`{path}` is refused: {error.message}")
                continue
            if film.seconds and abs(seconds - film.seconds) <= _SAME_S:
                return path
            reporter.warn(
                f"`{path}` is refused: it lasts {seconds:.1f} s, and `{film.id}` of the export"
                f" {film.seconds:.1f} s"
            )
        return None


def _stem(name: str) -> str:
    return Path(name).stem.casefold()
