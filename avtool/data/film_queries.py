"""Queries of a film of objects and recordings: crops, sentences, labels, sound clips, and true windows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image

from avtool.core.files import atomic_file, writing
from avtool.data.queries.table import Kind, QueryRow
from avtool.synthetic.drawn_objects import LOOKS, DrawnObject, Look, draw_object
from avtool.synthetic.moving_sources import Recording, sound_of
from avtool.synthetic.painter import Frame
from avtool.synthetic.queried_films import RATE, HeardSound, Scenario, background
from avtool.synthetic.query_wordings import object_sentence, sound_sentence
from avtool.synthetic.script import Scene
from avtool.synthetic.synthesis import Rng

CROPS, CLIPS = "crops", "sounds"
_CONTEXT = 0.25  # of the box, on each side
_SCALE = 2  # crops are painted in larger frames
_LONGEST_S = 4.0  # of a sound clip


@dataclass(frozen=True)
class QueriedFilm:
    """A film with queries.

    Attributes:
        media: its name in the dataset.
        split: `train`, `val` or `test`; the test has wordings of its own.
        scenario: the truth.
        recordings: class → those of the split; those that sound in the film are no queries.
    """

    media: str
    split: str
    scenario: Scenario
    recordings: Mapping[str, Sequence[Recording]]

    @property
    def name(self) -> str:
        """The film's name without folder and suffix."""
        return Path(self.media).stem


def write_queries_of(film: QueriedFilm, folder: Path, rng: Rng) -> list[QueryRow]:
    """Writes crops and sound clips into the dataset `folder`, and returns the film's queries.

    An object has an image query (a crop), a text query and a label query; a sound has a text, a label and an
    audio query: a clip of another recording, omitted where its class has none. One object and one sound that
    the film lacks, if there are such classes, have the same queries, marked as absent.
    """
    with writing(folder):
        for name in (CROPS, CLIPS):
            (folder / name).mkdir(parents=True, exist_ok=True)
    seen = {one.look.label for one in film.scenario.objects}
    heard = {one.recording.label for one in film.scenario.sounds}
    rows: list[QueryRow] = []
    for shown in film.scenario.objects:
        rows += _of_object(film, shown.look, shown, folder, rng)
    for sound in film.scenario.sounds:
        rows += _of_sound(film, sound.recording.label, sound, folder, rng)
    others = [look for look in LOOKS if look.label not in seen]
    if others:
        rows += _of_object(film, others[rng.integers(len(others))], None, folder, rng)
    silent = sorted(label for label in film.recordings if label not in heard)
    if silent:
        rows += _of_sound(film, silent[rng.integers(len(silent))], None, folder, rng)
    return rows


def _of_object(
    film: QueriedFilm, look: Look, shown: DrawnObject | None, folder: Path, rng: Rng
) -> list[QueryRow]:
    stem = f"{film.name}-{look.label.replace(' ', '-')}"
    crop = f"{CROPS}/{stem}.png"
    with atomic_file(folder / crop) as partial:
        Image.fromarray(paint_crop(look, film.scenario, rng)).save(partial, format="png")
    span = (shown.start, shown.end) if shown else None
    boxes = boxes_of(shown, film.scenario) if shown else ()
    sentence = object_sentence(look, rng, held_out=film.split == "test")
    contents: tuple[tuple[Kind, str], ...] = (("image", crop), ("text", sentence), ("label", look.label))
    return [_row(film, f"{stem}-{kind}", kind, content, span, boxes) for kind, content in contents]


def _of_sound(
    film: QueriedFilm, label: str, heard: HeardSound | None, folder: Path, rng: Rng
) -> list[QueryRow]:
    stem = f"{film.name}-{label}"
    sentence = sound_sentence(label, rng, held_out=film.split == "test")
    contents: list[tuple[Kind, str]] = [("text", sentence), ("label", label.replace("_", " "))]
    own = heard.recording.path if heard else None
    others = [one for one in film.recordings[label] if one.path != own]
    if others:
        clip = f"{CLIPS}/{stem}.wav"
        samples = sound_of(others[rng.integers(len(others))])[: round(_LONGEST_S * RATE)]
        with atomic_file(folder / clip) as partial:
            soundfile.write(partial, 0.5 * samples, RATE, format="WAV", subtype="PCM_16")
        contents.append(("audio", clip))
    span = (heard.start, heard.end) if heard else None
    return [_row(film, f"{stem}-{kind}", kind, content, span, ()) for kind, content in contents]


def _row(
    film: QueriedFilm,
    query_id: str,
    kind: Kind,
    content: str,
    span: tuple[float, float] | None,
    boxes: tuple[tuple[float, float, float, float, float], ...],
) -> QueryRow:
    height, width = film.scenario.settings.size
    start, end = span or (0.0, 0.0)
    return QueryRow(
        query_id=query_id,
        media=film.media,
        kind=kind,
        query=content,
        start=round(start, 4),
        end=round(end, 4),
        split=film.split,
        group=film.name,
        boxes=boxes,
        frame_size=(width, height) if boxes else None,
        absent=span is None,
    )


def boxes_of(shown: DrawnObject, scenario: Scenario) -> tuple[tuple[float, float, float, float, float], ...]:
    """Seconds, left, top, width and height in pixels, of each frame that shows an object."""
    settings = scenario.settings
    frames = range(round(shown.start * settings.fps), round(shown.end * settings.fps))
    times = [frame / settings.fps for frame in frames]
    found = ((now, shown.box(now, settings.size)) for now in times)
    return tuple((now, round(x, 2), round(y, 2), round(w, 2), round(h, 2)) for now, (x, y, w, h) in found)


def paint_crop(look: Look, scenario: Scenario, rng: Rng) -> Frame:
    """A crop of an object of a class, seen somewhere else: another scene, size and place. Square, RGB."""
    height, width = size = (_SCALE * scenario.settings.size[0], _SCALE * scenario.settings.size[1])
    scene = Scene(0.0, 1.0, float(rng.random()), (0, 1))
    elsewhere = Scenario(replace(scenario.settings, size=size), (scene,), (), (), ())
    frame = background(elsewhere).frame(0)
    shown = draw_object(look, 0.0, 1.0, rng)
    shown.paint(frame, 0.0)
    left, top, wide, high = shown.box(0.0, size)
    side = round((1 + 2 * _CONTEXT) * max(wide, high))
    x, y = round(left + wide / 2 - side / 2), round(top + high / 2 - side / 2)
    rows = np.clip(np.arange(y, y + side), 0, height - 1)
    columns = np.clip(np.arange(x, x + side), 0, width - 1)
    return np.ascontiguousarray(frame[rows][:, columns])
