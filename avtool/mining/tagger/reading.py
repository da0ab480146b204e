"""The reading of a tag by a rule of the grammar: labels, and the rule that gave them."""

from dataclasses import dataclass, replace

from avtool.mining.sound_tag import Aspect


@dataclass(frozen=True, slots=True)
class Reading:
    """The labels of one clause; the fields are those of `SoundTag`.

    Attributes:
        is_person: whether the only source is a name or a role of a person, so that without a sound the clause
            is a speaker label.
        subject: in a clause that is only a speaker label, that speaker.
        acts: whether a verb in it makes no sound ("engine stops", "man enters"): its maker is its own.
    """

    sounds: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    qualities: tuple[str, ...] = ()
    aspect: Aspect = "unknown"
    confidence: float = 0.8
    rule: str = "nothing"
    is_person: bool = False
    subject: str = ""
    acts: bool = False

    def but(self, **changes: object) -> "Reading":
        """The same reading with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]  # the names are checked by `replace`


def unique(*lemmas: str) -> tuple[str, ...]:
    """The lemmas in order, without repeats and empty ones."""
    return tuple(dict.fromkeys(lemma for lemma in lemmas if lemma))


def join(readings: list[Reading]) -> Reading:
    """One reading for several clauses: "door opens" and "closes" are two sounds of one source.

    A clause with a silent verb keeps its maker and its state to itself, unless what sounds has no maker:
    in "engine stops, door opens" the door alone is heard, in "engine starts, revs" the engine.
    """
    if any(reading.sounds and reading.sources for reading in readings):
        readings = [reading for reading in readings if reading.sounds or not reading.acts]
    labelled = [reading for reading in readings if reading.sounds or reading.sources or reading.qualities]
    if not labelled:
        return readings[0] if readings else Reading()
    sounding = [index for index, reading in enumerate(readings) if reading.sounds]
    subjects = [reading.subject for reading in readings[: sounding[0]]] if sounding else []
    aspects = {reading.aspect for reading in labelled if reading.sounds} or {labelled[0].aspect}
    return Reading(
        sounds=unique(*(sound for reading in labelled for sound in reading.sounds)),
        sources=unique(*subjects, *(source for reading in labelled for source in reading.sources)),
        qualities=unique(*(quality for reading in labelled for quality in reading.qualities)),
        aspect=aspects.pop() if len(aspects) == 1 else "unknown",
        confidence=min(reading.confidence for reading in labelled),
        rule=max(labelled, key=lambda reading: len(reading.sounds)).rule,
    )
