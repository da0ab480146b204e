"""Datasets for tests of the review: events in recordings, with and without the recording at hand."""

from pathlib import Path

import numpy as np

from avtool.core.artifact import Artifact
from avtool.core.artifact_folder import open_partial, publish
from avtool.data.labels import LabelClass, write_classes
from avtool.data.manifest import Clip, write_manifest
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
