"""The plan of a mining run, without decoding anything: `--dry-run`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from avtool.core.errors import AvtoolError
from avtool.media.probe import probe
from avtool.mining.caption_language import language_of
from avtool.mining.grammar import parse_cues
from avtool.mining.pairing import FilmPair, caption_file_of, fetch_pair, load_film_captions
from avtool.mining.recipe import MineRecipe
from avtool.mining.tagger import Tagger, load_lexicon


@dataclass(frozen=True)
class PlannedFilm:
    """One film: how long, which captions, how many cues and tags, and the disk space its clips may take."""

    film: str
    minutes: float = 0.0
    captions: str = ""
    cues: int = 0
    tags: int = 0
    disk_mb: float = 0.0
    problem: str = ""

    def cells(self) -> list[Any]:
        """The row of a table."""
        return [self.film, self.minutes, self.captions, self.cues, self.tags, self.disk_mb, self.problem]


def plan(pairs: Sequence[FilmPair], recipe: MineRecipe) -> list[PlannedFilm]:
    """Probes every film and its captions; a film that cannot be mined has a `problem`."""
    return [_plan(pair, recipe) for pair in pairs]


def _plan(pair: FilmPair, recipe: MineRecipe) -> PlannedFilm:
    film = str(pair.film)
    try:
        fetch_pair(pair)
        info = probe(pair.film)
        captions = load_film_captions(pair, recipe.language, info.fps)
    except AvtoolError as error:
        return PlannedFilm(film, problem=error.message)
    language = language_of(captions, caption_file_of(pair, recipe.language))
    tagger = Tagger(load_lexicon(recipe.lexicon, language))
    parsed = parse_cues(
        captions.cues, tag=tagger.tag, caps_style=recipe.caps_style, keep_lyrics=recipe.keep_lyrics
    )
    clip = recipe.clip
    seconds = len(parsed.tags) * clip.max_length if clip.format != "none" else 0.0
    seconds += (info.duration_s or 0.0) * clip.keep_audio
    problem = "" if info.audio else "no audio stream"
    return PlannedFilm(
        film,
        minutes=round((info.duration_s or 0.0) / 60, 1),
        captions=captions.source,
        cues=len(captions.cues),
        tags=len(parsed.tags),
        disk_mb=round(seconds * clip.sample_rate * 2 / 1e6, 1),
        problem=problem or ("" if parsed.tags else "no sound cues"),
    )
