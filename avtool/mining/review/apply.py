"""Mined events after a review: without the rejected, with corrected labels, times and captions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from avtool.mining.events import Event, clip_window
from avtool.mining.recipe import ClipRecipe
from avtool.mining.review.decisions import Decision
from avtool.mining.tagger import default_sources

RULE = "review"
"""The rule of an event whose labels a reviewer set."""
TIME_SOURCE = "review"
"""The time source of an event whose borders a reviewer moved."""


@dataclass(frozen=True)
class AppliedReview:
    """The events of a film after a review.

    Attributes:
        events: in film order.
        accepted, rejected, changed: events by what was decided; a changed one is accepted too.
        stale: decisions on captions that the film no longer has: they are not applied.
    """

    events: list[Event]
    accepted: int = 0
    rejected: int = 0
    changed: int = 0
    stale: int = 0

    @property
    def in_words(self) -> str:
        """The counts on one line."""
        stale = f"; {self.stale} decisions are on other captions, and not applied" if self.stale else ""
        return (
            f"review: {self.accepted} events accepted, {self.changed} of them changed,"
            f" {self.rejected} rejected{stale}"
        )


def apply_review(
    events: Sequence[Event], decisions: Mapping[str, Decision], clip: ClipRecipe, duration_s: float
) -> AppliedReview:
    """Applies the decisions on a film to its mined events.

    Args:
        events: as mined.
        decisions: by the event's id within the film.
        clip: decides the collar of moved events.
        duration_s: of the film's audio: events are cut off there.
    """
    mined = {event.event_id: event for event in events}
    kept: list[Event] = []
    counts = {"accepted": 0, "rejected": 0, "changed": 0, "stale": 0}
    for event_id, event in mined.items():
        decision = decisions.get(event_id)
        if decision is None or decision.tag not in (None, event.tag_raw):
            kept.append(event)
            counts["stale"] += decision is not None
        elif decision.verdict == "rejected":
            counts["rejected"] += 1
        else:
            changed = changed_event(event, decision, clip, duration_s)
            counts["accepted"] += decision.verdict == "accepted"
            counts["changed"] += replace(changed, conf=event.conf) != event
            kept.append(changed)
    for event_id, decision in decisions.items():
        if event_id in mined or decision.verdict == "rejected":
            continue
        origin = mined.get(event_id.split("+")[0])
        if not decision.parent or origin is None or decision.tag not in (None, origin.tag_raw):
            counts["stale"] += 1
            continue
        part = changed_event(origin, decision, clip, duration_s)
        kept.append(replace(part, event_id=event_id, time_source=TIME_SOURCE))
        counts["accepted"] += 1
        counts["changed"] += 1
    kept.sort(key=lambda event: (event.start_raw, event.event_id))
    return AppliedReview(kept, **counts)


def changed_event(event: Event, decision: Decision, clip: ClipRecipe, duration_s: float) -> Event:
    """The event with what a decision sets; an accepted one is certain."""
    if decision.verdict == "accepted":
        event = replace(event, conf=1.0)
    labels = (decision.sounds, decision.sources, decision.qualities)
    if any(label is not None for label in labels):
        sounds = event.sounds if decision.sounds is None else decision.sounds
        sources = event.sources_stated if decision.sources is None else decision.sources
        qualities = event.qualities if decision.qualities is None else decision.qualities
        implied = () if sources else tuple(default_sources(sounds))
        if (sounds, sources, qualities) != (event.sounds, event.sources_stated, event.qualities):
            event = replace(
                event, sounds=sounds, sources_stated=sources, sources_default=implied, qualities=qualities,
                rule_id=RULE,
            )  # fmt: skip
    if decision.text is not None and decision.text:
        event = replace(event, tag_clean=decision.text)
    return _moved(event, decision, clip, duration_s)


def _moved(event: Event, decision: Decision, clip: ClipRecipe, duration_s: float) -> Event:
    start = event.start_raw if decision.start is None else max(0.0, decision.start)
    end = event.end_raw if decision.end is None else min(duration_s, decision.end)
    if (start, end) == (event.start_raw, event.end_raw) or end <= start:
        return event
    start, end = round(start, 3), round(end, 3)
    window = clip_window(start, end, clip.collar, clip.max_length, duration_s)
    return replace(
        event, start=window[0], end=window[1], start_raw=start, end_raw=end, time_source=TIME_SOURCE
    )
