"""The queries of the held-out film, of its true events: a sentence and a sound clip for each class."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from avtool.core.files import read_json
from avtool.inference.localisation.queries import SoundClip, audio_query, label_query
from avtool.jobs.localize.find_query import NamedQuery
from avtool.mining.tagger import Tagger
from avtool.synthetic.make_film import FilmFiles

Event = dict[str, Any]


@dataclass(frozen=True)
class DrawnQuery:
    """A query that was drawn, and the truth about it.

    Attributes:
        named: the query.
        kind: what it is.
        content: it, in words.
        true: segments of the film, (start, end) in seconds.
    """

    named: NamedQuery
    kind: str
    content: str
    true: tuple[tuple[float, float], ...]


def draw_queries(film: FilmFiles, others: Sequence[FilmFiles], classes: Collection[str]) -> list[DrawnQuery]:
    """A sentence for each sound of a film, and a sound clip for each label of its events.

    Args:
        film: that is searched.
        others: films that sound clips are cut out of; of a label's events the longest.
        classes: sounds that are looked for.
    """
    events = [one for one in _events(film) if one["sound"] in classes]
    elsewhere = [(other, event) for other in others for event in _events(other)]
    return [*_sentences(events), *_sound_clips(events, elsewhere)]


def _sentences(events: Sequence[Event]) -> Iterator[DrawnQuery]:
    """The caption of the first event of each sound, which the tagger turns into a class."""
    tagger = Tagger()
    for sound, event in _firsts(events, "sound").items():
        if sound in tagger.tag(event["tag"]).sounds:
            query = replace(label_query(sound), name=event["tag"])
            named = NamedQuery(f"sentence-{sound}", query)
            yield DrawnQuery(named, "sentence", event["tag"], _segments(events, "sound", sound))


def _sound_clips(
    events: Sequence[Event], elsewhere: Sequence[tuple[FilmFiles, Event]]
) -> Iterator[DrawnQuery]:
    """The longest event of each label in other films."""
    for label in _firsts(events, "label"):
        of_label = [(other, event) for other, event in elsewhere if event["label"] == label]
        if of_label:
            other, event = max(of_label, key=lambda one: one[1]["end"] - one[1]["start"])
            content = f"`{label}` in {other.film.stem} at {event['start']:.1f} s"
            clip = SoundClip(other.film, event["start"], event["end"])
            named = NamedQuery(f"sound-clip-{label}", replace(audio_query(clip), name=content))
            yield DrawnQuery(named, "sound clip", content, _segments(events, "label", label))


def _events(film: FilmFiles) -> list[Event]:
    """The sound events of a film."""
    found: list[Event] = [one for one in read_json(film.truth)["events"] if one["kind"] == "sound"]
    return found


def _firsts(events: Sequence[Event], key: str) -> dict[str, Event]:
    """The first event of each value of a key."""
    return {one[key]: one for one in reversed(events)}


def _segments(events: Sequence[Event], key: str, value: str) -> tuple[tuple[float, float], ...]:
    """The segments of the events with a value."""
    return tuple((round(one["start"], 2), round(one["end"], 2)) for one in events if one[key] == value)
