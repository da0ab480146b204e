"""The files of a prepared dataset for people and other commands: labels, problems, the report page."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avtool.core.files import write_csv
from avtool.core.report.page import optional_report, write_page
from avtool.core.reporter import Reporter
from avtool.data.labels import LABELS, LabelClass, write_classes
from avtool.data.manifest import Clip, write_manifest
from avtool.data.prepare.rows import Problem, ProblemKind

PROBLEMS = "problems.csv"
_TEMPLATE = Path(__file__).parent / "report.html"
_MOST_CLASSES, _MOST_PROBLEMS = 600, 200


@dataclass(frozen=True)
class SplitCount:
    """A split, or a fold of one: how many clips, how many hours, how many groups."""

    split: str
    fold: int | None
    clips: int
    hours: float
    groups: int


@dataclass(frozen=True)
class PreparedSummary:
    """A prepared dataset in numbers.

    Attributes:
        layout: of its source.
        clips: rows of the manifest.
        hours: of all clips.
        with_audio, with_video: clips that have audio, that have frames.
        classes: by name of the class list its number of classes.
        splits: each split, or fold.
        problems: by kind how many.
        leaks: groups that are in several splits or folds.
    """

    layout: str
    clips: int
    hours: float
    with_audio: int
    with_video: int
    classes: dict[str, int]
    splits: tuple[SplitCount, ...]
    problems: dict[ProblemKind, int]
    leaks: int


def summarise(
    layout: str, rows: Sequence[Clip], lists: Mapping[str, Sequence[LabelClass]], problems: Sequence[Problem]
) -> PreparedSummary:
    """Counts what there is."""
    parts: dict[tuple[str, int | None], list[Clip]] = {}
    parts_of_group: dict[str, set[tuple[str, int | None]]] = {}
    for row in rows:
        parts.setdefault((row.split, row.fold), []).append(row)
        parts_of_group.setdefault(row.group, set()).add((row.split, row.fold))
    ordered = sorted(parts.items(), key=lambda item: (item[0][0], item[0][1] or 0))
    return PreparedSummary(
        layout=layout,
        clips=len(rows),
        hours=_hours(rows),
        with_audio=sum(bool(row.extras["has_audio"]) for row in rows),
        with_video=sum(bool(row.extras["has_video"]) for row in rows),
        classes={name: len(entries) for name, entries in lists.items()},
        splits=tuple(
            SplitCount(split, fold, len(clips), _hours(clips), len({clip.group for clip in clips}))
            for (split, fold), clips in ordered
        ),
        problems=dict(Counter(problem.kind for problem in problems)),
        leaks=sum(len(places) > 1 for places in parts_of_group.values()),
    )


def write_dataset(
    folder: Path,
    rows: Sequence[Clip],
    lists: Mapping[str, Sequence[LabelClass]],
    problems: Sequence[Problem],
    summary: PreparedSummary,
    settings: Mapping[str, Any],
    reporter: Reporter,
) -> None:
    """Writes the dataset but its copies, which stand in `folder` already."""
    write_manifest(folder, rows)
    for name, entries in lists.items():
        write_classes(folder / LABELS / f"{name}.csv", entries)
    _write_problems(folder / PROBLEMS, problems)
    shown = {name: sorted(entries, key=lambda e: -e.count)[:_MOST_CLASSES] for name, entries in lists.items()}
    with optional_report(reporter):
        write_page(
            folder / "report.html",
            _TEMPLATE,
            summary=summary,
            lists=shown,
            problems=[problem for problem in problems if problem.kind != "absent"][:_MOST_PROBLEMS],
            settings=settings,
        )


def _write_problems(path: Path, problems: Sequence[Problem]) -> None:
    rows = ([problem.kind, problem.where, problem.media, problem.detail] for problem in problems)
    write_csv(path, ["kind", "where", "media", "detail"], rows)


def _hours(clips: Sequence[Clip]) -> float:
    return round(sum(clip.duration for clip in clips) / 3600, 4)
