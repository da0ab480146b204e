"""Protocol of Ego4D MQ: activities detected in clips, and retrieved by their names."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from avtool.benchmarks.localisation.report import Coverage, Scored, worst
from avtool.data.readers.ego4d import read_moments
from avtool.evaluation.localisation.activities import (
    DETECTION,
    MULTIPLES,
    RETRIEVAL,
    Activities,
    Activity,
    Instances,
    detection,
    retrieval,
)
from avtool.evaluation.localisation.submissions import (
    WindowChecks,
    check_keys,
    random_windows,
    read_mq_submission,
    whole_videos,
)
from avtool.evaluation.report import Table


def score(annotations: Path, predictions: Path, *, fix: bool, seed: int) -> Scored:
    """Scores a submission (JSON); arguments and errors as of the other protocols."""
    clips = {one.clip: one for one in read_moments(annotations)}
    truth: Instances = {name: one.instances for name, one in clips.items()}
    checks = WindowChecks(fix)
    detected, retrieved = read_mq_submission(predictions, checks)
    for part in (detected, retrieved):
        check_keys(predictions, part, truth, "clip")
    labels = list(dict.fromkeys(label for one in truth.values() for label in one))
    unknown = {one.label for part in (detected, retrieved) for rows in part.values() for one in rows}
    means, metrics = _measured(truth, detected, retrieved)
    durations = {f"{name}/{label}": one.duration for name, one in clips.items() for label in labels}
    baselines = {}
    for kind, found in (
        ("random windows", random_windows(durations, seed, 1)),
        ("the whole clip", whole_videos(durations)),
    ):
        rows: dict[str, list[Activity]] = {}
        for key, one in found.items():
            clip, _, label = key.partition("/")
            start, end = one.windows[0].tolist()
            rows.setdefault(clip, []).append(Activity(label, start, end, 1.0))
        if rows:
            baselines[kind] = _measured(truth, rows, rows)[0]
    instances = [window for one in truth.values() for windows in one.values() for window in windows]
    empty = sum(start == end for start, end in instances)
    notes = [
        "mAP: tIoU at or above the threshold, mean over the labels of the annotations. R@kx: tIoU above the "
        "threshold, k times as many predictions as instances, in the order of the file.",
        "Baselines name every label in every clip.",
    ]
    if empty:
        notes.append(f"{empty} of {len(instances)} instances have no length: no prediction finds them.")
    if strange := sorted(unknown - set(labels)):
        notes.append(
            f"{len(strange)} predicted labels are in no clip and do not count, such as `{strange[0]}`."
        )
    missing = [name for name in truth if name not in detected and name not in retrieved]
    unreachable = sum(
        all(start == end for windows in one.values() for start, end in windows) for one in truth.values()
    )
    return Scored(
        means,
        baselines,
        Coverage(len(truth), missing, unreachable, checks.dropped, unit="clips"),
        metrics | {"instances": len(instances), "unreachable_instances": empty},
        tables=_tables(metrics),
        notes=notes,
    )


def _measured(
    truth: Instances, detected: Activities, retrieved: Activities
) -> tuple[dict[str, float], dict[str, Any]]:
    by_label = detection(truth, detected)
    precision = 100 * np.mean(list(by_label.values()), axis=0)
    recall = 100 * retrieval(truth, retrieved)
    means = {
        "mAP": float(precision.mean()),
        **{f"mAP@{limit}": float(value) for limit, value in zip(DETECTION, precision, strict=True)},
        "R@1x, 0.5": float(recall[0, RETRIEVAL.index(0.5)]),
        "R@5x, 0.5": float(recall[-1, RETRIEVAL.index(0.5)]),
    }
    metrics = {
        "by_label": {label: (100 * values).tolist() for label, values in by_label.items()},
        "recall": {f"{multiple}x": row.tolist() for multiple, row in zip(MULTIPLES, recall, strict=True)},
    }
    return means, metrics


def _tables(metrics: Mapping[str, Any]) -> list[Table]:
    recall = [[kind, *(round(value, 2) for value in row)] for kind, row in metrics["recall"].items()]
    rows = [[label, *(round(value, 2) for value in row)] for label, row in metrics["by_label"].items()]
    means = [np.mean(row) for row in metrics["by_label"].values()]
    return [
        Table("recall by tIoU, in %", ["predictions", *map(str, RETRIEVAL)], recall),
        worst(means, "labels with the lowest AP by tIoU, in %", ["label", *map(str, DETECTION)], rows),
    ]
