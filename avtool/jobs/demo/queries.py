"""Queries of the held-out film, sentences and sound clips, by the classifier of the demonstration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from avtool.core.reporter import Reporter
from avtool.evaluation.localisation.overlap import tiou
from avtool.evaluation.predictions_file import read_predictions
from avtool.evaluation.report import Table
from avtool.inference.localisation.encoders import NONE, IndexRecipe
from avtool.inference.localisation.segments import RankingRecipe
from avtool.jobs.demo.learning import COMMAND, LearnResult
from avtool.synthetic.make_film import FilmFiles

if TYPE_CHECKING:
    from avtool.jobs.demo.query_drawing import DrawnQuery
    from avtool.jobs.localize.hits import QueryHits

_FPS = 4.0
_WINDOW = 1.5  # seconds; those of the training are as long as the longest sound, and blur the short ones
_LEAST = 0.3  # tIoU above which a hit is right
_SHOWN = 3

Segments = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class FoundQuery:
    """A query and its first hit.

    Attributes:
        kind: what the query is.
        content: it, in words.
        true: segments of the film, (start, end) in seconds.
        hit: the first one found, or None.
        confidence: of the hit.
    """

    kind: str
    content: str
    true: Segments
    hit: tuple[float, float] | None
    confidence: float

    @property
    def right(self) -> bool:
        """Whether the hit and a true segment have a tIoU above 0.3."""
        return self.matches(self.true)

    def matches(self, segments: Segments) -> bool:
        """Whether the hit and one of the segments have a tIoU above 0.3."""
        return self.hit is not None and bool((tiou([self.hit], list(segments)) > _LEAST).any())


@dataclass(frozen=True)
class KindScores:
    """All queries of a kind.

    Attributes:
        kind: what they are.
        num_queries: one for each class of the film that was learned.
        num_right: first hits with a tIoU above 0.3 with a true segment.
        num_by_chance: the same, compared with the true segments of the next query.
    """

    kind: str
    num_queries: int
    num_right: int
    num_by_chance: int


@dataclass(frozen=True)
class QueriedFilm:
    """What was found in the held-out film.

    Attributes:
        film: its name.
        index: its features.
        hits: the artifact with the page that plays the hits of `queries`.
        queries: the most confident ones of each kind, with their first hits.
        scores: of all queries, by kind.
        milliseconds: of a query, mean.
    """

    film: str
    index: Path
    hits: Path
    queries: tuple[FoundQuery, ...]
    scores: tuple[KindScores, ...]
    milliseconds: float


def query_held_out(
    films: Sequence[FilmFiles], learned: LearnResult, out: Path, reporter: Reporter
) -> QueriedFilm | None:
    """Indexes the held-out film by the classifier, and looks for each of its classes in two ways.

    Args:
        films: all films, with their true events.
        learned: the classifier of sounds, and the held-out films.
        out: the demonstration's folder, for `index` and `hits`.
        reporter: gets progress.

    Returns:
        What was found; None where the film has no sound that was learned.
    """
    from avtool.inference.localisation.index_writer import write_index
    from avtool.jobs.demo.query_drawing import draw_queries
    from avtool.jobs.localize.find import find
    from avtool.jobs.localize.recipe import FindRecipe

    (film, *_) = [one for one in films if one.film.stem in learned.films]
    others = [one for one in films if one.film.stem not in learned.films]
    drawn = draw_queries(film, others, frozenset(read_predictions(learned.predictions).classes))
    if not drawn:
        return None
    index, hits = out / "index", out / "hits"
    settings = IndexRecipe(
        fps=_FPS,
        hop=1 / _FPS,
        audio_window=_window(learned.run),
        visual_encoder=NONE,
        audio_encoder=str(learned.run),
    )
    write_index(film.film, index, settings, reporter, command=COMMAND)
    finding = FindRecipe(ranking=RankingRecipe(top=3, always=True))
    result = find([str(index)], [one.named for one in drawn], None, finding, reporter, command=COMMAND)
    pairs = zip(drawn, result.queries, strict=True)
    found = {one.named.query_id: _found(one, query) for one, query in pairs}
    shown = [name for kind in _kinds(drawn) for name in _most_confident(found, kind)]
    named = [one.named for one in drawn if one.named.query_id in shown]
    find([str(index)], named, hits, finding, reporter, command=COMMAND)
    mean = float(np.mean([query.milliseconds for query in result.queries]))
    scores = tuple(
        _scores(kind, [one for one in found.values() if one.kind == kind]) for kind in _kinds(drawn)
    )
    return QueriedFilm(
        film.film.stem, index, hits, tuple(found[name] for name in shown), scores, round(mean, 1)
    )


def query_table(queried: QueriedFilm) -> Table:
    """The most confident queries, their first hits and the truth, and the scores of all."""
    rows = [
        (one.kind, one.content, _words([one.hit] if one.hit else []), _words(one.true),
         "right" if one.right else "wrong")
        for one in queried.queries
    ]  # fmt: skip
    rows += [
        (
            one.kind,
            f"all {one.num_queries} classes",
            f"{one.num_right} right",
            f"{one.num_by_chance} by chance",
            "",
        )
        for one in queried.scores
    ]
    return Table(f"queries of {queried.film}", ["query", "", "first hit", "true", "outcome"], rows)


def _window(run: Path) -> float | None:
    """Seconds of a window, where the network pools over any length."""
    from avtool.models.convolutional.pooled_network import PooledNetwork
    from avtool.models.load import load_model

    return _WINDOW if isinstance(load_model(run).model, PooledNetwork) else None


def _found(drawn: "DrawnQuery", query: "QueryHits") -> FoundQuery:
    first = query.hits[0].hit if query.hits else None
    hit = (first.start, first.end) if first else None
    return FoundQuery(drawn.kind, drawn.content, drawn.true, hit, first.score if first else 0.0)


def _kinds(drawn: "Sequence[DrawnQuery]") -> list[str]:
    return list(dict.fromkeys(one.kind for one in drawn))


def _most_confident(found: Mapping[str, FoundQuery], kind: str) -> list[str]:
    names = [name for name, one in found.items() if one.kind == kind]
    return sorted(names, key=lambda name: -found[name].confidence)[:_SHOWN]


def _scores(kind: str, found: Sequence[FoundQuery]) -> KindScores:
    turned = [*found[1:], *found[:1]]
    by_chance = sum(
        one.matches(other.true) for one, other in zip(found, turned, strict=True) if other is not one
    )
    return KindScores(kind, len(found), sum(one.right for one in found), by_chance)


def _words(segments: Sequence[tuple[float, float]]) -> str:
    return ", ".join(f"{start:.1f} – {end:.1f} s" for start, end in segments) or "none"
