"""The requests of the review page: what they may hold, and how long each part may be."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

MAX_BODY = 64 * 1024
"""Bytes of a request's body."""
_LONGEST_S = 1e6
Label = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80, pattern=r"^[^,;\x00-\x1f]+$")
]
Labels = Annotated[tuple[Label, ...], Field(max_length=32)]
Reviewer = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60, pattern=r"^[^\x00-\x1f]+$")
]
EventId = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Seconds = Annotated[float, Field(ge=0, le=_LONGEST_S, allow_inf_nan=False)]


class UndoRequest(BaseModel):
    """An undo, or a redo."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    reviewer: Reviewer


class DecideRequest(UndoRequest):
    """A decision on an event.

    `move` has `start` or `end`, `relabel` the labels of all three dimensions, `edit` the text, `split` the
    time `at` (by default the middle), `merge` the `other` event.
    """

    event_id: EventId
    action: Literal["accept", "reject", "clear", "relabel", "edit", "move", "split", "merge"]
    seconds: Seconds = 0.0
    start: Seconds | None = None
    end: Seconds | None = None
    at: Seconds | None = None
    other: EventId | None = None
    sounds: Labels = ()
    sources: Labels = ()
    qualities: Labels = ()
    text: Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00-\x09\x0b-\x1f]*$")] = ""
