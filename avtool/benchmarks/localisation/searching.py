"""Queries of annotations looked for in films, by a trained network or by similarity."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from avtool.benchmarks.localisation.settings import LocalisationSettings
from avtool.benchmarks.localisation.writing import Located
from avtool.core.errors import BadInputError
from avtool.core.recipe import Recipe, validate
from avtool.core.reporter import Reporter
from avtool.data.queries.collector import ConvertOptions
from avtool.data.queries.convert import convert
from avtool.data.queries.table import QueryRow, QueryTable
from avtool.inference.localisation.encoders import IndexRecipe
from avtool.inference.localisation.engines import FilmEngines
from avtool.inference.localisation.film_index import FilmIndex
from avtool.inference.localisation.film_shelf import FilmShelf
from avtool.inference.localisation.frame_scores import FrameScores
from avtool.inference.localisation.queries import Query, text_query
from avtool.inference.localisation.recipes import GroundingRecipe, SimilarityRecipe
from avtool.inference.localisation.segments import RankingRecipe, rank

_SOURCES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "sentences_ego4d": "ego4d-nlq",
        "activities": "ego4d-mq",
        "tubes": "ego4d-vq",
        "moments": "qvhighlights",
        "sentences": "charades-sta",
    }
)
"""Protocol → converter of its annotations."""
_RANKING: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "sentences_ego4d": {"radius": (20.0,), "always": True},
        "activities": {"height": (0.1,), "radius": (40.0, 80.0, 120.0), "top": 20},
        "tubes": {"height": (0.8, 0.7, 0.6, 0.5), "radius": (7.0,), "last": True, "always": True},
        "moments": {"height": (0.1,), "radius": (75.0,), "nms": 0.7, "top": 10, "always": True},
        "sentences": {"height": (0.1,), "radius": (15.0,), "always": True},
    }
)
"""Protocol → keys of the ranking: MINOTAUR's for Ego4D."""
_GROUNDING: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {"activities": {"scales": (1, 3, 5, 10, 25)}}
)


@dataclass
class Searched:
    """What an engine found.

    Attributes:
        found: by query.
        seconds: of all queries, without indexing.
        refused: queries that could not be searched for → why.
    """

    found: dict[str, Located] = field(default_factory=dict)
    seconds: float = 0.0
    refused: dict[str, str] = field(default_factory=dict)

    def notes(self, engine: str, films: str) -> list[str]:
        """Sentences of the report."""
        count = max(len(self.found), 1)
        notes = [
            f"{engine}: {len(self.found)} queries in {films}, {1000 * self.seconds / count:.1f} ms each "
            "with the opening of encoders, without indexing."
        ]
        if self.refused:
            key, reason = next(iter(self.refused.items()))
            notes.append(f"{len(self.refused)} queries were not searched for; `{key}`: {reason}.")
        return notes


class QuerySearch:
    """The queries of annotations, and the films that they are looked for in.

    Args:
        protocol: of the benchmark.
        annotations: their file.
        settings: films, engine.
        reporter: gets progress.

    Attributes:
        table: the queries.

    Raises:
        BadInputError: the annotations are unreadable, or none of their films is there.
    """

    def __init__(
        self, protocol: str, annotations: Path, settings: LocalisationSettings, reporter: Reporter
    ) -> None:
        assert settings.films is not None, "checked before"
        self.protocol, self.settings, self.reporter = protocol, settings, reporter
        self.shelf = FilmShelf(
            settings.films, _merged(IndexRecipe, {"runtime": settings.runtime}, settings.index), reporter
        )
        options = ConvertOptions(
            films=self.shelf.names,
            fix=settings.fix,
            zero_length="keep",
            untimed=settings.submission is not None,
        )
        table = convert(_SOURCES[protocol], annotations, options).table()
        if not len(table):
            hint = "give annotations with labels" if protocol == "activities" else "check the file"
            raise BadInputError(f"`{annotations}` has no queries to look for", hint)
        self.table = table if protocol != "activities" or settings.given_labels else _all_labels(table)
        self.ranking = _merged(RankingRecipe, _RANKING[protocol], settings.ranking)
        self.films = sum(media in self.shelf for media in self.table.by_media())
        if not self.films:
            first = next(iter(self.table.by_media()))
            message = f"`{settings.films}` has no film or index of the annotations, such as `{first}`"
            raise BadInputError(message, "give --films the folder of the films, or of their indexes")

    @property
    def untimed(self) -> bool:
        """Whether no query has a true segment, as in a test set."""
        return all(row.absent for row in self.table)

    @property
    def scope(self) -> str:
        """The films, in words."""
        return f"{self.films} of {len(self.table.by_media())} films"

    def run(self, model: Path | None) -> Searched:
        """Looks for all queries.

        Args:
            model: the network; None searches by similarity.

        Raises:
            BadInputError: an engine takes none of the queries.
        """
        settings = self.settings
        keys = _GROUNDING.get(self.protocol, {})
        engines = FilmEngines(
            self.reporter,
            settings.runtime,
            model,
            settings.text_encoder,
            _merged(GroundingRecipe, keys, settings.grounding),
            _merged(SimilarityRecipe, {}, settings.similarity),
        )
        searched = Searched()
        first: BadInputError | None = None
        title = "queries" if model else "queries by similarity"
        with self.reporter.progress(title, len(self.table.queries())) as bar:
            for index, rows in self._films():
                begin = time.perf_counter()
                for row in rows:
                    try:
                        scores = self._scores(engines, index, row)
                    except BadInputError as error:
                        first = first or error
                        searched.refused[row.query_id] = str(error)
                        continue
                    searched.found[row.query_id] = Located(rank(scores, self.ranking), scores[0])
                searched.seconds += time.perf_counter() - begin
                bar.advance(len(rows), note=index.film.name)
        if first is not None and not searched.found:
            raise first
        return searched

    def _films(self) -> Iterator[tuple[FilmIndex, Sequence[QueryRow]]]:
        """Each film that is there, and the first row of each of its queries."""
        for media, rows in self.table.by_media().items():
            if media in self.shelf:
                yield (
                    self.shelf.open(media),
                    list({row.query_id: row for row in reversed(rows)}.values())[::-1],
                )

    def _scores(self, engines: FilmEngines, index: FilmIndex, row: QueryRow) -> list[FrameScores]:
        """The scores of a query; a label that the engine has not learned is looked for as a text."""
        frames = _searched_frames(index, row)
        if not len(frames):
            raise BadInputError(f"its clip begins at {row.offset:g} s, and the film ends before")
        query = Query.of_row(self.table, row)
        try:
            return engines.scores(index, query, frames)
        except BadInputError:
            if row.kind != "label":
                raise
            return engines.scores(index, text_query(row.query.replace("_", " ")), frames)


def _merged(schema: type[Any], defaults: Mapping[str, Any], given: Mapping[str, Any]) -> Any:
    """A recipe of a protocol's keys, and of those that were given."""
    values = {
        name: value.model_dump() if isinstance(value, Recipe) else value for name, value in defaults.items()
    }
    return validate(schema, {**values, **given}, origin=schema.__name__)


def _all_labels(table: QueryTable) -> QueryTable:
    """Every label in every clip: a detector does not get those that a clip has."""
    labels = sorted({row.query for row in table})
    clips = {row.clip: row for row in table}
    return replace(
        table,
        rows=tuple(
            replace(row, query_id=f"{row.clip}/{label}", query=label)
            for row in clips.values()
            for label in labels
        ),
    )


def _searched_frames(index: FilmIndex, row: QueryRow) -> range:
    """The frames of the clip, up to where it is searched."""
    ends = [row.offset + row.duration] if row.duration is not None else []
    ends += [row.search_end] if row.search_end is not None else []
    end = min(ends, default=np.inf)
    first = int(np.searchsorted(index.times, row.offset - 1e-6))
    last = int(np.searchsorted(index.times, end - 1e-6))
    return range(first, max(last, first + 1) if first < len(index) else first)
