"""Sound events that a film's dialogue track describes itself, as tracks for the deaf do."""

from collections.abc import Sequence

from avtool.captioning.event import SoundEvent
from avtool.evaluation.dense_captions.segments import CaptionedSegment
from avtool.evaluation.sound_captions.track import read_sound_track, sound_cues
from avtool.media.captions.cue import Captions

_NEAR_S = 1.0
"""Time before and after a cue within which its sound is the same."""


def described_events(
    events: Sequence[SoundEvent], dialogue: Captions, language: str
) -> frozenset[SoundEvent]:
    """The events whose sound a cue of the track describes at their time.

    Cue and event are of one sound where their lemmas or their labels are the same, as in the benchmark `sdh`.

    Args:
        events: of a film.
        dialogue: the track that they are to be merged with.
        language: of the events' phrases.
    """
    track = read_sound_track(dialogue, None)
    if not track.sounds:
        return frozenset()
    found = set()
    for event in events:
        segment = CaptionedSegment(event.start, event.end, event.phrase)
        (cue,) = sound_cues([segment], track.language or language)
        near = (one for one in track.sounds if one.start - _NEAR_S <= event.end)
        if any(event.start <= one.end + _NEAR_S and one.is_same(cue) for one in near):
            found.add(event)
    return frozenset(found)
