"""The report of a query table: engines beside each other by kind of query, the network's further metrics."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from avtool.benchmarks.query_table.measure import RANDOM, Measured, Measurement
from avtool.benchmarks.query_table.settings import QueryTableSettings
from avtool.data.queries.table import KINDS
from avtool.evaluation.localisation.queries import QueryPrediction, QueryScores, absence_auc, score_queries
from avtool.evaluation.report import BenchmarkReport, Table

_SHOWN = 20
_EMPTY = QueryPrediction(np.zeros((0, 2)))


def query_report(found: Measurement, settings: QueryTableSettings) -> BenchmarkReport:
    """The report of what was measured."""
    groups = _groups(found)
    scores = {one.name: {name: _scores(found, one, keys) for name, keys in groups.items()}
              for one in found.engines}  # fmt: skip
    first = found.engines[0]
    metrics = {name: _numbers(of_group) for name, of_group in scores.items()}
    mean = metrics[first.name]["all"]["R1@0.5"]
    refusals = [
        f"{one.name} refused {len(one.refused)} queries; the first: {next(iter(one.refused.values()))}."
        for one in found.engines
        if one.refused
    ]
    return BenchmarkReport(
        headline=f"R@1 at tIoU 0.5: {mean:.1f} % of {len(_present(found))} queries by {first.name}",
        metrics={
            "recall": mean,
            **metrics[first.name],
            "engines": metrics,
            "milliseconds": {one.name: _milliseconds(one) for one in found.engines if one.name != RANDOM},
            "queries": len(_present(found)),
            "absent_queries": len(found.rows) - len(_present(found)),
            "film_hours": round(found.hours, 4),
        },
        tables=[
            _comparison(found, scores),
            _details(found, first, scores[first.name], groups),
            _worst(found, first),
        ],
        notes=[
            f"Queries: {found.table}, split {settings.split or 'all'}; {60 * found.hours:.1f} minutes.",
            "A hit is at or above the tIoU with a true segment; a query that an engine refuses counts 0.",
            "Box IoU: mean over the true boxes of the query, 0 where the first hit has none.",
            f"{RANDOM}: anywhere in the film, of the lengths of the other splits' segments, seed "
            f"{settings.seed}.",
            *refusals,
        ],
    )


def _present(found: Measurement) -> list[str]:
    return [name for name, truth in found.truth.items() if len(truth.segments)]


def _groups(found: Measurement) -> dict[str, list[str]]:
    """Queries with segments: all, by kind, and those kinds apart that are both with boxes and without."""
    present = _present(found)
    groups = {"all": present}
    for kind in KINDS:
        of_kind = [name for name in present if found.rows[name].kind == kind]
        boxed = [name for name in of_kind if len(found.truth[name].boxes)]
        others = [name for name in of_kind if not len(found.truth[name].boxes)]
        groups |= {kind: of_kind} if of_kind else {}
        if boxed and others:
            groups |= {f"{kind}, with boxes": boxed, f"{kind}, without": others}
    return groups


def _scores(found: Measurement, engine: Measured, keys: Sequence[str]) -> QueryScores:
    truth = [found.truth[key] for key in keys]
    return score_queries(truth, [engine.predictions.get(key, _EMPTY) for key in keys])


def _numbers(scores: Mapping[str, QueryScores]) -> dict[str, dict[str, float]]:
    return {
        name: {
            **{f"R{rank}@{limit}": one.recall(rank, limit) for rank in (1, 5) for limit in (0.3, 0.5)},
            "mean tIoU": 100 * float(one.first.mean()) if len(one.first) else float("nan"),
            **({"box IoU": one.mean_box_iou()} if not np.isnan(one.mean_box_iou()) else {}),
        }
        for name, one in scores.items()
    }


def _milliseconds(engine: Measured) -> float:
    return round(1000 * engine.seconds / max(len(engine.predictions), 1), 2)


def _comparison(found: Measurement, scores: Mapping[str, Mapping[str, QueryScores]]) -> Table:
    kinds = [name for name in next(iter(scores.values())) if name == "all" or name in KINDS]
    rows: list[Sequence[Any]] = []
    for one in found.engines:
        values = [round(scores[one.name][kind].recall(1, 0.5), 1) for kind in kinds]
        timed = "–" if one.name == RANDOM else _milliseconds(one)
        rows.append([one.name, *values, round(100 * one.examined, 1), timed])
    return Table("R@1 at tIoU 0.5, in %", ["engine", *kinds, "film examined, %", "ms a query"], rows)


def _details(
    found: Measurement, engine: Measured, scores: Mapping[str, QueryScores], groups: Mapping[str, list[str]]
) -> Table:
    rows: list[Sequence[Any]] = []
    absent = [name for name, truth in found.truth.items() if not len(truth.segments)]
    for name, one in scores.items():
        kind = name.split(",")[0]
        low = [_confidence(engine, key) for key in absent if kind in ("all", found.rows[key].kind)]
        high = [_confidence(engine, key) for key in groups[name]]
        recalls = [round(one.recall(rank, limit), 1) for rank in (1, 5) for limit in (0.3, 0.5)]
        rows.append([name, len(groups[name]), *recalls, round(100 * float(one.first.mean()), 1),
                     _text(one.mean_box_iou()), _text(absence_auc(high, low))])  # fmt: skip
    columns = [
        "queries",
        "n",
        "R1@0.3",
        "R1@0.5",
        "R5@0.3",
        "R5@0.5",
        "mean tIoU",
        "box IoU",
        "AUC of absence",
    ]
    return Table(f"{engine.name}, in %", columns, rows)


def _confidence(engine: Measured, key: str) -> float:
    return engine.predictions.get(key, _EMPTY).score


def _text(value: float) -> Any:
    return "–" if np.isnan(value) else round(value, 1)


def _worst(found: Measurement, engine: Measured) -> Table:
    keys = [key for key in _present(found) if key in engine.predictions]
    first = _scores(found, engine, keys).first
    rows: list[Sequence[Any]] = []
    for place in np.argsort(first, kind="stable")[:_SHOWN].tolist():
        key, row = keys[place], found.rows[keys[place]]
        spans = _spans(found.truth[key].segments), _spans(engine.predictions[key].segments[:1])
        rows.append([key, row.kind, row.query, *spans, round(float(first[place]), 2)])
    columns = ["query", "kind", "content", "true", "first hit", "tIoU"]
    return Table(f"queries with the lowest tIoU of {engine.name}", columns, rows)


def _spans(segments: Any) -> str:
    return ", ".join(f"{start:.1f}–{end:.1f} s" for start, end in segments.tolist()) or "none"
