"""Babble that detectors of speech take for speech."""

import numpy as np
import pytest

from avtool.mining.sync.vad import speech_signal
from avtool.synthetic.speech import SyntheticSpeech

SPEECH = SyntheticSpeech()
LINES = (
    "Where did you put the keys?",
    "Nobody comes here any more, not since the fire.",
    "Stay where you are.",
)


def conversation():
    """Lines of all voices with pauses. Returns the sound at 16 kHz, and a truth value every 10 ms."""
    rng = np.random.default_rng(0)
    sound, truth = [], []
    for turn in range(12):
        line = SPEECH.render(LINES[turn % 3], turn, turn)
        line = line[: len(line) // 160 * 160] * 10 ** (-21 / 20)
        pause = np.zeros(160 * int(rng.integers(60, 200)), np.float32)
        sound += [pause, line]
        truth += [np.zeros(len(pause) // 160, bool), np.ones(len(line) // 160, bool)]
    mix = np.concatenate(sound)
    mix = mix + rng.standard_normal(len(mix)).astype(np.float32) * 10 ** (-66 / 20)
    return np.round(np.clip(mix, -1, 1) * 32767).astype(np.int16), np.concatenate(truth)


@pytest.mark.parametrize("method", ["webrtc", "silero"])
def test_detectors_hear_the_babble_and_not_the_pauses(method):
    sound, truth = conversation()
    heard = speech_signal(sound, method=method) > 0.5
    assert np.mean(heard[truth]) > 0.9
    assert np.mean(heard[~truth]) < 0.15


def test_a_reading_is_always_the_same_and_no_other():
    assert np.array_equal(SPEECH.render(LINES[0], 1, 5), SPEECH.render(LINES[0], 1, 5))
    assert SPEECH.render(LINES[0], 1, 5).shape != SPEECH.render(LINES[0], 1, 6).shape


def test_loudness_does_not_depend_on_the_voice():
    for voice in range(SPEECH.num_voices):
        line = SPEECH.render(LINES[1], voice, 0)
        assert 0.5 < np.sqrt(np.mean(line**2)) <= 1.01


def test_the_length_is_known_before_rendering():
    for voice, text in enumerate(LINES):
        assert len(SPEECH.render(text, voice, 3)) / 16_000 == SPEECH.seconds(text, voice, 3)


def test_a_longer_text_takes_longer():
    assert len(SPEECH.render(LINES[1], 0, 0)) > 1.5 * len(SPEECH.render(LINES[2], 0, 0))


@pytest.mark.parametrize("text", ["", "1942?!", "…"])
def test_text_without_letters_is_still_a_sound(text):
    assert len(SPEECH.render(text, 0, 0)) > 800
