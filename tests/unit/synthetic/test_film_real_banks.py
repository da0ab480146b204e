"""Banks of recordings: the folder layouts, and where a sound begins."""

import numpy as np
import pytest
import soundfile
from scipy.signal import correlate

from avtool.core.errors import BadInputError
from avtool.synthetic.real_sounds import real_sounds, trim_silence
from avtool.synthetic.real_speech import cut_utterances, real_speech
from avtool.synthetic.sounds import SyntheticSounds
from avtool.synthetic.speech import SyntheticSpeech

RATE = 16_000


def save(path, seconds=0.5, lead=0.0):
    path.parent.mkdir(parents=True, exist_ok=True)
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * RATE)) / RATE)
    soundfile.write(path, np.concatenate([np.zeros(round(lead * RATE)), tone]), RATE)


def test_esc50_layout(tmp_path):
    for name in ("1-1-A-0.wav", "1-2-A-10.wav", "2-3-A-0.wav"):
        save(tmp_path / "audio" / name)
    (tmp_path / "meta").mkdir()
    rows = "1-1-A-0.wav,dog\n1-2-A-10.wav,rain\n2-3-A-0.wav,dog\n5-9-A-1.wav,rooster\n"
    (tmp_path / "meta" / "esc50.csv").write_text("filename,category\n" + rows)
    bank = real_sounds(tmp_path)
    assert bank.labels == ("dog", "rain")
    assert len(bank.files["dog"]) == 2
    assert bank.wordings("dog")[0].sound == "bark"


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("birds1.wav", "birds"),
        ("t-rex-roar.wav", "t_rex_roar"),
        ("1-24074-A-43.wav", "car_horn"),
        ("Car Horn/one.wav", "car_horn"),
        ("42.wav", "42"),
    ],
)
def test_labels_come_from_names(tmp_path, name, label):
    save(tmp_path / name)
    assert real_sounds(tmp_path).labels == (label,)


def test_classes_can_be_left_out(tmp_path):
    save(tmp_path / "rain.wav")
    save(tmp_path / "speech.wav")
    assert real_sounds(tmp_path, skip=frozenset({"speech"})).labels == ("rain",)


def test_leading_silence_is_cut_off(tmp_path):
    save(tmp_path / "rain.wav", seconds=0.5, lead=0.7)
    sound = real_sounds(tmp_path).render("rain", 0)
    assert len(sound) / RATE == pytest.approx(0.5, abs=0.011)
    assert np.abs(sound[:160]).max() > 0.1


def test_a_sound_begins_above_the_noise_of_its_recording():
    rng = np.random.default_rng(0)
    samples = 0.02 * rng.standard_normal(2 * RATE)
    bark = SyntheticSounds().render("dog", 1)
    samples[RATE : RATE + len(bark)] += bark[: len(samples) - RATE]
    kept = trim_silence(samples.astype(np.float32), RATE)
    first = correlate(samples, kept, mode="valid").argmax()
    assert first == pytest.approx(RATE, abs=0.02 * RATE)
    assert len(kept) < len(bark)


def test_a_steady_recording_stays_whole():
    rain = np.random.default_rng(0).standard_normal(3 * RATE).astype(np.float32)
    assert len(trim_silence(rain, RATE)) == 3 * RATE


def test_a_silent_recording_is_refused(tmp_path):
    soundfile.write(tmp_path / "rain.wav", np.zeros(RATE), RATE)
    with pytest.raises(BadInputError, match="silent"):
        real_sounds(tmp_path).render("rain", 0)


def test_a_folder_without_sounds_is_refused(tmp_path):
    with pytest.raises(BadInputError, match="no audio files"):
        real_sounds(tmp_path)


def test_speech_is_cut_at_its_pauses(tmp_path):
    speech = SyntheticSpeech()
    lines = [
        speech.render(text, 0, 0) for text in ("Where are you going?", "I told you to wait.", "Come in.")
    ]
    pause = np.zeros(RATE // 2, np.float32)
    recording = np.concatenate([part for line in lines for part in (pause, line)]) * 0.1
    utterances = cut_utterances(recording, RATE)
    assert len(utterances) == 3
    for (first, last), line in zip(utterances, lines, strict=True):
        assert abs((last - first) - len(line)) / RATE < 0.15
    soundfile.write(tmp_path / "speech.wav", recording, RATE)
    bank = real_speech([tmp_path / "speech.wav"])
    assert bank.num_voices == 1
    assert np.array_equal(bank.render("anything", 5, 4), bank.render("else", 0, 1))


def test_recordings_without_speech_are_refused(tmp_path):
    soundfile.write(tmp_path / "nothing.wav", np.zeros(RATE), RATE)
    with pytest.raises(BadInputError, match="no speech"):
        real_speech([tmp_path / "nothing.wav"])
