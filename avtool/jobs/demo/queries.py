"""Three queries of the held-out film, a sound clip, a sentence and a crop, by the networks of the demo."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avtool.core.reporter import Reporter
from avtool.evaluation.predictions_file import read_predictions
from avtool.evaluation.report import Table
from avtool.inference.localisation.encoders import NONE, IndexRecipe
from avtool.inference.localisation.index_writer import write_index
from avtool.inference.localisation.segments import RankingRecipe
from avtool.jobs.demo.learning import COMMAND, LearnResult
from avtool.jobs.demo.pretraining import PretrainedFilms
from avtool.jobs.demo.query_drawing import draw_queries
from avtool.jobs.demo.recipe import DemoRecipe
from avtool.jobs.localize.find import find
from avtool.jobs.localize.recipe import FindRecipe
from avtool.synthetic.make_film import FilmFiles

_FPS, _HOP, _GRID = 4.0, 0.25, 8


@dataclass(frozen=True)
class FoundQuery:
    """A query and its first hit.

    Attributes:
        kind: what the query is.
        content: it, in words.
        true: segments of the film, (start, end) in seconds.
        hit: the first one found, or None.
        right: whether it overlaps a true segment.
    """

    kind: str
    content: str
    true: tuple[tuple[float, float], ...]
    hit: tuple[float, float] | None

    @property
    def right(self) -> bool:
        """Whether the hit overlaps a true segment."""
        return self.hit is not None and any(
            self.hit[0] < end and start < self.hit[1] for start, end in self.true
        )


@dataclass(frozen=True)
class QueriedFilm:
    """What was found in the held-out film.

    Attributes:
        film: its name.
        index: its features.
        hits: the artifact with the page that plays the hits.
        queries: with their first hits.
        milliseconds: of a query, mean.
    """

    film: str
    index: Path
    hits: Path
    queries: tuple[FoundQuery, ...]
    milliseconds: float


def query_held_out(
    films: Sequence[FilmFiles],
    learned: LearnResult,
    pretrained: PretrainedFilms | None,
    out: Path,
    recipe: DemoRecipe,
    reporter: Reporter,
) -> QueriedFilm | None:
    """Indexes the held-out film by the demo's networks, and looks for up to three queries in it.

    Args:
        films: all films, with their true events.
        learned: the classifier of sounds, and the held-out films.
        pretrained: the encoder of video; None leaves the image query out.
        out: the demonstration's folder, for `index` and `hits`; the queries are beside the films.
        recipe: the settings; their seed draws the queries.
        reporter: gets progress.

    Returns:
        What was found; None where the film has no sound that was learned.
    """
    (film, *_) = [one for one in films if one.film.stem in learned.films]
    others = [one for one in films if one.film.stem not in learned.films]
    classes = frozenset(read_predictions(learned.predictions).classes)
    drawn = draw_queries(film, others if pretrained else [], classes, recipe)
    if not drawn:
        return None
    visual = str(pretrained.run) if pretrained else NONE
    settings = IndexRecipe(
        fps=_FPS, grid=_GRID, hop=_HOP, visual_encoder=visual, audio_encoder=str(learned.run)
    )
    index, hits = out / "index", out / "hits"
    write_index(film.film, index, settings, reporter, command=COMMAND)
    ranking = RankingRecipe(top=3, always=True)
    result = find(
        [str(index)], [one.named for one in drawn], hits, FindRecipe(ranking=ranking), reporter,
        command=COMMAND,
    )  # fmt: skip
    found = []
    for one, query in zip(drawn, result.queries, strict=True):
        first = (query.hits[0].hit.start, query.hits[0].hit.end) if query.hits else None
        found.append(FoundQuery(one.kind, one.content, one.true, first))
    mean = float(np.mean([query.milliseconds for query in result.queries]))
    return QueriedFilm(film.film.stem, index, hits, tuple(found), round(mean, 1))


def query_table(queried: QueriedFilm) -> Table:
    """The queries, their first hits and the truth."""
    rows = [
        (one.kind, one.content, _words([one.hit] if one.hit else []), _words(one.true),
         "right" if one.right else "wrong")
        for one in queried.queries
    ]  # fmt: skip
    return Table(f"queries of {queried.film}", ["query", "", "first hit", "true", ""], rows)


def _words(segments: Sequence[tuple[float, float]]) -> str:
    return ", ".join(f"{start:.1f} – {end:.1f} s" for start, end in segments) or "none"
