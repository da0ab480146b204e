"""Mining a film of real recordings and real speech, its captions late, stretched and full of traps."""

import dataclasses
import json
from pathlib import Path

import pyarrow.parquet as parquet
import pytest

from avtool.cli.main import run
from avtool.evaluation.mined_events import found_events, read_true_events, score_events
from avtool.synthetic.distort import Distortion
from avtool.synthetic.make_film import make_film
from avtool.synthetic.real_sounds import real_sounds
from avtool.synthetic.real_speech import real_speech

SPEECH = ("jfk_speech.flac", "countdown.mp3", "physics_lecture_5.1_203s.webm")


@pytest.fixture(scope="module")
def banks(test_data):
    """Real sound events of ESC-10 and of `audio/events`, and real speech."""
    esc = real_sounds(test_data / "esc10")
    events = real_sounds(
        test_data / "audio" / "events",
        skip=frozenset({"jfk_speech", "countdown", "physics_lecture_5_1_203s", "physics_lecture_5.1_203s"}),
    )
    sounds = dataclasses.replace(esc, files={**events.files, **esc.files})
    speech = [test_data / "audio" / "events" / name for name in SPEECH]
    return sounds, real_speech([*speech, test_data / "video" / "his_girl_friday_6s.mp4"])


@pytest.mark.parametrize(("style", "seed"), [("netflix", 10), ("disc", 11)])
def test_every_planted_event_is_found_in_time_and_no_trap_becomes_one(banks, tmp_path, style, seed):
    sounds, speech = banks
    film = make_film(
        tmp_path,
        seed=seed,
        minutes=12,
        name="film",
        style=style,
        sounds=sounds,
        speech=speech,
        distortion=Distortion(offset=7.3, ratio=25 / (24000 / 1001)),
        video="none",
    )
    assert run(["mine-subtitles", str(film.film), "--out", str(tmp_path / "out"), "-q"]) == 0
    rows = parquet.read_table(tmp_path / "out" / "manifest.parquet").to_pylist()
    true = read_true_events(film.events)
    scores = score_events(found_events(rows, "film"), true)
    assert len(true) > 60
    assert scores.num_matched == scores.num_true
    assert scores.num_found == scores.num_true, "a trap became an event"
    assert scores.sources_right >= 0.98
    assert scores.qualities_right >= 0.98
    assert scores.start_error(95) <= 0.2
    traps = {trap["text"] for trap in json.loads(Path(film.truth).read_text())["traps"]}
    assert traps
    assert not traps & {row["tag_raw"].strip("[]()") for row in rows}
