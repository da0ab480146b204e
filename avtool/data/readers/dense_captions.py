"""Captions of events in untrimmed videos: ActivityNet Captions' and YouCook2's annotation files.

ActivityNet Captions (Krishna et al., 2017): `train.json`, `val_1.json`, `val_2.json`, video → duration,
timestamps, sentences; the two validation files are by two annotators. YouCook2 (Zhou et al., 2018): one file
with a `database`, video → duration, subset, annotations.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from avtool.core.errors import BadInputError
from avtool.core.files import read_json
from avtool.data.readers.layouts import reads
from avtool.data.readers.source import ListedClip, ReadOptions, RefusedLine, Source
from avtool.data.split_names import SPLIT_NAMES, split_name

Layout = Literal["activitynet-captions", "youcook2"]
_BEYOND = 1.0  # seconds that an event may end after its video


@dataclass(frozen=True, slots=True)
class CaptionedVideo:
    """A video with its annotated events.

    Attributes:
        video: its id.
        duration: in seconds.
        split: `train`, `val` or `test`.
        events: (start, end, sentence), in seconds, as annotated: not checked.
    """

    video: str
    duration: float
    split: str
    events: tuple[tuple[float, float, str], ...]


def read_captioned_videos(path: Path) -> list[CaptionedVideo]:
    """The videos of one annotation file of either layout, in its order.

    Raises:
        BadInputError: it is neither, or the record of a video is incomplete.
    """
    content = read_json(path)
    layout = _layout_of(content)
    if layout is None:
        message = f"`{path}` holds no captions of events"
        raise BadInputError(message, "give ActivityNet Captions' or YouCook2's annotation file")
    videos = content["database"] if layout == "youcook2" else content
    found = []
    for video, record in videos.items():
        try:
            found.append((_youcook2 if layout == "youcook2" else _activitynet)(video, record, path))
        except (KeyError, TypeError, ValueError) as error:
            reason = f"it has no {error}" if isinstance(error, KeyError) else str(error)
            raise BadInputError(f"`{path}`: video `{video}`: {reason}", "correct its record") from error
    return found


def _activitynet(video: str, record: Mapping[str, Any], path: Path) -> CaptionedVideo:
    events = tuple(
        (float(start), float(end), str(sentence).strip())
        for (start, end), sentence in zip(record["timestamps"], record["sentences"], strict=True)
    )
    splits = (split_name(word) for word in path.stem.split("_"))  # of `val_1`
    split = next((name for name in splits if name in SPLIT_NAMES), "")
    return CaptionedVideo(video, float(record["duration"]), split, events)


def _youcook2(video: str, record: Mapping[str, Any], path: Path) -> CaptionedVideo:  # noqa: ARG001
    events = tuple(
        (float(one["segment"][0]), float(one["segment"][1]), str(one["sentence"]).strip())
        for one in record.get("annotations", ())  # those of the test set are not published
    )
    return CaptionedVideo(video, float(record["duration"]), split_name(record.get("subset", "")), events)


def _layout_of(content: object) -> Layout | None:
    """Which of the layouts a JSON value has."""
    if not isinstance(content, Mapping) or not content:
        return None
    videos = content.get("database")
    if isinstance(videos, Mapping):
        first = next(iter(videos.values()), None)
        return "youcook2" if isinstance(first, Mapping) and "duration" in first else None
    first = next(iter(content.values()))
    keys = {"duration", "timestamps", "sentences"}
    return "activitynet-captions" if isinstance(first, Mapping) and keys <= first.keys() else None


@cache
def _layout_of_file(path: Path, state: tuple[int, int]) -> Layout | None:  # noqa: ARG001 - of the cache
    try:
        return _layout_of(json.loads(path.read_bytes()))
    except (OSError, ValueError):
        return None


def _lists(path: Path, layout: Layout) -> list[Path]:
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    states = {file: file.stat() for file in files if file.suffix == ".json" and file.is_file()}
    return [
        file
        for file, stat in states.items()
        if _layout_of_file(file.absolute(), (stat.st_size, stat.st_mtime_ns)) == layout
    ]


def _read(path: Path, layout: Layout) -> Source:
    paths = _lists(path, layout)
    if not paths:
        raise BadInputError(f"`{path}` is no annotation file of {layout}", "give the published JSON file")
    refused: list[RefusedLine] = []
    clips = [clip for file in paths for clip in _clips(file, refused)]
    folder = path if path.is_dir() else path.parent
    return Source(
        layout,
        clips,
        media=folder,
        inputs=tuple(paths),
        refused=tuple(refused),
        cut_names=lambda clip: (clip.clip_id.replace("/", "_"),),
        other_names=lambda clip: (clip.media.removeprefix("v_"),),
        web=True,
    )


def _clips(path: Path, refused: list[RefusedLine]) -> Iterator[ListedClip]:
    """A clip an event; what ends before it starts, or after its video, is refused."""
    for video in read_captioned_videos(path):
        for number, (start, end, text) in enumerate(video.events):
            where = f"{path.name}: {video.video}, event {number + 1}"
            if not 0 <= start < end:
                refused.append(RefusedLine(where, f"it lasts from {start:g} to {end:g} s"))
            elif end > video.duration + _BEYOND:
                refused.append(RefusedLine(where, f"it ends at {end:g} s of {video.duration:g} s"))
            else:
                yield ListedClip(
                    clip_id=f"{path.stem}/{video.video}/{number}",
                    media=video.video,
                    start=start,
                    end=end,
                    split=video.split,
                    text=text,
                    group=video.video,
                    extras={"annotations": path.stem},
                    where=where,
                )


@reads(
    "activitynet-captions",
    "ActivityNet Captions' annotation files.",
    lambda path: bool(_lists(path, "activitynet-captions")),
)
def read_activitynet_captions(path: Path, options: ReadOptions) -> Source:  # noqa: ARG001
    """Reads an annotation file, or all of a folder: a clip an event, its sentence as text.

    Raises:
        BadInputError: there is no such file, or the record of a video is incomplete.
    """
    return _read(path, "activitynet-captions")


@reads("youcook2", "YouCook2's annotation file.", lambda path: bool(_lists(path, "youcook2")))
def read_youcook2(path: Path, options: ReadOptions) -> Source:  # noqa: ARG001
    """Reads the annotation file: a clip an event, its sentence as text; videos of the test set have none.

    Raises:
        BadInputError: there is no such file, or the record of a video is incomplete.
    """
    return _read(path, "youcook2")
