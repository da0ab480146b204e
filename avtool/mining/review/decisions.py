"""Decisions of reviewers on events, and what all of them together leave of an event.

A decision sets only what it changes: one that moves a border keeps another reviewer's labels. Nothing is
ever taken back in the journal: an undo is a row of its own, and a redo undoes the undo.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, get_args

Action = Literal["accept", "reject", "clear", "relabel", "edit", "move", "split", "merge", "undo"]
Verdict = Literal["", "accepted", "rejected"]
ACTIONS: tuple[str, ...] = get_args(Action)
VERDICTS: tuple[str, ...] = get_args(Verdict)
CHANGES = ("verdict", "start", "end", "sounds", "sources", "qualities", "text")
"""The fields that a decision may set; None leaves them as they are."""
_LABELS = {"sounds", "sources", "qualities"}


@dataclass(frozen=True, slots=True)
class Decision:
    """One row of the journal, or all decisions on an event laid over each other.

    Attributes:
        operation: id of rows that were decided together, and are undone together.
        event_id: the event, `film/00012-1`; a part that was split off has a `+2` behind its parent's.
        action: what the reviewer did.
        verdict: `accepted`, `rejected`, or "" for neither.
        start, end: of the event itself, in seconds of the film, without a collar.
        sounds, sources, qualities: its labels.
        text: its caption.
        tag: the characters of the caption that was reviewed: a decision on another caption is not applied.
        parent: the event that a part was split off, or "".
        reviewer: a name.
        time: when, in UTC (ISO 8601, milliseconds).
        seconds: that the reviewer spent on the event; 0 where it is not known.
        undoes: the operation that an undo takes back, or "".
    """

    operation: str
    event_id: str = ""
    action: str = "accept"
    verdict: str | None = None
    start: float | None = None
    end: float | None = None
    sounds: tuple[str, ...] | None = None
    sources: tuple[str, ...] | None = None
    qualities: tuple[str, ...] | None = None
    text: str | None = None
    tag: str | None = None
    parent: str = ""
    reviewer: str = ""
    time: str = ""
    seconds: float = 0.0
    undoes: str = ""

    def changes(self) -> dict[str, Any]:
        """The fields that it sets, by name."""
        found = ((name, getattr(self, name)) for name in CHANGES)
        return {name: value for name, value in found if value is not None}

    def to_dict(self) -> dict[str, Any]:
        """A JSON object without what is not set."""
        values = asdict(self).items()
        return {
            name: value for name, value in values if value is not None and (value != "" or name in CHANGES)
        }


def decision_of(values: Mapping[str, Any]) -> Decision:
    """The decision of a row of the journal.

    Raises:
        ValueError: the row is none; the message names the field.
    """
    known = {field.name for field in fields(Decision)}
    given = {name: value for name, value in values.items() if name in known and value is not None}
    for name in _LABELS & given.keys():
        if not isinstance(given[name], list | tuple) or not all(isinstance(v, str) for v in given[name]):
            raise ValueError(f"{name} is no list of labels")
        given[name] = tuple(given[name])
    for name in {"start", "end", "seconds"} & given.keys():
        if not isinstance(given[name], int | float) or not math.isfinite(given[name]):
            raise ValueError(f"{name} is no number")
    for name in given.keys() - _LABELS - {"start", "end", "seconds"}:
        if not isinstance(given[name], str):
            raise ValueError(f"{name} is no text")  # noqa: TRY004
    decision = Decision(**{"operation": "", **given})
    if not decision.operation or decision.action not in ACTIONS:
        raise ValueError("operation or action is missing")
    if decision.verdict not in (None, *VERDICTS):
        raise ValueError(f"verdict `{decision.verdict}` is none of accepted, rejected")
    return decision


def active_decisions(rows: Sequence[Decision]) -> list[Decision]:
    """The decisions that no later undo takes back, in their order, without the undos."""
    undone: set[str] = set()
    kept = []
    for row in reversed(rows):
        if row.operation in undone:
            continue
        if row.undoes:
            undone.add(row.undoes)
        else:
            kept.append(row)
    return kept[::-1]


def fold(rows: Sequence[Decision]) -> dict[str, Decision]:
    """All decisions on each event as one, by event; of two that set the same field the later counts.

    Where the caption of an event was mined again between two decisions, only those on the later one count.
    """
    found: dict[str, Decision] = {}
    for row in active_decisions(rows):
        before = found.get(row.event_id)
        if before is None or (before.tag != row.tag and None not in (before.tag, row.tag)):
            found[row.event_id] = row
            continue
        kept = {**before.changes(), **row.changes()}
        found[row.event_id] = replace(
            row, **kept, parent=row.parent or before.parent, tag=before.tag if row.tag is None else row.tag
        )
    return found


@dataclass(frozen=True, slots=True)
class UndoStacks:
    """What a reviewer may undo and redo.

    Attributes:
        done: his operations that count, the latest last.
        undone: (operation of the undo, operation that it took back), the latest last; a new decision
            empties it.
    """

    done: tuple[str, ...]
    undone: tuple[tuple[str, str], ...]


def undo_stacks(rows: Iterable[Decision], reviewer: str) -> UndoStacks:
    """The operations that a reviewer may undo and redo."""
    done: list[str] = []
    undone: list[tuple[str, str]] = []
    for row in rows:
        if row.reviewer != reviewer:
            continue
        if not row.undoes:
            if not done or done[-1] != row.operation:
                done.append(row.operation)
            undone.clear()
        elif done and row.undoes == done[-1]:
            undone.append((row.operation, done.pop()))
        elif undone and row.undoes == undone[-1][0]:
            done.append(undone.pop()[1])
    return UndoStacks(tuple(done), tuple(undone))


def touched_events(rows: Sequence[Decision], first: int) -> list[str]:
    """The events whose decisions changed from row number `first` on, each once."""
    by_operation: dict[str, list[str]] = {}
    undone_by: dict[str, str] = {}
    for row in rows:
        if row.undoes:
            undone_by[row.operation] = row.undoes
        else:
            by_operation.setdefault(row.operation, []).append(row.event_id)
    found: dict[str, None] = {}
    for row in rows[first:]:
        operation = row.operation
        while operation in undone_by:  # a redo leads to its undo, and that to the decision
            operation = undone_by[operation]
        found |= dict.fromkeys(by_operation.get(operation, ()))
    return list(found)
