"""PSDS and event-based F1 of a model's scores over time, by sed_scores_eval (Ebbers et al., 2022)."""

import math
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.core.requirements import require
from avtool.data.items import Item
from avtool.data.readers.tables import Columns, read_table
from avtool.evaluation.predictions_file import read_predictions
from avtool.evaluation.published import BenchmarkFacts, comparison
from avtool.evaluation.report import BenchmarkReport, Table
from avtool.inference.timelines import SCORES, read_scores

if TYPE_CHECKING:
    import pandas as pd

Truth = dict[str, list[tuple[float, float, str]]]
_AGAIN = "predict the files again: `avtool predict --events --format scores`"
_SHOWN = 5
_SCENARIOS: Mapping[str, Mapping[str, Any]] = {
    "PSDS1": {"dtc_threshold": 0.7, "gtc_threshold": 0.7, "cttc_threshold": None, "alpha_ct": 0.0},
    "PSDS2": {"dtc_threshold": 0.1, "gtc_threshold": 0.1, "cttc_threshold": 0.3, "alpha_ct": 0.5},
}
"""DCASE's two scenarios; both with alpha_st = 1 and 100 false alarms an hour."""


def evaluate_events(
    table: Path, predictions: Path, facts: BenchmarkFacts, name: str, threshold: float, reporter: Reporter
) -> BenchmarkReport:
    """Scores the timelines of all predicted files; those without an event in the table have none.

    Args:
        table: of the true events.
        predictions: the artifact.
        facts: of the benchmark.
        name: of the model, in tables.
        threshold: of the events that F1 counts.
        reporter: gets progress.

    Raises:
        BadInputError: a file or a class of the table was not predicted, or the artifact has no scores.
        MissingError: sed_scores_eval is not installed.
    """
    require("sed_scores_eval", "sed")
    from sed_scores_eval import collar_based, intersection_based

    truth, classes = read_truth(table)
    scores = _scores_of(predictions, truth, classes)
    truth = {file: truth.get(file, []) for file in scores}
    durations = {file: float(frame["offset"].iloc[-1]) for file, frame in scores.items()}
    reporter.info(f"{len(scores)} files, {sum(map(len, truth.values()))} events of {len(classes)} classes")
    ours, per_class = {}, {}
    for title, scenario in _SCENARIOS.items():
        found, of_classes, *_ = intersection_based.psds(
            scores, truth, durations, **scenario, alpha_st=1.0, unit_of_time="hour", max_efpr=100.0
        )
        ours[title], per_class[title] = 100 * float(found), of_classes
    f_scores, *_ = collar_based.fscore(
        scores, truth, threshold, onset_collar=0.2, offset_collar=0.2, offset_collar_rate=0.2
    )
    ours["F1"], per_class["F1"] = 100 * float(f_scores["macro_average"]), f_scores
    facts, caveats = facts.against(len(scores), len(classes))
    return BenchmarkReport(
        headline=f"PSDS1 {ours['PSDS1']:.2f} %, PSDS2 {ours['PSDS2']:.2f} %, F1 {ours['F1']:.2f} %",
        metrics={
            **ours,
            "files": len(scores),
            "hours": sum(durations.values()) / 3600,
            "per_class": {
                label: {key: _known(of[label]) for key, of in per_class.items()} for label in classes
            },
        },
        tables=[
            comparison(f"{facts.title}: PSDS and F1 in %", facts.published, [(name, "see its card", ours)]),
            _class_table(truth, classes, per_class),
        ],
        notes=[*facts.coverage(len(scores)), *facts.closing_notes()],
        caveats=caveats,
    )


def _class_table(truth: Truth, classes: Sequence[str], per_class: Mapping[str, Mapping[str, Any]]) -> Table:
    rows = [
        [label, _count(truth, label), *(_percent(of[label]) for of in per_class.values())]
        for label in classes
    ]
    return Table("each class in %", ["class", "events", *per_class], rows)


def read_truth(table: Path) -> tuple[Truth, tuple[str, ...]]:
    """The events of each file as DCASE lists them, and their classes; a file without one has an empty row.

    Raises:
        BadInputError: it is no such table, or an event ends before it begins.
    """
    header, lines = read_table(table)
    columns = Columns(table, header, ("filename", "onset", "offset", "event_label"))
    truth: Truth = {}
    for line in lines:
        file, label = PurePosixPath(columns.text(line, "filename")).stem, columns.text(line, "event_label")
        events = truth.setdefault(file, [])
        if not label:
            continue
        onset, offset = columns.number(line, "onset"), columns.number(line, "offset")
        if onset is None or offset is None or offset <= onset:
            message = f"`{table}` line {line.number}: an event of {onset} to {offset} s"
            raise BadInputError(message, "correct its onset and offset")
        events.append((onset, offset, label))
    classes = tuple(sorted({label for events in truth.values() for *_, label in events}))
    if not classes:
        raise BadInputError(f"`{table}` has no event", "give the table of true events")
    return truth, classes


def _scores_of(predictions: Path, truth: Truth, classes: Sequence[str]) -> "dict[str, pd.DataFrame]":
    """File → its scores over time, of the classes of the table."""
    found = read_predictions(predictions)
    if lacking := [label for label in classes if label not in found.classes]:
        message = f"the model has no class {', '.join(f'`{label}`' for label in lacking[:_SHOWN])}"
        raise BadInputError(message, "map its classes to those of the table: `avtool predict --class-map`")
    frames: dict[str, pd.DataFrame] = {}
    for name in found.clip_ids:
        path = predictions / SCORES / f"{Item(name, Path(name)).stem}.tsv"
        if not path.is_file():
            raise BadInputError(f"`{predictions}` has no scores over time of `{name}`", _AGAIN)
        labels, rows = read_scores(path)
        frame = _writable_frame()(rows, columns=["onset", "offset", *labels])
        frames[PurePosixPath(name).stem] = frame[["onset", "offset", *classes]]
    if missing := sorted(truth.keys() - frames.keys()):
        message = f"{len(missing)} files of the table were not predicted, `{missing[0]}` among them"
        raise BadInputError(message, "predict all of them")
    return frames


@cache
def _writable_frame() -> "type[pd.DataFrame]":
    """Data frames of writable arrays, which sed_scores_eval wants and pandas 3 no longer gives."""
    import pandas as pd

    class WritableSeries(pd.Series):
        def to_numpy(self, *args: Any, **options: Any) -> Any:
            return super().to_numpy(*args, **{**options, "copy": True})

    class WritableFrame(pd.DataFrame):
        @property
        def _constructor(self) -> Any:
            return WritableFrame

        @property
        def _constructor_sliced(self) -> Any:
            return WritableSeries

        def to_numpy(self, *args: Any, **options: Any) -> Any:
            return super().to_numpy(*args, **{**options, "copy": True})

    return WritableFrame


def _count(truth: Truth, label: str) -> int:
    return sum(event[2] == label for events in truth.values() for event in events)


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _percent(value: float) -> float | str:
    return round(100 * float(value), 2) if math.isfinite(value) else ""
