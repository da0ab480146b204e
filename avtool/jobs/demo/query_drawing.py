"""The queries of the held-out film, drawn from its events: a sound clip, a sentence, a crop."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import soundfile

from avtool.core.files import atomic_file, read_json
from avtool.inference.localisation.queries import SoundClip, audio_query, frame_query, label_query
from avtool.jobs.demo.recipe import DemoRecipe
from avtool.jobs.localize.find import NamedQuery
from avtool.mining.tagger import Tagger
from avtool.synthetic.make_film import FilmFiles
from avtool.synthetic.painter import PainterSettings
from avtool.synthetic.real_sounds import real_sounds
from avtool.synthetic.sounds import SyntheticSounds

Event = dict[str, Any]
_SEEN_S = 0.8  # before and after its sound, an object is in the frame
_BEFORE_S = 0.4  # of the sound, the object stands still
_HALF = 12  # pixels of half a crop


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


def draw_queries(
    film: FilmFiles, others: Sequence[FilmFiles], classes: Collection[str], recipe: DemoRecipe
) -> list[DrawnQuery]:
    """A sound clip, a sentence and a crop of events drawn by the seed, each of another sound.

    Args:
        film: that they are of.
        others: films that the crop is cut out of; without any there is none.
        classes: sounds that may be drawn.
        recipe: its seed draws; its sounds are those of the films.
    """
    events = [one for one in _events(film) if one["sound"] in classes]
    order = np.random.default_rng(recipe.seed).permutation(len(events))
    firsts = {events[place]["sound"]: events[place] for place in reversed(order.tolist())}
    drawn: list[DrawnQuery] = []
    makers: tuple[Callable[[Event], DrawnQuery | None], ...] = (
        lambda event: _sound_clip(event, film, recipe),
        lambda event: _sentence(event, film),
        lambda event: _crop(event, film, others),
    )
    waiting = sorted(firsts.values(), key=lambda one: order.tolist().index(events.index(one)))
    for make in makers:
        for event in waiting:
            made = make(event)
            if made is not None:
                drawn.append(made)
                waiting.remove(event)
                break
    return drawn


def _sound_clip(event: Event, film: FilmFiles, recipe: DemoRecipe) -> DrawnQuery:
    """Another sound of the event's class."""
    bank = real_sounds(recipe.sounds) if recipe.sounds else SyntheticSounds()
    path = film.film.with_name(f"{film.film.stem}-query.wav")
    with atomic_file(path) as partial:
        samples = bank.render(event["label"], event["variant"] + 1)
        soundfile.write(partial, 0.5 * samples, bank.sample_rate, format="WAV", subtype="PCM_16")
    named = NamedQuery("sound-clip", audio_query(SoundClip(path)))
    return DrawnQuery(
        named, "sound clip", f"another sound of `{event['label']}`", _true(film, label=event["label"])
    )


def _sentence(event: Event, film: FilmFiles) -> DrawnQuery | None:
    """The event's caption, which the tagger turns into a class."""
    sounds = Tagger().tag(event["tag"]).sounds
    if event["sound"] not in sounds:
        return None
    query = replace(label_query(event["sound"]), name=event["tag"])
    return DrawnQuery(
        NamedQuery("sentence", query), "sentence", event["tag"], _true(film, sound=event["sound"])
    )


def _crop(event: Event, film: FilmFiles, others: Sequence[FilmFiles]) -> DrawnQuery | None:
    """The object of the event's class, cut out of another film."""
    height, width = PainterSettings().size
    for other in others:
        for one in _events(other):
            x, y = round(one["place"][0] * width), round(one["place"][1] * height)
            inside = _HALF <= x <= width - _HALF and _HALF <= y <= height - _HALF
            if one["label"] == event["label"] and one["start"] > _BEFORE_S and inside:
                box = (x - _HALF, y - _HALF, 2 * _HALF, 2 * _HALF)
                query = frame_query(other.film, one["start"] - _BEFORE_S, box)
                true = _true(film, around=_SEEN_S, label=event["label"])
                content = f"the object of `{event['label']}` in {other.film.stem}"
                return DrawnQuery(NamedQuery("crop", query), "crop", content, true)
    return None


def _events(film: FilmFiles) -> list[Event]:
    """The sound events of a film."""
    found: list[Event] = [one for one in read_json(film.truth)["events"] if one["kind"] == "sound"]
    return found


def _true(film: FilmFiles, around: float = 0.0, **wanted: str) -> tuple[tuple[float, float], ...]:
    """The segments of the events with some values."""
    chosen = [one for one in _events(film) if all(one[name] == value for name, value in wanted.items())]
    return tuple((round(one["start"] - around, 2), round(one["end"] + around, 2)) for one in chosen)
