"""The published JSON layout, written and read."""

import json

import pytest

from avtool.core.errors import BadInputError
from avtool.mining.sams_layout import SamsClip, read_sams_json, write_sams_json


def test_clips_are_comma_joined_without_repeats_and_gaps(tmp_path):
    path = tmp_path / "val.json"
    clips = [
        SamsClip("FILM/1.wav", ("groan", "exclaim", "groan"), ("person", "", "people", "person")),
        SamsClip("FILM/2.wav", (), ("person",)),
        SamsClip("FILM/3.wav", ("", "ring"), ()),
    ]
    write_sams_json(path, clips)
    assert json.loads(path.read_text()) == {
        "data": [
            {"wav": "FILM/1.wav", "labels": "groan,exclaim", "sources": "person,people"},
            {"wav": "FILM/3.wav", "labels": "ring", "sources": ""},
        ]
    }


def test_what_is_written_reads_back(tmp_path):
    clips = [SamsClip("a/1.wav", ("slam",), ("door",)), SamsClip("b/2.wav", ("laugh", "cry"), ())]
    write_sams_json(tmp_path / "x.json", clips)
    assert read_sams_json(tmp_path / "x.json") == clips


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not JSON"),
        ("[1]", "no list `data`"),
        ('{"data": 3}', "no list `data`"),
        ('{"data": [{"wav": "a", "labels": "b"}, {"wav": "a"}]}', "row 1"),
        ('{"data": [7]}', "row 0"),
        ('{"data": [{"wav": "a", "labels": "b", "sources": 1}]}', "row 0"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_another_layout_is_refused(tmp_path, content, message):
    path = tmp_path / "x.json"
    path.write_text(content)
    with pytest.raises(BadInputError, match=message) as caught:
        read_sams_json(path)
    assert caught.value.hint


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BadInputError, match=r"x\.json"):
        read_sams_json(tmp_path / "x.json")
