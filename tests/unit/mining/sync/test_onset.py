import numpy as np
import pytest

from avtool.mining.onset import refine_onset

RATE = 16000


def noise(seconds=4.0, level=0.01, seed=0, rate=RATE):
    return np.random.default_rng(seed).normal(scale=level, size=int(seconds * rate)).astype(np.float32)


def with_audio(kind, onset_s, rate=RATE):
    samples = noise(rate=rate)
    first = round(onset_s * rate)
    time = np.arange(len(samples) - first) / rate
    sounds = {
        "slam": noise(seed=1, level=0.2, rate=rate)[: len(time)] * np.exp(-time / 0.1),
        "beep": 0.2 * np.sin(2 * np.pi * 440 * time) * np.exp(-time / 0.5),
        "engine": noise(seed=2, level=0.05, rate=rate)[: len(time)],
    }
    samples[first:] += sounds[kind]
    return samples.astype(np.float32)


@pytest.mark.parametrize("kind", ["slam", "beep", "engine"])
@pytest.mark.parametrize("onset_s", [1.42, 1.9, 2.0, 2.613])
@pytest.mark.parametrize("rate", [RATE, 44100])
def test_sudden_sound_is_found_to_20_ms(kind, onset_s, rate):
    found = refine_onset(with_audio(kind, onset_s, rate), rate, 2.0)
    assert found == pytest.approx(onset_s, abs=0.02)


def test_integers_and_floats_agree():
    samples = with_audio("slam", 1.8)
    integers = (samples * 32768).clip(-32768, 32767).astype(np.int16)
    assert refine_onset(integers, RATE, 2.0) == refine_onset(samples, RATE, 2.0)


def test_steady_noise_has_no_onset():
    found = [refine_onset(noise(seed=seed), RATE, 2.0) for seed in range(20)]
    assert found.count(None) >= 19


def test_silence_has_no_onset():
    assert refine_onset(np.zeros(4 * RATE, np.int16), RATE, 2.0) is None


def test_sound_outside_of_the_window_is_not_taken():
    assert refine_onset(with_audio("slam", 1.0), RATE, 2.0) is None
    assert refine_onset(with_audio("slam", 1.0), RATE, 2.0, window_s=1.2) == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("start_s", [-5.0, 0.0, 0.02, 3.99, 4.0, 100.0])
def test_ends_of_the_recording_are_no_onsets(start_s):
    assert refine_onset(noise(), RATE, start_s) is None


@pytest.mark.parametrize("num_samples", [0, 1, 500, 1200])
def test_recording_shorter_than_a_few_frames_has_none(num_samples):
    assert refine_onset(np.ones(num_samples, np.int16), RATE, 0.0) is None
