"""Annotations of two videos in the forms of Ego4D, QVHighlights and Charades-STA, and a mined dataset."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from avtool.data.manifest import Clip, Manifest
from tests.harness import make_manifest

SIZE = {"original_width": 100, "original_height": 50}


def write(path: Path, content: Any) -> Path:
    """Writes JSON, or JSON Lines of a list into `.jsonl`."""
    lines = content if path.suffix == ".jsonl" else [content]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def videos(*contents: Any, version: str = "v2.1") -> dict[str, Any]:
    """Two videos, v0 of the training and v1 of the validation split, with a clip each."""
    found = []
    for index, content in enumerate(contents):
        clip = {
            "clip_uid": f"c{index}",
            "video_start_sec": 100.0 * index,
            "video_end_sec": 100.0 * index + 60,
            "clip_fps": 5,
            "annotations": content,
        }
        found.append({"video_uid": f"v{index}", "split": ("train", "val")[index % 2], "clips": [clip]})
    return {"version": version, "date": "220129", "description": "Ego4D", "videos": found}


def nlq(*queries: Any) -> list[Any]:
    """An annotation of sentences (text, start, end)."""
    rows = [{"query": text, "clip_start_sec": start, "clip_end_sec": end} for text, start, end in queries]
    return [{"annotation_uid": "a", "language_queries": rows}]


def mq(*labels: Any) -> list[Any]:
    """An annotation of labels (name, start, end, primary)."""
    rows = [
        {"label": name, "start_time": start, "end_time": end, "primary": primary}
        for name, start, end, primary in labels
    ]
    return [{"annotator_uid": "x", "labels": rows}]


def box(frame: int, **changes: Any) -> dict[str, Any]:
    """A box of a frame."""
    return {"frame_number": frame, "x": 10, "y": 5, "width": 20, "height": 30} | SIZE | changes


def vq(frames: Sequence[int], **changes: Any) -> list[Any]:
    """An annotation of a visual query, and of one that is not valid."""
    query = {
        "is_valid": True,
        "query_frame": 200,
        "object_title": "red mug",
        "visual_crop": box(210),
        "response_track": [box(frame) for frame in frames],
    }
    return [{"query_sets": {"1": query | changes, "2": {"is_valid": False}}}]


def qvhighlights() -> list[Any]:
    """Two queries of two videos, one of them with two moments."""
    clips: dict[str, Any] = {"relevant_clip_ids": [0], "saliency_scores": [[1, 2, 3]]}
    one = {"qid": 7, "query": "A dog runs.", "vid": "d_0_150", "duration": 150}
    two = {"qid": 9, "query": "A man cooks.", "vid": "e_0_150", "duration": 150}
    return [
        one | {"relevant_windows": [[0, 2], [10, 20]]} | clips,
        two | {"relevant_windows": [[4, 8]]} | clips,
    ]


def event(film: str, number: int, start: float, sounds: Sequence[str], split: str = "train") -> Clip:
    """An event of a mined dataset; its clip is cut with a collar of half a second."""
    extras = {
        "film": f"/films/{film}.mkv",
        "film_start": start - 0.5,
        "film_end": start + 1.5,
        "event_start": start,
        "event_end": start + 1,
        "sounds": list(sounds),
    }
    return Clip(
        f"{film}/{number}",
        f"clips/{film}/{number}.wav",
        0.0,
        2.0,
        split,
        labels=tuple(sounds),
        text=f"{sounds[0]} loudly" if sounds else "",
        group=film,
        extras=extras,
    )


def mined(folder: Path) -> Manifest:
    """Three films: two of training share a label, the third is of the validation split."""
    return make_manifest(
        folder,
        [
            event("a", 1, 3.0, ["door"]),
            event("a", 2, 9.0, ["door", "bell"]),
            event("b", 1, 5.0, ["door"]),
            event("b", 2, 7.0, []),
            event("c", 1, 2.0, ["door"], "val"),
        ],
    )
