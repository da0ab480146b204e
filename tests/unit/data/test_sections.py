import pytest

from avtool.data.manifest import Clip
from avtool.data.sections import divide_long
from tests.harness import make_manifest


def test_long_clips_become_sections_of_equal_length(tmp_path):
    clips = [Clip("a", "a.mkv", 0.0, 8.0, group="g"), Clip("film", "f.mkv", 5.0, 30.0, "train", 2, ("x",))]
    manifest = divide_long(make_manifest(tmp_path, clips), 10.0)
    assert manifest.column("clip_id") == ["a", "film#0", "film#1", "film#2"]
    assert manifest.column("group") == ["g"] + ["f.mkv"] * 3
    assert [clip.duration for clip in manifest] == pytest.approx([8.0] + [25 / 3] * 3)
    assert manifest[1].start == 5.0
    assert manifest[2].start == pytest.approx(manifest[1].end)
    assert manifest[3].end == 30.0
    assert (manifest[3].split, manifest[3].fold, manifest[3].labels) == ("train", 2, ("x",))


def test_pictures_stay_with_the_sound(tmp_path):
    extras = {"film": "f.mkv", "film_start": 100.0, "film_end": 120.0}
    manifest = divide_long(make_manifest(tmp_path, [Clip("a", "a.flac", 0.0, 20.0, extras=extras)]), 10.0)
    assert manifest[1].audio[1:] == (10.0, 20.0)
    assert manifest[1].video == ("f.mkv", 110.0, 120.0)


def test_nothing_changes_where_all_are_short(tmp_path):
    manifest = make_manifest(tmp_path, [Clip("a", "a.mkv", 0.0, 8.0)])
    assert divide_long(manifest, 8.0) is manifest
