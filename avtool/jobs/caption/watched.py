"""The captions of a watched folder: one artifact of all films that it holds."""

from collections.abc import Sequence
from pathlib import Path

from avtool.core.artifact_folder import partial_folder
from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.jobs.caption.films import is_captioned
from avtool.jobs.caption.job import PARTS, caption_films
from avtool.jobs.caption.recipe import CaptionRecipe
from avtool.jobs.watch import Problems, WatchedVerb
from avtool.mining.pairing import AUTO, FilmPair


def watched_films(
    model: Path, out: Path, recipe: CaptionRecipe, reporter: Reporter, jobs: int, command: str
) -> WatchedVerb:
    """`avtool caption --watch`: captions of films that are deleted go with the next film that is captioned.

    Args:
        model: as `caption` takes it.
        out: the artifact.
        recipe: the settings.
        reporter: gets progress and the films that fail.
        jobs: processes.
        command: the command line, for the card.

    Raises:
        BadInputError: one file of dialogue is given for all films, or there is no such style.
    """
    recipe.caption_style()
    merge = recipe.merge or AUTO
    if merge != AUTO and not merge.startswith("stream:"):
        message = f"--merge `{merge}` is one file, and a folder is watched"
        raise BadInputError(message, "give --merge auto, and put it beside its film")
    folders = [folder / PARTS for folder in (out, partial_folder(out))]

    def run(pairs: Sequence[FilmPair]) -> Problems:
        result = caption_films(pairs, model, out, recipe, reporter, jobs=jobs, watching=True, command=command)
        ids = {pair.film_name: pair.film_id for pair in pairs}
        return {ids[film.film]: str(film.error) for film in result.failed}

    return WatchedVerb(
        pair=lambda film_id, film: FilmPair(film_id, film, merge, for_dialogue=True),
        is_done=lambda pair: is_captioned(pair, folders),
        run=run,
    )
