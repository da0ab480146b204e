"""The clips of a dataset after a review: what a training sees of it."""

from pathlib import Path

import pytest

from avtool.core.errors import BadInputError
from avtool.core.reporter import Recorder
from avtool.data.manifest import Clip, read_manifest
from avtool.data.reviewed import reviewed
from avtool.mining.review.decisions import Decision
from avtool.mining.review.journal import Journal
from tests.harness import make_manifest
from tests.reviewed_events import SOUNDS, write_events


def journal(path: Path, *rows: Decision) -> Path:
    writer = Journal(path)
    writer.append([*rows])
    writer.close()
    return path


def test_rejected_relabelled_moved_and_split_clips(tmp_path: Path):
    manifest = read_manifest(write_events(tmp_path, 6))
    path = journal(
        tmp_path / "review.parquet",
        Decision("1", "film0/00001-1", verdict="rejected"),
        Decision("2", "film0/00002-1", verdict="accepted", sounds=("ring", "unheard"), sources=("bell",)),
        Decision("3", "film0/00003-1", verdict="accepted", start=9.2, end=10.0),
        Decision("4", "film0/00004-1", end=13.7),
        Decision("4", "film0/00004-1+2", start=13.7, end=14.5, parent="film0/00004-1", sounds=("laugh",)),
        Decision("5", "film0/00005-1", verdict="accepted", tag="[another caption]", sounds=("bark",)),
        Decision("6", "film9/00001-1", verdict="rejected"),
    )
    recorder = Recorder()
    clips = reviewed(manifest, path, recorder, SOUNDS)
    ids = ["00002-1", "00003-1", "00004-1", "00004-1+2", "00005-1", "00006-1"]
    assert [clip.clip_id for clip in clips] == [f"film0/{name}" for name in ids]
    labelled, moved, left, right, stale, untouched = clips
    assert (labelled.labels, labelled.extras["sounds"]) == (("ring",), ["ring", "unheard"])
    assert labelled.extras["sources_stated"] == ["bell"]
    assert (moved.start, moved.end) == (pytest.approx(8.7), pytest.approx(10.5))  # the collar of 0.5 s stays
    assert (moved.extras["event_start"], moved.extras["event_end"]) == (9.2, 10.0)
    assert (left.extras["event_end"], right.extras["event_start"]) == (13.7, 13.7)
    assert right.labels == ("laugh",)
    assert right.split == left.split
    assert stale.labels == ("laugh",)
    assert untouched == manifest[5]
    text = " ".join(recorder.warnings)
    assert "2 decisions" in text
    assert "`unheard`" in text


def test_moved_clips_that_were_cut_stay_inside_their_files(tmp_path: Path):
    extras = {
        "film": "film.mkv", "film_start": 10.0, "film_end": 13.0, "event_start": 11.0, "event_end": 12.0,
        "tag_raw": "[bark]", "sounds": ["bark"], "sources_stated": [], "qualities": [],
    }  # fmt: skip
    manifest = make_manifest(tmp_path, [Clip("f/1", "a.wav", 0.0, 3.0, labels=("bark",), extras=extras)])
    recorder = Recorder()
    path = journal(tmp_path / "one.parquet", Decision("1", "f/1", start=11.5, end=12.0))
    [clip] = reviewed(manifest, path, recorder)
    assert (clip.start, clip.end, clip.extras["film_start"]) == (0.5, 3.0, 10.5)
    assert not recorder.warnings
    path = journal(tmp_path / "two.parquet", Decision("1", "f/1", start=9.0, end=14.0))
    [clip] = reviewed(manifest, path, recorder)
    assert (clip.start, clip.end, clip.extras["event_end"]) == (0.0, 3.0, 14.0)
    assert "mine-subtitles --review" in recorder.warnings[0]


def test_plain_clips_are_relabelled_and_cut_anew(tmp_path: Path):
    clips = [Clip(f"c{n}", "a.wav", 1.0 * n, n + 1.0, labels=("dog",), text="a dog") for n in range(3)]
    manifest = make_manifest(tmp_path, clips)
    path = journal(
        tmp_path / "review.parquet",
        Decision("1", "c0", sounds=("cat",), verdict="accepted"),
        Decision("2", "c1", start=1.25, end=1.5),
        Decision("3", "c2", verdict="rejected"),
    )
    first, second = reviewed(manifest, path, Recorder())
    assert first.labels == ("cat",)
    assert (second.start, second.end, second.labels) == (1.25, 1.5, ("dog",))


def test_a_review_that_rejects_all_clips_is_refused(tmp_path: Path):
    manifest = make_manifest(tmp_path, [Clip("c", "a.wav", 0.0, 1.0)])
    path = journal(tmp_path / "review.parquet", Decision("1", "c", verdict="rejected"))
    with pytest.raises(BadInputError, match="rejects every clip"):
        reviewed(manifest, path, Recorder())
