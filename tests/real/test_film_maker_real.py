"""Films out of real recordings."""

import json

import numpy as np
import pytest

from avtool.media.audio_decode import decode_audio
from avtool.synthetic.make_film import make_film
from avtool.synthetic.real_sounds import real_sounds
from avtool.synthetic.real_speech import real_speech


@pytest.fixture(scope="module")
def speech(test_data):
    events = test_data / "audio" / "events"
    return real_speech([events / "jfk_speech.flac", events / "countdown.mp3"])


def test_a_film_of_esc10_holds_every_class(test_data, speech, tmp_path):
    sounds = real_sounds(test_data / "esc10")
    assert len(sounds.labels) == 10
    assert all(len(files) == 40 for files in sounds.files.values())
    files = make_film(tmp_path, seed=0, minutes=2, sounds=sounds, speech=speech, style="disc")
    truth = json.loads(files.truth.read_text())
    heard = {event["label"] for event in truth["events"] if event["kind"] == "sound"}
    assert heard == set(sounds.labels)
    sound = decode_audio(files.film, tmp_path / "sound.npy").open()
    assert len(sound) / 16_000 == pytest.approx(120, abs=0.1)
    for event in truth["events"]:
        if event["kind"] == "sound":
            first, last = (round(event[edge] * 16_000) for edge in ("start", "end"))
            peak = np.abs(sound[first:last].astype(int)).max() / 32768
            assert peak > 0.6 * 10 ** (event["gain_db"] / 20)


def test_recordings_named_by_their_class_become_a_bank(test_data):
    speech_files = frozenset({"jfk_speech", "countdown", "physics_lecture_5_1_203s"})
    sounds = real_sounds(test_data / "audio" / "events", skip=speech_files)
    assert set(sounds.labels) == {
        "bear", "birds", "car_engine", "cinematic", "crowd_cheering", "guitar", "jazz_guitar", "rain",
        "t_rex_roar", "typing", "voices_around_a_fire",
    }  # fmt: skip
    for label in sounds.labels:
        assert 0.5 < len(sounds.render(label, 0)) / 16_000 <= 6
        assert sounds.wordings(label)[0].sound or sounds.wordings(label)[0].source


def test_real_speech_is_cut_into_utterances(test_data, speech):
    counts = [len(utterances) for _, utterances in speech.voices]
    assert counts[0] >= 3  # three phrases of the inaugural address
    assert counts[1] == 10  # ten numbers
