"""Whole films: the same every time, in sync with their truth, in every container."""

import csv
import json

import av
import numpy as np
import pysubs2
import pytest

from avtool.core.errors import BadInputError
from avtool.core.files import sha256_of
from avtool.media.audio_decode import decode_audio
from avtool.synthetic.make_film import make_film, make_film_set

QUICK = {"seed": 3, "minutes": 0.5, "video": "static"}


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return make_film(tmp_path_factory.mktemp("plain"), **QUICK)


def truth_of(files):
    return json.loads(files.truth.read_text(encoding="utf-8"))


def isolated_sounds(truth):
    """The sound events with quiet before them and alone at their start."""
    spans = [(thing["start"], thing["end"]) for thing in truth["events"] + truth["utterances"]]
    for event in truth["events"]:
        start = event["start"]
        others = [(a, b) for a, b in spans if a != start]
        if event["kind"] == "sound" and not any(a < start + 0.1 and b > start - 0.25 for a, b in others):
            yield event


@pytest.mark.parametrize("container", ["mkv", "mp4", "webm", "m4a"])
def test_sounds_are_heard_when_the_truth_says(container, tmp_path):
    files = make_film(tmp_path, **QUICK | {"container": container, "minutes": 1.0})
    sound = decode_audio(files.film, tmp_path / "sound.npy").open() / 32768
    assert len(sound) / 16_000 == pytest.approx(60, abs=0.1)
    events = list(isolated_sounds(truth_of(files)))
    assert len(events) >= 3
    for event in events:
        first = round(event["start"] * 16_000)
        threshold = max(0.03 * 10 ** (event["gain_db"] / 20), 10 ** (-50 / 20))
        window = np.abs(sound[first - 4000 : first + 4000]) > threshold
        assert window.argmax() - 4000 == pytest.approx(0, abs=320), event["label"]  # 20 ms


def test_the_same_arguments_write_the_same_bytes(tmp_path):
    films = [make_film(tmp_path / name, **QUICK | {"video": "drawn", "minutes": 0.25}) for name in ("a", "b")]
    for kind in ("film", "captions", "truth", "events"):
        first, second = (sha256_of(getattr(files, kind)) for files in films)
        assert first == second, kind


def test_style_and_distortion_change_the_captions_and_not_the_film(plain, tmp_path):
    other = make_film(tmp_path, **QUICK, style="disc", distortion="late")
    assert sha256_of(plain.film) == sha256_of(other.film)
    assert plain.captions.read_text() != other.captions.read_text()


def test_captions_are_where_the_truth_says(tmp_path):
    files = make_film(tmp_path, **QUICK, distortion="late")
    cues = truth_of(files)["cues"]
    read = pysubs2.load(str(files.captions), encoding="utf-8")
    assert [event.start for event in read] == [cue["caption_start_ms"] for cue in cues]
    assert all(cue["caption_start_ms"] == cue["start_ms"] + 3200 for cue in cues)


@pytest.mark.parametrize("container", ["mkv", "mp4", "webm"])
def test_captions_can_be_a_stream_of_the_film(container, tmp_path):
    files = make_film(tmp_path, **QUICK, container=container, captions="inside")
    assert files.captions is None
    cues = truth_of(files)["cues"]
    with av.open(str(files.film)) as film:
        (stream,) = film.streams.subtitles
        packets = [packet for packet in film.demux(stream) if packet.size > 2]
    assert [round(packet.pts * packet.time_base * 1000) for packet in packets] == [
        c["start_ms"] for c in cues
    ]
    assert cues[0]["text"].encode() in bytes(packets[0])


def test_the_event_table_and_the_truth_agree(plain):
    with plain.events.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    events = truth_of(plain)["events"]
    assert [row["tag"] for row in rows] == [event["tag"] for event in events]
    assert [float(row["start"]) for row in rows] == pytest.approx(
        [event["start"] for event in events], abs=1e-4
    )


def test_pictures_last_as_long_as_the_sound(tmp_path):
    files = make_film(tmp_path, **QUICK, frame_rate=10, size=(32, 48))
    with av.open(str(files.film)) as film:
        frames = list(film.decode(video=0))
    assert len(frames) == 300
    assert (frames[0].height, frames[0].width) == (32, 48)


def test_a_film_can_have_no_picture(tmp_path):
    files = make_film(tmp_path, **QUICK | {"video": "none"})
    with av.open(str(files.film)) as film:
        assert not film.streams.video


def test_a_set_of_films_has_a_table(tmp_path):
    made = make_film_set(tmp_path, films=3, seed=1, minutes=0.25, video="none")
    with made.table.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["film"] for row in rows] == ["film1.mkv", "film2.mkv", "film3.mkv"]
    assert all((tmp_path / row["captions"]).is_file() for row in rows)
    assert len({sha256_of(files.film) for files in made.films}) == 3


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"minutes": 0.1}, "too short"),
        ({"container": "avi"}, "avi"),
        ({"captions": "doc"}, "doc"),
        ({"video": "painted"}, "painted"),
        ({"size": (33, 48)}, "48x33"),
        ({"style": "none"}, "style"),
        ({"distortion": "wobble"}, "wobble"),
    ],
)
def test_what_cannot_be_made_is_refused_before_anything_is_written(wrong, words, tmp_path):
    with pytest.raises(BadInputError, match=words):
        make_film(tmp_path / "out", **QUICK | wrong)
    assert not (tmp_path / "out").exists()
