"""The mining of a watched folder: one dataset of all films that it has held."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from avtool.core.artifact_folder import partial_folder
from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.jobs.watch import Problems, WatchedVerb
from avtool.mining.alignment import with_detector
from avtool.mining.dataset import Kinds
from avtool.mining.film_record import is_mined
from avtool.mining.manifest import CLIPS
from avtool.mining.mine_subtitles import mine_subtitles
from avtool.mining.pairing import AUTO, FilmPair
from avtool.mining.recipe import MineRecipe


@dataclass(frozen=True)
class WatchedMining:
    """`avtool mine-subtitles --watch`.

    Attributes:
        out: the dataset; events of films that are deleted stay in it.
        recipe: the settings.
        captions: `auto` or `stream:N`, for each film.
        reporter: gets a line a film.
        kinds: classifies cues by the kind of their source.
        jobs: processes.
        command: the command line, for the card.
    """

    out: Path
    recipe: MineRecipe
    captions: str
    reporter: Reporter
    kinds: Kinds | None = None
    jobs: int = 1
    command: str = "mine_subtitles"

    @property
    def verb(self) -> WatchedVerb:
        """What is done with the films.

        Raises:
            BadInputError: one caption file is given for all films.
        """
        if self.captions != AUTO and not self.captions.startswith("stream:"):
            message = f"--captions `{self.captions}` is one file, and a folder is watched"
            raise BadInputError(message, "put it beside its film, under the film's name")
        sync = with_detector(self.recipe.sync, self.reporter)
        recipe = self.recipe.model_copy(update={"sync": sync})
        folders = [folder / CLIPS for folder in (self.out, partial_folder(self.out))]

        def run(pairs: Sequence[FilmPair]) -> Problems:
            result = mine_subtitles(
                pairs, self.out, recipe, self.reporter, kinds=self.kinds, watching=True,
                jobs=self.jobs, command=self.command,
            )  # fmt: skip
            return {film.film_id: str(film.error) for film in result.failed}

        return WatchedVerb(
            pair=lambda film_id, film: FilmPair(film_id, film, self.captions),
            is_done=lambda pair: is_mined(pair, [folder / pair.film_id for folder in folders], recipe),
            run=run,
        )
