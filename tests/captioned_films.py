"""Captioned films for tests: features in which each phrase has its own columns, and annotations of them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

PHRASES = ("dog barks", "glass breaks", "door slams")
WIDTH, STEP = 12, 0.5


def film_features(events: list[tuple[float, float, int]], seconds: float, seed: int) -> NDArray[np.float32]:
    """(steps, WIDTH) noise; while phrase n sounds, three columns of it are high."""
    values = 0.3 * np.random.default_rng(seed).standard_normal((round(seconds / STEP), WIDTH))
    for start, end, phrase in events:
        values[round(start / STEP) : round(end / STEP), 3 * phrase : 3 * phrase + 3] += 2
    return values.astype(np.float32)


def draw_events(seconds: float, seed: int) -> list[tuple[float, float, int]]:
    """Events of 2 to 5 s with pauses of at least 2 s: start, end, number of the phrase."""
    rng, now, events = np.random.default_rng(seed), 2.0, []
    while now < seconds - 8:
        length = float(rng.integers(4, 11)) * STEP
        events.append((now, now + length, int(rng.integers(len(PHRASES)))))
        now += length + float(rng.integers(4, 14)) * STEP
    return events


def write_captioned(folder: Path, train: int = 6, val: int = 2, seconds: float = 60.0) -> Path:
    """A folder `captions` with `train.json` and `val_1.json`, as ActivityNet Captions has them.

    Beside it are `features`, an ID.npy a film, and `youcook2`, the same films in YouCook2's layout.
    """
    database: dict[str, dict[str, Any]] = {}
    (folder / "features").mkdir(parents=True)
    (folder / "captions").mkdir()
    for name, count, first in (("train", train, 0), ("val_1", val, 100)):
        videos = {}
        for number in range(first, first + count):
            events = draw_events(seconds, number)
            np.save(folder / "features" / f"v_{number}.npy", film_features(events, seconds, number))
            videos[f"v_{number}"] = {
                "duration": seconds,
                "timestamps": [[start, end] for start, end, _ in events],
                "sentences": [f"A {PHRASES[phrase]}." for _, _, phrase in events],
            }
        (folder / "captions" / f"{name}.json").write_text(json.dumps(videos))
        database |= {video: _as_youcook2(values, name) for video, values in videos.items()}
    (folder / "youcook2").mkdir()
    trainval = folder / "youcook2" / "youcookii_annotations_trainval.json"
    trainval.write_text(json.dumps({"database": database}))
    return folder / "captions"


def _as_youcook2(video: dict[str, Any], name: str) -> dict[str, Any]:
    """A video of ActivityNet Captions as YouCook2 lists it."""
    pairs = zip(video["timestamps"], video["sentences"], strict=True)
    return {
        "duration": video["duration"],
        "subset": "training" if name == "train" else "validation",
        "annotations": [
            {"id": number, "segment": times, "sentence": sentence}
            for number, (times, sentence) in enumerate(pairs)
        ],
    }
