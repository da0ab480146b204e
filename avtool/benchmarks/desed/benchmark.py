"""DESED, and sound event detection on one's own data, scored from a timeline's scores."""

from pathlib import Path

from avtool.benchmarks.benchmark import BENCHMARKS, BenchmarkFactSheet, CodeBenchmark
from avtool.core.errors import BadInputError
from avtool.core.recipe import Recipe, option
from avtool.core.reporter import Reporter
from avtool.evaluation.published import BenchmarkFacts, PublishedResult
from avtool.evaluation.report import BenchmarkReport

_SOURCE = "DCASE Challenge 2023, task 4A, results of the baseline on DESED's validation set"
_PUBLISHED = tuple(
    PublishedResult(
        model=model, inputs="audio", training="DESED, weak, synthetic and unlabelled", metrics=metrics,
        source=_SOURCE, standing="paper",
    )
    for model, metrics in (
        ("CRNN, the baseline", {"PSDS1": 35.9, "PSDS2": 56.2, "F1": 40.7}),
        ("CRNN with BEATs, the baseline", {"PSDS1": 50.0, "PSDS2": 76.2, "F1": 57.1}),
    )
)  # fmt: skip
_RULE = (
    "PSDS (Bilen et al., 2020) over all thresholds, up to 100 false alarms an hour: scenario 1 wants exact "
    "times, scenario 2 the right class. F1: macro average of events at the threshold, 200 ms of collar, at "
    "the end 20 % of the event where that is more."
)
_FACTS = BenchmarkFacts("DESED", 10, 1168, rule=_RULE, published=_PUBLISHED)


class DesedSettings(Recipe):
    """`desed`."""

    data: Path | None = option(
        None, "The true events: a table with filename, onset, offset, event_label.", flag="--data"
    )
    predictions: Path | None = option(
        None,
        "A `predictions` artifact with scores: `predict --events --format scores`.",
        flag="--predictions",
    )
    threshold: float = option(0.5, "Threshold of the events that F1 counts.", flag="--threshold", ge=0, le=1)
    name: str | None = option(None, "Name of the model, in tables.  [default: its predictions' file]")


def run(settings: DesedSettings, reporter: Reporter) -> BenchmarkReport:
    """Scores the predictions.

    Raises:
        BadInputError: the table or the artifact cannot be used.
        MissingError: sed_scores_eval is not installed.
    """
    from avtool.benchmarks.desed.evaluate import evaluate_events

    given = {"--data": settings.data, "--predictions": settings.predictions}
    if lacking := [flag for flag, value in given.items() if value is None]:
        message = f"sound event detection needs {' and '.join(lacking)}"
        hint = "give a table of events, and predictions of `avtool predict --events --format scores`"
        raise BadInputError(message, hint)
    assert settings.data and settings.predictions  # noqa: PT018 - checked
    name = settings.name or settings.predictions.name
    return evaluate_events(settings.data, settings.predictions, _FACTS, name, settings.threshold, reporter)


BENCHMARKS.add(
    "desed",
    CodeBenchmark(
        BenchmarkFactSheet(
            title="DESED",
            summary="Sound event detection on DESED or your own data: PSDS, and event-based F1.",
            data="scores over time",
            protocols=("predictions",),
            metric="PSDS1",
            published=_PUBLISHED,
            licence="CC BY, of single clips",
        ),
        DesedSettings,
        run,
    ),
)
