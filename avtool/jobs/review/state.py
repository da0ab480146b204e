"""The state of a review: events, the journal of decisions, and what each reviewer sees of it."""

import secrets
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from avtool.core.errors import BadInputError
from avtool.jobs.review.doubts import Doubt
from avtool.jobs.review.events import ReviewData, ReviewEvent, film_seconds
from avtool.jobs.review.requests import DecideRequest
from avtool.mining.review.decisions import Decision, fold, touched_events, undo_stacks
from avtool.mining.review.journal import Journal

_SHORTEST_S = 0.02
"""The shortest event that a split or a move may leave, in seconds."""


@dataclass(frozen=True)
class Change:
    """What changed in the journal: its length before and after, and the events as they are now."""

    first: int
    revision: int
    events: dict[str, dict[str, Any] | None]


class ReviewState:
    """Events and decisions; every method may be called from several threads.

    Args:
        data: the events.
        journal: an open journal.
        doubts: of a model, by event.
        blind: whether each reviewer sees only what he decided himself.
    """

    def __init__(
        self,
        data: ReviewData,
        journal: Journal,
        doubts: Mapping[str, Doubt] | None = None,
        *,
        blind: bool = False,
    ) -> None:
        self.data = data
        self.doubts = dict(doubts or {})
        self.blind = blind
        self._journal = journal
        self._lock = threading.RLock()
        self._lengths: dict[int, float] = {}
        self._folded: dict[str, tuple[int, dict[str, Decision]]] = {}

    @property
    def revision(self) -> int:
        """The rows of the journal."""
        return len(self._journal.rows)

    def need_place(self) -> None:
        """Looks whether the journal is still where it was opened.

        Raises:
            MovedError: its folder was moved or deleted.
        """
        self._journal.need_place()

    def close(self) -> None:
        """Writes the Parquet file."""
        with self._lock:
            self._journal.close()

    @property
    def stale(self) -> int:
        """Events whose decisions are on another caption, or on another dataset: they are not shown.

        Rejected events that mining has dropped are none of them.
        """
        return sum(
            not self.data.is_on(name, decision)
            and (bool(self.data.origin(name)) or decision.verdict != "rejected")
            for name, decision in fold(self._journal.rows).items()
        )

    def events(self) -> list[dict[str, Any]]:
        """All events as they stood before the review, with the model's doubts, as JSON objects."""
        return [self._plain(event) for event in self.data.events]

    def decided(self, reviewer: str) -> dict[str, dict[str, Any] | None]:
        """The events with decisions that a reviewer sees, as they are now."""
        with self._lock:
            folded = self._fold(reviewer)
            return {name: self._now(name, folded) for name in folded}

    def since(self, revision: int, reviewer: str) -> Change:
        """What changed after the journal had `revision` rows."""
        with self._lock:
            folded = self._fold(reviewer)
            names = touched_events(self._journal.rows, max(0, revision)) if revision < self.revision else []
            return Change(
                revision,
                self.revision,
                {name: self._now(name, folded) for name in names if self.data.origin(name)},
            )

    def decide(self, request: DecideRequest) -> Change:
        """Writes a decision to the journal.

        Raises:
            MovedError: the dataset was moved or deleted.
            BadInputError: the event is not there, or the decision makes no sense; or the disk refuses.
        """
        with self._lock:
            rows = self._rows(request)
            before = self.revision
            self._journal.append(rows)
            return self.since(before, request.reviewer)

    def undo(self, reviewer: str, *, redo: bool = False) -> Change:
        """Takes back a reviewer's last operation, or what he took back last.

        Returns:
            No events where there is nothing to undo or redo.
        """
        with self._lock:
            stacks = undo_stacks(self._journal.rows, reviewer)
            target = stacks.undone[-1:] if redo else stacks.done[-1:]
            before = self.revision
            if target:
                operation = target[0] if isinstance(target[0], str) else target[0][0]
                row = Decision(_name(), action="undo", undoes=operation, reviewer=reviewer, time=_now())
                self._journal.append([row])
            return self.since(before, reviewer)

    def _fold(self, reviewer: str) -> dict[str, Decision]:
        key = reviewer if self.blind else ""
        known = self._folded.get(key)
        if known is None or known[0] != self.revision:
            rows = self._journal.rows
            own = [row for row in rows if row.reviewer == reviewer] if self.blind else rows
            known = self._folded[key] = self.revision, self._on_ours(fold(own))
        return known[1]

    def _on_ours(self, folded: Mapping[str, Decision]) -> dict[str, Decision]:
        return {name: decision for name, decision in folded.items() if self.data.is_on(name, decision)}

    def _plain(self, event: ReviewEvent) -> dict[str, Any]:
        values = asdict(event)
        if doubt := self.doubts.get(event.event_id):
            values |= {"predicted": asdict(doubt)}
        return values

    def _now(self, name: str, folded: Mapping[str, Decision]) -> dict[str, Any] | None:
        """An event as it is now; None for a part whose split was undone."""
        decision = folded.get(name)
        if decision is None and name not in self.data.by_id:
            return None
        values = self._plain(self.data.current(name, decision))
        verdict = (decision.verdict if decision else None) or ""
        return {**values, "verdict": verdict, "reviewer": decision.reviewer if decision else ""}

    def _rows(self, request: DecideRequest) -> list[Decision]:
        event = self._find(request.event_id, request.reviewer)
        action = request.action
        if action == "split":
            return self._split(event, request)
        if action == "merge":
            return self._merge(event, request)
        changes: dict[str, Any] = {"verdict": {"reject": "rejected", "clear": ""}.get(action, "accepted")}
        if action == "relabel":
            changes |= {name: getattr(request, name) for name in ("sounds", "sources", "qualities")}
        elif action == "edit":
            changes["text"] = request.text
        elif action == "move":
            changes |= self._moved(event, request)
        return [self._row(event, request, _name(), **changes)]

    def _moved(self, event: ReviewEvent, request: DecideRequest) -> dict[str, float]:
        """The borders of a move, which lie inside the film."""
        span = self._span(
            event.start if request.start is None else request.start,
            event.end if request.end is None else request.end,
        )
        if event.source not in self._lengths:
            self._lengths[event.source] = film_seconds(self.data.sources[event.source])
        length = self._lengths[event.source]
        if span["end"] > max(length, event.end):
            raise BadInputError(f"the film ends at {length:.2f} s", "put the border before its end")
        return span

    def _split(self, event: ReviewEvent, request: DecideRequest) -> list[Decision]:
        """The event up to `at`, and a new part after it."""
        at = request.at if request.at is not None else (event.start + event.end) / 2
        first, second = self._span(event.start, at), self._span(at, event.end)
        operation = _name()
        origin = event.event_id.split("+")[0]
        taken = {row.event_id for row in self._journal.rows}
        number = next(n for n in range(2, len(taken) + 3) if f"{origin}+{n}" not in taken)
        part = self._row(
            event, request, operation, **second, verdict="accepted", parent=event.event_id,
            sounds=event.sounds, sources=event.sources, qualities=event.qualities, text=event.text,
        )  # fmt: skip
        values = {**asdict(part), "event_id": f"{origin}+{number}"}
        return [self._row(event, request, operation, **first, verdict="accepted"), Decision(**values)]

    def _merge(self, event: ReviewEvent, request: DecideRequest) -> list[Decision]:
        """The event over the time of both, with the labels of both; the other one rejected."""
        other = self._find(request.other or "", request.reviewer)
        if other.film != event.film or other.event_id == event.event_id:
            raise BadInputError("events of one film are merged", "choose the next event")
        operation = _name()
        labels = {
            name: tuple(dict.fromkeys((*getattr(event, name), *getattr(other, name))))
            for name in ("sounds", "sources", "qualities")
        }
        span = self._span(min(event.start, other.start), max(event.end, other.end))
        return [
            self._row(event, request, operation, **span, **labels, verdict="accepted"),
            self._row(other, request, operation, verdict="rejected"),
        ]

    def _row(self, event: ReviewEvent, request: DecideRequest, operation: str, **changes: Any) -> Decision:
        return Decision(
            **{"operation": operation, "event_id": event.event_id, "action": request.action, "tag": event.tag,
               "reviewer": request.reviewer, "time": _now(), "seconds": round(request.seconds, 2), **changes}
        )  # fmt: skip

    def _find(self, name: str, reviewer: str) -> ReviewEvent:
        decision = self._fold(reviewer).get(name)
        if self.data.origin(name) is None or (decision is None and name not in self.data.by_id):
            raise BadInputError(f"there is no event `{name}`", "reload the page")
        return self.data.current(name, decision)

    @staticmethod
    def _span(start: float, end: float) -> dict[str, float]:
        if end - start < _SHORTEST_S:
            raise BadInputError(f"an event lasts at least {_SHORTEST_S:g} s", "put its borders further apart")
        return {"start": round(start, 3), "end": round(end, 3)}


def _name() -> str:
    return secrets.token_hex(8)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
