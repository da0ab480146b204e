"""Labelling of caption tags by sound, source and quality (SAM-S), beside the authors' method."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import model_validator

from avtool.benchmarks.benchmark import BENCHMARKS, BenchmarkFactSheet, CodeBenchmark
from avtool.benchmarks.sams_tags.tables import DIMENSIONS
from avtool.core.recipe import Recipe, option
from avtool.core.reporter import Reporter
from avtool.evaluation.report import BenchmarkReport, Table

if TYPE_CHECKING:
    from avtool.benchmarks.sams_tags.evaluate import SamsTagsResult
    from avtool.benchmarks.sams_tags.scores import TagScores

_SHOWN_ERRORS = 20
_COLUMNS = [
    "method",
    "tags",
    "exact",
    "F1 sound",
    "F1 source",
    "F1 quality",
    "event F1",
    "exact, events only",
]


class SamsTagsSettings(Recipe):
    """`sams-tags`."""

    data: Path | None = option(None, "Annotated tags: audio_tag, sound, source, quality.", flag="--data")
    lemmas: Path | None = option(None, "Lemmas: columns word, quality, sound, source.", flag="--lemmas")
    lexicon: Path | None = option(None, "A TOML file with your own words.", flag="--lexicon")
    counts: Path | None = option(None, "How often a corpus has each tag: columns tag, count.")
    seed: int = option(0, "Seed of the half that the baselines learn from.", flag="--seed", ge=0)

    @model_validator(mode="after")
    def _needs_data(self) -> "SamsTagsSettings":
        if self.data is None:
            raise ValueError(
                "sams-tags needs its table: give --data tags.csv (merged.csv of the SAM-S annotations)"
            )
        return self


def run(settings: SamsTagsSettings, reporter: Reporter) -> BenchmarkReport:
    """Scores the tagger on a table of annotated tags, beside two baselines."""
    from avtool.benchmarks.sams_tags.evaluate import evaluate_tags

    assert settings.data is not None
    result = evaluate_tags(
        settings.data,
        settings.lemmas,
        lexicon=settings.lexicon,
        counts=settings.counts,
        reporter=reporter,
        seed=settings.seed,
    )
    scores = result.tagger
    dimensions = ", ".join(f"{name} {100 * scores.dimensions[name].f1:.1f}" for name in DIMENSIONS)
    return BenchmarkReport(
        headline=f"exact match {100 * scores.exact:.1f} % of {scores.tags} tags; F1 {dimensions}",
        metrics=asdict(result),
        tables=[
            Table("caption tags labelled, in %", _COLUMNS, list(_rows(result))),
            Table(
                f"the first {_SHOWN_ERRORS} of {len(result.errors)} differences",
                ["tag", "annotated", "ours", "rule"],
                [
                    [error.tag, _labels(error.gold), _labels(error.ours), error.rule]
                    for error in result.errors[:_SHOWN_ERRORS]
                ],
            ),
        ],
        notes=[
            "Exact match: the sets of sounds, sources and qualities are all three equal, as lemmas.",
            "Contiguous match is the authors' labelling of rarer tags: an annotated tag's words inside it.",
            "The baselines learn from a random half of the table, and the other half is scored.",
        ],
    )


def _rows(result: "SamsTagsResult") -> Iterator[list[object]]:
    yield ["tagger", *_cells(result.tagger)]
    if result.weighted:
        yield ["tagger, by frequency", *_cells(result.weighted)]
    for method, scores in result.held_out.items():
        yield [f"{method}, held-out half", *_cells(scores)]


def _cells(scores: "TagScores") -> list[object]:
    shares = [
        scores.exact,
        *(scores.dimensions[name].f1 for name in DIMENSIONS),
        scores.event.f1,
        scores.exact_events,
    ]
    return [scores.tags, *(round(100 * share, 1) for share in shares)]


def _labels(labels: tuple[tuple[str, ...], ...]) -> str:
    return " | ".join(", ".join(words) or "–" for words in labels)


BENCHMARKS.add(
    "sams-tags",
    CodeBenchmark(
        BenchmarkFactSheet(
            title="SAM-S caption tags",
            summary="Labelling of caption tags by sound, source and quality, beside the SAM-S method.",
            data="table of annotated tags",
            protocols=("tag",),
            metric="exact match",
        ),
        SamsTagsSettings,
        run,
    ),
)
