"""The plan of `avtool caption --dry-run`: films with their durations, and what would be written."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from avtool.core.addresses import is_address
from avtool.core.errors import AvtoolError, BadInputError
from avtool.jobs.caption.recipe import CaptionRecipe
from avtool.media.addresses import local_path
from avtool.media.probe import probe
from avtool.media.suffixes import audio_beside_films_in
from avtool.mining.pairing import AUTO, FilmPair, caption_file_of, offers_captions, pair_films


@dataclass(frozen=True)
class PlannedFilm:
    """A film to be captioned.

    Attributes:
        film: its path or address.
        seconds: its duration; None where that is unknown.
        dialogue: the caption file, or the stream, that it is merged with.
        problem: why it will fail.
    """

    film: str
    seconds: float | None = None
    dialogue: str = ""
    problem: str = ""

    def cells(self) -> tuple[object, ...]:
        """A row of the plan's table."""
        return self.film, "" if self.seconds is None else round(self.seconds, 1), self.dialogue, self.problem


@dataclass(frozen=True)
class CaptionPlanning:
    """Films, skipped audio files beside them, model, style and files."""

    films: tuple[PlannedFilm, ...]
    skipped_audio: int
    model: str
    style: str
    formats: tuple[str, ...]

    @property
    def failed(self) -> bool:
        """Whether a film will fail."""
        return any(film.problem for film in self.films)

    def rows(self) -> Iterator[tuple[str, object]]:
        """The plan's summary."""
        yield "films", len(self.films)
        if self.skipped_audio:
            yield "skipped audio files beside them", self.skipped_audio
        yield "seconds", round(sum(film.seconds or 0 for film in self.films), 1)
        yield "model", self.model
        yield "style", self.style
        yield "files a film", ", ".join((*self.formats, "cues.csv"))


def plan_films(sources: Sequence[str], model: Path | None, recipe: CaptionRecipe) -> CaptionPlanning:
    """Reads the headers of the films; nothing is fetched, decoded or written.

    Raises:
        BadInputError: no film is given, or there is no such style.
    """
    recipe.caption_style()
    pairs = pair_with_dialogue(sources, recipe.merge)
    films = tuple(_planned(pair, recipe) for pair in pairs)
    chosen = str(model) if model else "the published tagger on this machine"
    skipped = sum(audio_beside_films(sources).values())
    return CaptionPlanning(films, skipped, chosen, recipe.style, tuple(recipe.formats))


def audio_beside_films(sources: Sequence[str]) -> dict[str, int]:
    """Folders of films that hold audio files too, and how many: their films alone are captioned."""
    folders = [name for name in sources if not is_address(name) and Path(name).is_dir()]
    found = {name: len(audio_beside_films_in(Path(name))) for name in folders}
    return {name: count for name, count in found.items() if count}


def pair_with_dialogue(sources: Sequence[str], merge: str) -> list[FilmPair]:
    """The films, each with the dialogue that it is merged with, if it is.

    Raises:
        BadInputError: no film is given, or one file of dialogue for several.
    """
    is_file = merge not in ("", AUTO) and not merge.startswith("stream:")
    pairs = pair_films(sources, AUTO if is_file else merge or AUTO)
    pairs = [replace(pair, for_dialogue=True) for pair in pairs]
    if not is_file:
        return pairs
    if len(pairs) > 1:
        message = f"--merge `{merge}` is one file, but {len(pairs)} films are given"
        raise BadInputError(message, "give --merge auto, or a CSV table with the columns film,captions")
    return [replace(pairs[0], captions=str(local_path(merge)))]


def _planned(pair: FilmPair, recipe: CaptionRecipe) -> PlannedFilm:
    if pair.elsewhere and not pair.film.is_file():
        return PlannedFilm(pair.film_name)
    try:
        info = probe(pair.film)
        dialogue = _dialogue_of(pair, recipe.language) if recipe.merge else ""
    except AvtoolError as error:
        return PlannedFilm(pair.film_name, problem=str(error))
    problem = "" if info.audio else "it has no audio"
    return PlannedFilm(pair.film_name, info.duration_s, dialogue, problem)


def _dialogue_of(pair: FilmPair, language: str) -> str:
    if not offers_captions(pair, language):
        return "none"
    return str(caption_file_of(pair, language) or "a stream of the film")
