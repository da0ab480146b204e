"""Hits of queries as tables, JSON, and WebVTT chapters."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from avtool.core.files import write_csv, write_json
from avtool.inference.localisation.frame_scores import FrameScores, Hit
from avtool.inference.localisation.queries import Query
from avtool.media.captions.cue import Cue
from avtool.media.captions.writing import render_captions

COLUMNS = ("query_id", "kind", "query", "rank", "film", "start", "end", "score", "foreground", "peak")


@dataclass(frozen=True)
class FilmHit:
    """A hit, and the film that it lies in."""

    film: str
    hit: Hit


@dataclass(frozen=True)
class QueryHits:
    """What was found for a query.

    Attributes:
        query_id: of the query.
        query: what was looked for.
        engine: that found the hits.
        hits: of all films, best first.
        absent: confidence that no film has it, 0 to 1.
        milliseconds: of the search; for the first query of a kind with the opening of its encoder.
        baseline: hits of the similarity engine; None where it is the engine, or cannot take the query.
        note: why there is no hit, or no baseline, and which films could not have it.
        curves: film → scores of its frames.
    """

    query_id: str
    query: Query
    engine: str
    hits: list[FilmHit]
    absent: float
    milliseconds: float
    baseline: list[FilmHit] | None
    note: str
    curves: dict[str, FrameScores]

    def to_json(self) -> dict[str, Any]:
        """As `hits.json` has it."""
        return {
            "query_id": self.query_id,
            "kind": self.query.kind,
            "query": self.query.name,
            "engine": self.engine,
            "absent": round(self.absent, 4),
            "milliseconds": round(self.milliseconds, 1),
            "hits": [_json(one) for one in self.hits],
            "baseline": None if self.baseline is None else [_json(one) for one in self.baseline],
            "note": self.note,
        }

    def rows(self) -> list[tuple[object, ...]]:
        """Of `hits.csv`."""
        return [
            (
                self.query_id, self.query.kind, self.query.name, rank, one.film, f"{one.hit.start:.3f}",
                f"{one.hit.end:.3f}", f"{one.hit.score:.4f}", f"{one.hit.foreground:.4f}",
                f"{one.hit.peak:.3f}",
            )
            for rank, one in enumerate(self.hits, 1)
        ]  # fmt: skip


def write_hits(folder: Path, found: Sequence[QueryHits], names: dict[str, str]) -> None:
    """Writes `hits.json`, `hits.csv`, and a WebVTT file of chapters for each film that has hits.

    Args:
        folder: where they go.
        found: hits of each query.
        names: film → what its files are called.
    """
    write_json(folder / "hits.json", {"schema_version": 1, "queries": [one.to_json() for one in found]})
    write_csv(folder / "hits.csv", COLUMNS, [row for one in found for row in one.rows()])
    for film, name in names.items():
        cues = chapters(found, film)
        if cues:
            text = render_captions(cues, "vtt")
            (folder / f"{name}.chapters.vtt").write_text(text, encoding="utf-8", newline="\n")


def chapters(found: Sequence[QueryHits], film: str) -> list[Cue]:
    """The hits in a film as cues in order of time: what was looked for, rank and score."""
    cues = [
        Cue(
            round(one.hit.start * 1000),
            max(round(one.hit.end * 1000), round(one.hit.start * 1000) + 1),
            (f"{query.query.name} (hit {rank}, {one.hit.score:.2f})",),
        )
        for query in found
        for rank, one in enumerate(query.hits, 1)
        if one.film == film
    ]
    return sorted(cues, key=lambda cue: (cue.start_ms, cue.end_ms, cue.text))


def _json(one: FilmHit) -> dict[str, Any]:
    values = asdict(one.hit)
    boxes = [[round(number, 4) for number in row] for row in values.pop("boxes")]
    rounded = {name: round(value, 4) for name, value in values.items()}
    return {"film": one.film, **rounded, **({"boxes": boxes} if boxes else {})}
