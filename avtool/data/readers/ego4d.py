"""Annotations of Ego4D's episodic memory (Grauman et al., 2022), of versions 1 and 2."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avtool.core.errors import BadInputError
from avtool.data.readers.video_queries import (
    VideoQuery,
    Window,
    as_number,
    brief,
    field,
    number,
    read_json_file,
    true_window,
)

Clip = tuple[str, Any, str]
"""Its id, its record, and its place in the file."""
_FRAMES = 10_000_000  # four days


Box = tuple[float, float, float, float]
"""x1, y1, x2, y2 in pixels."""


@dataclass(frozen=True, slots=True)
class ActivityClip:
    """A clip with instances of activities.

    Attributes:
        clip: its id.
        instances: label → its windows, in seconds of the clip.
        duration: in seconds; None where it is not known.
    """

    clip: str
    instances: dict[str, tuple[Window, ...]]
    duration: float | None


@dataclass(frozen=True, slots=True)
class TubeQuery:
    """A visual query with its response track.

    Attributes:
        key: `VIDEO/CLIP/ANNOTATION/QUERY`, the annotation by its place.
        title: of the object.
        query_frame: frames before it are searched.
        track: frame → box; empty where there is none.
        size: width and height of the frames; None where they are not known.
    """

    key: str
    title: str
    query_frame: int
    track: dict[int, Box]
    size: tuple[float, float] | None


def read_nlq(path: Path) -> list[VideoQuery]:
    """The natural-language queries of `nlq_train.json` or `nlq_val.json`.

    A key is `CLIP/ANNOTATION/NUMBER`, as submissions name a query; times are those of the clip. A query
    without a sentence keeps its place, with an empty text.

    Raises:
        BadInputError: a record is incomplete, or the file has no times, as that of the test set.
    """
    found: dict[str, VideoQuery] = {}
    for clip, record, where in _clips(path):
        duration = clip_duration(record)
        for place_of, annotation in enumerate(field(record, "annotations", list, where)):
            place = f"{where}, annotation {place_of}"
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


def read_moments(path: Path) -> list[ActivityClip]:
    """The clips of `moments_val.json` with their primary labels; clips without any are skipped.

    Raises:
        BadInputError: a record is incomplete, or the file has no labels, as that of the test set.
    """
    found: dict[str, dict[str, list[Window]]] = {}
    durations: dict[str, float | None] = {}
    for clip, record, where in _clips(path):
        durations.setdefault(clip, clip_duration(record))
        for place_of, annotation in enumerate(field(record, "annotations", list, where)):
            place = f"{where}, annotation {place_of}"
            for index, label in enumerate(field(annotation, "labels", list, place)):
                spot = f"{place}, label {index}"
                name = field(label, "label", str, spot)
                if label.get("primary"):
                    window = true_window([label.get("start_time"), label.get("end_time")], spot)
                    found.setdefault(clip, {}).setdefault(name, []).append(window)
    if not found:
        raise BadInputError(f"`{path}` has no primary labels", "give moments_val.json")
    return [
        ActivityClip(clip, {name: tuple(windows) for name, windows in labels.items()}, durations[clip])
        for clip, labels in found.items()
    ]


def read_vq(path: Path) -> list[TubeQuery]:
    """The valid visual queries of `vq_val.json`, in the order in which submissions have them.

    Raises:
        BadInputError: a record is incomplete, or a query has no response track, as in the test set.
    """
    found = []
    for video, record, where in iter_videos(path):
        for clip, content, place in iter_clips(record, where):
            for place_of, annotation in enumerate(field(content, "annotations", list, place)):
                spot = f"{place}, annotation {place_of}"
                for name, query in field(annotation, "query_sets", dict, spot).items():
                    if isinstance(query, dict) and query.get("is_valid"):
                        found.append(
                            _tube(f"{video}/{clip}/{place_of}/{name}", query, f"{spot}, query {name}")
                        )
    if not found:
        raise BadInputError(f"`{path}` has no valid visual queries", "give vq_val.json")
    return found


def _tube(key: str, query: Any, where: str) -> TubeQuery:
    track: dict[int, Box] = {}
    size = None
    for index, row in enumerate(field(query, "response_track", list, where)):
        spot = f"{where}, response {index}"
        if not isinstance(row, dict):
            raise BadInputError(f"{spot} is {brief(row)}, no box", "correct the record")
        x, y, width, height = (
            number(row.get(one), f"{spot}: `{one}`") for one in ("x", "y", "width", "height")
        )
        if width < 0 or height < 0:
            raise BadInputError(f"{spot} is a box of {width:g} × {height:g}", "correct the record")
        track[frame_number(row, "frame_number", spot)] = (x, y, x + width, y + height)
        wide, high = as_number(row.get("original_width")), as_number(row.get("original_height"))
        size = (wide, high) if wide and high else size
    title = query.get("object_title")
    frame = frame_number(query, "query_frame", where)
    return TubeQuery(key, title if isinstance(title, str) else "", frame, track, size)


def frame_number(record: Any, name: str, where: str) -> int:
    """A frame number of a record.

    Raises:
        BadInputError: it is none.
    """
    frame = field(record, name, int, where)
    if not 0 <= frame <= _FRAMES:
        raise BadInputError(f"{where}: `{name}` is {brief(frame)}", f"it lies in 0 .. {_FRAMES}")
    return frame


def iter_videos(path: Path) -> Iterator[Clip]:
    """The videos of an annotation file.

    Raises:
        BadInputError: it is no JSON file with videos; one that was cut off is none.
    """
    content = read_json_file(path)
    for index, video in enumerate(field(content, "videos", list, f"`{path}`")):
        where = f"`{path}`, video {index}"
        yield str(video.get("video_uid", "")) if isinstance(video, dict) else "", video, where


def iter_clips(video: Any, where: str) -> Iterator[Clip]:
    """The clips of a video.

    Raises:
        BadInputError: it has none, or one has no id.
    """
    for index, clip in enumerate(field(video, "clips", list, where)):
        place = f"{where}, clip {index}"
        yield field(clip, "clip_uid", str, place), clip, place


def _clips(path: Path) -> Iterator[Clip]:
    """The clips of all videos."""
    for _, video, where in iter_videos(path):
        yield from iter_clips(video, where)


def clip_duration(record: Any) -> float | None:
    """Of a clip, in seconds, where its two ends are known."""
    start, end = as_number(record.get("video_start_sec")), as_number(record.get("video_end_sec"))
    return end - start if start is not None and end is not None and end > start else None
