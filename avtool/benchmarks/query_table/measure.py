"""Engines over the indexed films of a query table: their hits, and the time that they take."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from avtool.benchmarks.query_table.engines import Candidate, candidates
from avtool.benchmarks.query_table.settings import QueryTableSettings
from avtool.core.arrays import Floats
from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.data.queries.table import QueryRow, QueryTable, read_queries
from avtool.evaluation.localisation.queries import RANKS, QueryPrediction, QueryTruth
from avtool.inference.localisation.encoders import IndexRecipe
from avtool.inference.localisation.film_index import FilmIndex
from avtool.inference.localisation.films import find_index, open_films
from avtool.inference.localisation.frame_scores import Hit
from avtool.inference.localisation.queries import Query

RANDOM = "random windows"
_DRAWN_LENGTH_S = 5.0  # where no split has a length to draw from


@dataclass
class Measured:
    """What an engine found.

    Attributes:
        name: of the engine.
        predictions: by query; those that the engine refused are absent.
        seconds: of all queries, after the index was opened.
        examined: frames that were scored, as a share of the films.
        refused: query → why the engine does not take it.
    """

    name: str
    predictions: dict[str, QueryPrediction] = field(default_factory=dict)
    seconds: float = 0.0
    examined: float = 1.0
    refused: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Measurement:
    """All engines on one split.

    Attributes:
        table: name of its file.
        rows: the first row of each query.
        truth: of each query.
        engines: ours first, the baselines last.
        hours: of film.
    """

    table: str
    rows: Mapping[str, QueryRow]
    truth: Mapping[str, QueryTruth]
    engines: Sequence[Measured]
    hours: float


def measure(settings: QueryTableSettings, reporter: Reporter) -> Measurement:
    """Runs every engine over the queries of the split.

    Raises:
        BadInputError: the table cannot be read, the split is empty, or a film has no index.
    """
    assert settings.data is not None, "checked before"
    assert settings.index is not None, "checked before"
    whole = read_queries(settings.data)
    table = whole.of(split=settings.split)
    if not len(table):
        splits = ", ".join(sorted({f"`{row.split}`" for row in whole}))
        raise BadInputError(f"`{settings.data}` has no queries of the split `{settings.split}`",
                            f"it has {splits}")  # fmt: skip
    indexes = find_indexes(settings.index, table, reporter)
    queries = table.queries()
    rows = {name: found[0] for name, found in queries.items()}
    truth = {name: truth_of(found) for name, found in queries.items()}
    engines = [_run(one, table, rows, indexes, reporter) for one in candidates(settings, reporter)]
    others = [row.end - row.start for row in whole if not row.absent and row.split != settings.split]
    engines.append(_random(rows, indexes, others, settings.seed))
    hours = sum(index.seconds for index in indexes.values()) / 3600
    return Measurement(settings.data.name, rows, truth, engines, hours)


def find_indexes(folder: Path, table: QueryTable, reporter: Reporter) -> dict[str, FilmIndex]:
    """The index of each film of a table, by its path, or else by its file's name.

    Raises:
        BadInputError: a film has none.
    """
    opened = open_films([str(folder)], IndexRecipe(), reporter).indexes
    found = {}
    for media in table.by_media():
        index = find_index(opened, table.folder / media)
        if index is None:
            message = f"`{folder}` has no index of `{media}`"
            raise BadInputError(message, "index the film: avtool localize index FILM --out DIR")
        found[media] = index
    return found


def truth_of(rows: Sequence[QueryRow]) -> QueryTruth:
    """The segments and boxes of a query."""
    present = [row for row in rows if not row.absent]
    boxes = []
    for row in present:
        if row.frame_size is not None:
            wide, high = row.frame_size
            boxes += [(s, x / wide, y / high, w / wide, h / high) for s, x, y, w, h in row.boxes]
    return QueryTruth(
        np.array([(row.start, row.end) for row in present], dtype=np.float64).reshape(-1, 2),
        np.array(boxes, dtype=np.float64).reshape(-1, 5),
    )


def prediction_of(hits: Sequence[Hit], truth: QueryTruth) -> QueryPrediction:
    """Hits as what is scored: segments, the first one's confidence and its boxes at the true times."""
    segments = np.array([(hit.start, hit.end) for hit in hits], dtype=np.float64).reshape(-1, 2)
    if not hits or not hits[0].boxes or not len(truth.boxes):
        return QueryPrediction(segments, hits[0].score if hits else 0.0)
    times = truth.boxes[:, 0]
    boxes = hits[0].boxes_at(times)
    boxes[(times < hits[0].start) | (times >= hits[0].end)] = np.nan
    return QueryPrediction(segments, hits[0].score, boxes)


def _run(
    engine: Candidate,
    table: QueryTable,
    rows: Mapping[str, QueryRow],
    indexes: Mapping[str, FilmIndex],
    reporter: Reporter,
) -> Measured:
    found = Measured(engine.name)
    queries = table.queries()
    shares = []
    with reporter.progress(engine.name, len(rows)) as bar:
        for name, row in rows.items():
            bar.advance()
            query = Query.of_row(table, row)
            begun = time.perf_counter()
            try:
                hits, share = engine.find(indexes[row.media], query)
            except BadInputError as error:
                found.refused[name] = error.message
                continue
            found.seconds += time.perf_counter() - begun
            shares.append(share)
            found.predictions[name] = prediction_of(hits, truth_of(queries[name]))
    found.examined = float(np.mean(shares)) if shares else 1.0
    return found


class _Film(Protocol):
    @property
    def seconds(self) -> float: ...


def _random(
    rows: Mapping[str, QueryRow], indexes: Mapping[str, _Film], lengths: Sequence[float], seed: int
) -> Measured:
    """Windows anywhere in the film, of the lengths that segments of other splits have."""
    rng = np.random.default_rng(seed)
    found = Measured(RANDOM)
    for name, row in rows.items():
        end = indexes[row.media].seconds
        drawn = rng.choice(lengths, max(RANKS)) if len(lengths) else np.full(max(RANKS), _DRAWN_LENGTH_S)
        sizes: Floats = np.minimum(drawn, end)
        starts = rng.uniform(0, end - sizes)
        found.predictions[name] = QueryPrediction(np.stack([starts, starts + sizes], axis=1), rng.random())
    return found
