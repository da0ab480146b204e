"""Datasets and captions for tests of the review, with and without the recording at hand."""

from pathlib import Path

import numpy as np

from avtool.captioning.event import SoundEvent
from avtool.captioning.plan import plan_captions
from avtool.captioning.style import load_style
from avtool.captioning.writing import write_cue_table, write_plan
from avtool.core.artifact import Artifact
from avtool.core.artifact_folder import open_partial, publish
from avtool.core.files import write_json
from avtool.data.labels import LabelClass, write_classes
from avtool.data.manifest import Clip, write_manifest
from avtool.media.captions.cue import Captions, Cue
from tests.harness import RATE, sine, write_wav

SOUNDS = ("bark", "slam", "ring", "thunder", "laugh")
SOURCES = ("dog", "door", "phone", "", "people")
SPACING = 4.0  # seconds from one event to the next
PER_FILM = 100


def write_events(folder: Path, count: int, *, seconds: float = 1.5) -> Path:
    """A dataset as mining leaves it: `count` events, the clips of which are parts of recordings.

    Event n sounds like class n % 5, from SPACING * n + 1 to `seconds` later, 100 in a recording.
    """
    films = -(-count // PER_FILM)
    events = folder / "events"
    for film in range(films):
        many = min(PER_FILM, count - film * PER_FILM)
        write_wav(folder / f"film{film}.wav", _recording(many, seconds))
    clips = []
    for number in range(count):
        film, place = divmod(number, PER_FILM)
        clips.append(_clip(folder / f"film{film}.wav", film, place, seconds))
    partial = open_partial(events, {}, kind="dataset")
    write_manifest(partial, clips)
    write_classes(partial / "labels" / "classes.csv", [LabelClass(label) for label in SOUNDS])
    publish(events, Artifact("dataset", "mine-subtitles", {}))
    return events


def _recording(events: int, seconds: float) -> np.ndarray:
    samples = np.zeros(round((SPACING * events + 2) * RATE), np.float32)
    for place in range(events):
        first = round((SPACING * place + 1) * RATE)
        tone = sine(seconds, 300.0 * (1 + place % len(SOUNDS)))
        samples[first : first + len(tone)] = tone
    return samples


def _clip(film: Path, number: int, place: int, seconds: float) -> Clip:
    kind = place % len(SOUNDS)
    start = SPACING * place + 1
    source = [SOURCES[kind]] if SOURCES[kind] else []
    extras = {
        "film": str(film), "event_id": f"{place + 1:05d}-1",
        "film_start": start - 0.5, "film_end": start + seconds + 0.5,
        "event_start": start, "event_end": start + seconds,
        "tag_raw": f"[{SOURCES[kind]} {SOUNDS[kind]}s]", "sounds": [SOUNDS[kind]], "sources_stated": source,
        "sources_default": [], "qualities": ["loud"] if place % 7 == 0 else [],
        "rule_id": "source+sound", "conf": round(0.5 + 0.05 * (place % 10), 2),
    }  # fmt: skip
    return Clip(
        f"film{number}/{place + 1:05d}-1", str(film), start - 0.5, start + seconds + 0.5,
        split="val" if place % 8 == 7 else "train", labels=(SOUNDS[kind],),
        text=f"{SOURCES[kind]} {SOUNDS[kind]}s", group=f"film{number}", extras=extras,
    )  # fmt: skip


def write_captioned_film(folder: Path, film: str = "film.mkv") -> None:
    """What `avtool caption --merge` leaves of a film with three sounds and a line of dialogue."""
    sounds = [(1.0, 2.5, "dog barks"), (7.0, 8.5, "door slams"), (10.0, 11.5, "bell rings")]
    events = [SoundEvent(start, end, phrase) for start, end, phrase in sounds]
    dialogue = Captions((Cue(4000, 6000, ("Who is there?",)),), "srt", "utf-8", "film.srt")
    partial = open_partial(folder, {}, kind="predictions")
    plan = plan_captions(events, load_style("netflix"), dialogue, 30.0, "en", ())
    files = write_plan(plan, partial / "film.en-sdh", ("vtt", "srt"), dialogue=dialogue)
    write_cue_table(plan, partial / "film.cues.csv")
    values = {"film": film, "seconds": 30.0, "captions": [file.name for file in files], "events": []}
    write_json(partial / "events.json", {"schema_version": 1, "films": [values]})
    publish(folder, Artifact("predictions", "caption", {}))
