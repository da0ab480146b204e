"""Annotation files of ActivityNet Captions and YouCook2."""

import json
from pathlib import Path
from typing import Any

import pytest

from avtool.core.errors import BadInputError
from avtool.data.readers.dense_captions import read_captioned_videos
from avtool.data.readers.layouts import detect_layout, read_source


def write(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value))
    return path


def activitynet(*events: tuple[float, float]) -> dict[str, Any]:
    return {"v_a": {"duration": 20, "timestamps": events, "sentences": [" A man runs."] * len(events)}}


def test_a_clip_is_an_event_and_the_file_names_the_split(tmp_path: Path) -> None:
    write(tmp_path / "train.json", {"v_b": {"duration": 9, "timestamps": [[1, 2]], "sentences": ["x"]}})
    write(tmp_path / "val_1.json", activitynet((0.5, 4)))
    write(tmp_path / "val_2.json", activitynet((0, 20)))
    write(tmp_path / "other.json", {"results": {}})
    source = read_source(tmp_path)
    assert source.layout == "activitynet-captions"
    rows = [(clip.clip_id, clip.split, clip.start, clip.end, clip.text) for clip in source.clips]
    assert rows == [
        ("train/v_b/0", "train", 1, 2, "x"),
        ("val_1/v_a/0", "val", 0.5, 4, "A man runs."),
        ("val_2/v_a/0", "val", 0, 20, "A man runs."),
    ]
    assert {clip.group for clip in source.clips} == {"v_a", "v_b"}


@pytest.mark.parametrize("event", [(4, 4), (5, 4), (-1, 4), (3, 21.5)])
def test_an_event_outside_its_video_is_refused_with_its_place(
    tmp_path: Path, event: tuple[float, float]
) -> None:
    source = read_source(write(tmp_path / "train.json", activitynet((0, 20.9), event)))
    assert [clip.end for clip in source.clips] == [20.9]
    assert [line.where for line in source.refused] == ["train.json: v_a, event 2"]


def test_youcook2_has_subsets_and_test_videos_without_events(tmp_path: Path) -> None:
    segment = {"segment": [90, 102], "id": 0, "sentence": "spread margarine"}
    database = {
        "a": {"duration": 241.6, "subset": "validation", "annotations": [segment]},
        "b": {"duration": 50.0, "subset": "testing"},
    }
    path = write(tmp_path / "youcook.json", {"database": database})
    assert detect_layout(path) == "youcook2"
    (clip,) = read_source(path).clips
    assert (clip.media, clip.split, clip.start, clip.end) == ("a", "val", 90, 102)
    assert [(video.split, len(video.events)) for video in read_captioned_videos(path)] == [
        ("val", 1),
        ("test", 0),
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"v_a": {"duration": 9, "timestamps": [[0, 1]], "sentences": []}}, "v_a"),
        ({"v_a": {"duration": 9, "timestamps": [[0]], "sentences": ["x"]}}, "v_a"),
        ({"results": {}}, "no captions of events"),
    ],
)
def test_an_incomplete_record_is_named(tmp_path: Path, content: Any, words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        read_captioned_videos(write(tmp_path / "train.json", content))
