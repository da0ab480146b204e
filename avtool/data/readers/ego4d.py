"""Annotations of Ego4D's episodic memory (Grauman et al., 2022), of versions 1 and 2."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from avtool.core.errors import BadInputError
from avtool.data.readers.video_queries import VideoQuery, as_number, brief, field, read_json_file, true_window

Clip = tuple[str, Any, str]
"""Its id, its record, and its place in the file."""


def read_nlq(path: Path) -> list[VideoQuery]:
    """The natural-language queries of `nlq_train.json` or `nlq_val.json`.

    A key is `CLIP/ANNOTATION/NUMBER`, as submissions name a query; times are those of the clip. A query
    without a sentence keeps its place, with an empty text.

    Raises:
        BadInputError: a record is incomplete, or the file has no times, as that of the test set.
    """
    found: dict[str, VideoQuery] = {}
    for clip, record, where in _clips(path):
        duration = _duration(record)
        for number, annotation in enumerate(field(record, "annotations", list, where)):
            place = f"{where}, annotation {number}"
            name = field(annotation, "annotation_uid", str, place)
            for index, query in enumerate(field(annotation, "language_queries", list, place)):
                if not isinstance(query, dict):
                    raise BadInputError(f"{place}: query {index} is {brief(query)}", "correct the record")
                times = [query.get("clip_start_sec"), query.get("clip_end_sec")]
                text = query.get("query") or ""
                if times == [None, None] and not text:
                    continue
                key = f"{clip}/{name}/{index}"
                if key in found:
                    raise BadInputError(f"`{path}`: query `{key}` is there twice", "remove one")
                window = true_window(times, f"`{path}`: query `{key}`")
                found[key] = VideoQuery(key, clip, str(text).strip(), (window,), duration)
    if not found:
        raise BadInputError(f"`{path}` has no language queries", "give nlq_val.json")
    return list(found.values())


def _clips(path: Path) -> Iterator[Clip]:
    """The clips of all videos."""
    content = read_json_file(path)
    for number, video in enumerate(field(content, "videos", list, f"`{path}`")):
        where = f"`{path}`, video {number}"
        for index, clip in enumerate(field(video, "clips", list, where)):
            place = f"{where}, clip {index}"
            yield field(clip, "clip_uid", str, place), clip, place


def _duration(record: Any) -> float | None:
    """Of a clip, in seconds, where its two ends are known."""
    start, end = as_number(record.get("video_start_sec")), as_number(record.get("video_end_sec"))
    return end - start if start is not None and end is not None and end > start else None
