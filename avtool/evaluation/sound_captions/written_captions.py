"""Captions as they would be written of sound events, against the true ones."""

from collections.abc import Sequence

from avtool.captioning.event import CaptionPlan, SoundEvent
from avtool.captioning.plan import plan_captions
from avtool.captioning.style import CaptionStyle
from avtool.evaluation.dense_captions.segments import CaptionedSegment
from avtool.evaluation.sound_captions.matching import EventCounts, match_onsets
from avtool.evaluation.sound_captions.track import SoundCue, sound_cues


def written_cues(plan: CaptionPlan) -> tuple[SoundCue, ...]:
    """The sound cues of a plan, as the benchmark `sdh` reads them from a caption file."""
    shown = {(one.cue.start_ms, one.event.phrase): one.cue for one in plan.decisions if one.cue is not None}
    return sound_cues(
        [CaptionedSegment(start / 1000, cue.end_ms / 1000, phrase) for (start, phrase), cue in shown.items()]
    )


def count_written(
    events: Sequence[SoundEvent],
    truth: Sequence[SoundCue],
    style: CaptionStyle,
    seconds: float | None,
    tolerance: float,
) -> EventCounts:
    """The captions of a film's events counted as the benchmark `sdh` counts them.

    Args:
        events: of the film.
        truth: its own captions, in time order.
        style: that the events are written in.
        seconds: duration of the film, or None.
        tolerance: seconds between the starts of two captions of one sound.
    """
    cues = written_cues(plan_captions(events, style, duration=seconds))
    return EventCounts(len(truth), len(cues), len(match_onsets(cues, truth, tolerance)))
