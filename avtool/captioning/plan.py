"""The SDH writer: sound events to captions by the rules of a style, alone or among dialogue."""

from collections.abc import Collection, Iterable

from avtool.captioning.event import CaptionPlan, Decision, Rule, SoundEvent, check_events
from avtool.captioning.merging import sketch_cues
from avtool.captioning.placing import Placing, with_sound_above
from avtool.captioning.style import CaptionStyle
from avtool.core.errors import BadInputError
from avtool.media.captions.cue import Captions, Cue


def plan_captions(
    events: Iterable[SoundEvent],
    style: CaptionStyle,
    dialogue: Captions | None = None,
    duration: float | None = None,
    language: str = "en",
    described: Collection[SoundEvent] = (),
) -> CaptionPlan:
    """The captions of a film.

    Args:
        events: in any order.
        style: the rules.
        dialogue: the film's dialogue, none of whose texts or times is altered; read it with `keep_rows=True`.
        duration: seconds of film; later events are dropped, and no sound cue ends after it.
        language: of the phrases (BCP 47).
        described: those of the events that the dialogue track describes itself; they get no cue.

    Returns:
        Cues in time order, and a decision an event: every rule that was applied to it.

    Raises:
        BadInputError: a time or score is no number, an event ends before it starts, or the duration is
            not above 0.
    """
    if duration is not None and not 0 < duration < float("inf"):
        raise BadInputError(f"the film's duration is {duration} s", "give seconds above 0")
    found = check_events(events)
    film_ms = None if duration is None else int(1000 * duration)
    sketches, ledger = sketch_cues(found, style, language, film_ms, described)
    spoken = list(dialogue.cues) if dialogue else []
    placing = Placing(spoken, style, film_ms, ledger)
    for sketch in sketches:
        placing.add(sketch)
    placing.close_gaps()
    shown: dict[int, Cue] = {}
    sound = []
    for placed in placing.placed:
        lines = placed.sketch.lines
        if placed.host is None:
            cue = Cue(placed.start_ms, placed.end_ms, lines, top=placed.top)
            sound.append(cue)
        else:
            cue = spoken[placed.host] = with_sound_above(spoken[placed.host], lines)
        shown |= dict.fromkeys(placed.sketch.members, cue)
    decisions = [
        Decision(event, ledger.texts[number], tuple(ledger.rules[number]) or (Rule.KEPT,), shown.get(number))
        for number, event in enumerate(found)
    ]
    cues = sorted([*sound, *spoken], key=lambda cue: cue.start_ms)
    return CaptionPlan(tuple(cues), tuple(sound), tuple(decisions))
