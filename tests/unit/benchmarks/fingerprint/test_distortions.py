"""Distortions do what their names mean, and the same again for the same seed."""

import numpy as np
import pytest

from avtool.benchmarks.fingerprint.audio_distortions import AUDIO_DISTORTIONS
from avtool.benchmarks.fingerprint.distortions import DISTORTIONS
from avtool.benchmarks.fingerprint.frame_distortions import FRAME_DISTORTIONS
from avtool.benchmarks.fingerprint.recording import Recording

RATE = 16000


def audio(seconds: float = 2.0) -> np.ndarray:
    t = np.arange(round(seconds * RATE)) / RATE
    return (0.2 * np.sin(2 * np.pi * 440 * t) + 0.1 * np.sin(2 * np.pi * 5000 * t)).astype(np.float32)


def frames(count: int = 8) -> np.ndarray:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (count, 6, 8, 3), dtype=np.uint8)
    return coarse.repeat(8, axis=1).repeat(8, axis=2)


def recording() -> Recording:
    return Recording("clip", np.tile(audio(), 3), RATE, np.tile(frames(), (6, 1, 1, 1)), 8.0)


def level_db(samples: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64))))


def strength(samples: np.ndarray, frequency: float) -> float:
    return float(np.abs(np.exp(-2j * np.pi * frequency * np.arange(len(samples)) / RATE) @ samples)) / len(
        samples
    )


@pytest.mark.parametrize("distortion", DISTORTIONS, ids=lambda d: d.name)
def test_a_seed_gives_the_same_copy_again(distortion) -> None:
    first, again = distortion(recording(), 3), distortion(recording(), 3)
    assert np.array_equal(first.audio, again.audio)
    assert np.array_equal(first.frames, again.frames)
    changed = {"audio": first.audio, "video": first.frames}
    whole = {"audio": recording().audio, "video": recording().frames}
    for part, value in changed.items():
        touched = distortion.part in {part, "both"}
        assert np.array_equal(value, whole[part]) is not touched


@pytest.mark.parametrize("name", [name for name in AUDIO_DISTORTIONS if name != "speed 1.05"])
def test_sound_keeps_its_length_and_kind(name: str) -> None:
    changed = AUDIO_DISTORTIONS[name](audio(), RATE, np.random.default_rng(0))
    assert changed.dtype == np.float32
    assert len(changed) == len(audio())
    assert float(np.abs(changed).max()) <= 1


def test_noise_is_10_db_below_the_sound() -> None:
    changed = AUDIO_DISTORTIONS["white noise 10 dB"](audio(), RATE, np.random.default_rng(0))
    assert level_db(audio()) - level_db(changed - audio()) == pytest.approx(10, abs=0.2)


def test_the_low_pass_takes_what_is_above_2_khz() -> None:
    changed = AUDIO_DISTORTIONS["low-pass 2 kHz"](audio(), RATE, np.random.default_rng(0))
    assert strength(changed, 5000) < 0.01 * strength(audio(), 5000)
    assert strength(changed, 440) == pytest.approx(strength(audio(), 440), rel=0.02)


@pytest.mark.parametrize("rate", [16000, 20000, 44100])
def test_mp3_stays_in_place(rate: int) -> None:
    """A click is where it was: what the codec delays is taken back."""
    click = np.zeros(2 * rate, np.float32)
    click[rate : rate + 40] = 0.8
    changed = AUDIO_DISTORTIONS["MP3 32 kbit/s"](click, rate, np.random.default_rng(0))
    assert len(changed) == len(click)
    assert abs(int(np.abs(changed).argmax()) - rate) < 0.01 * rate
    assert not np.array_equal(changed, click)


def test_quieter_by_20_db() -> None:
    changed = AUDIO_DISTORTIONS["gain -20 dB"](audio(), RATE, np.random.default_rng(0))
    assert level_db(audio()) - level_db(changed) == pytest.approx(20, abs=1e-3)


def test_a_room_rings_after_the_audio() -> None:
    click = np.zeros(RATE, np.float32)
    click[100] = 1.0
    changed = AUDIO_DISTORTIONS["reverberation"](click, RATE, np.random.default_rng(0))
    assert level_db(changed[1000:3000]) > level_db(changed[7000:9000]) + 20
    assert not changed[:100].round(6).any()


def test_faster_is_shorter_and_higher() -> None:
    changed = AUDIO_DISTORTIONS["speed 1.05"](audio(), RATE, np.random.default_rng(0))
    assert len(changed) == pytest.approx(len(audio()) / 1.05, abs=2)
    assert strength(changed, 440 * 1.05) > 20 * strength(changed, 440)


@pytest.mark.parametrize("name", list(FRAME_DISTORTIONS))
def test_frames_keep_their_shape(name: str) -> None:
    changed = FRAME_DISTORTIONS[name](frames(), np.random.default_rng(0))
    assert changed.shape == frames().shape
    assert changed.dtype == np.uint8


def change(name: str) -> np.ndarray:
    return FRAME_DISTORTIONS[name](frames(), np.random.default_rng(0)).astype(int)


def test_what_becomes_of_frames() -> None:
    whole = frames().astype(int)
    assert np.array_equal(change("mirror")[:, :, ::-1], whole)
    assert np.array_equal(change("half frame rate")[1::2], whole[::2])
    assert not change("text bar 15 %")[:, 42:44].all()
    assert np.array_equal(change("text bar 15 %")[:, :40], whole[:, :40])
    assert np.abs(np.diff(change("blur 2 px"), axis=2)).max() < np.abs(np.diff(whole, axis=2)).max() / 2
    ratio = change("brightness 40 %").sum() / whole.sum()
    assert min(abs(ratio - 0.6), abs(ratio - 1.4)) < 0.25
    assert 1 < np.abs(change("JPEG 10-50") - whole).mean() < 40


def test_the_crop_shows_the_middle() -> None:
    middle = np.zeros((1, 100, 100, 3), np.uint8)
    middle[:, 15:85, 15:85] = 255
    cropped = FRAME_DISTORTIONS["centre crop 70 %"](middle, np.random.default_rng(0))
    assert cropped.min() == 255


def test_a_trimmed_copy_lasts_three_seconds_of_the_clip() -> None:
    trimmed = DISTORTIONS[-1](recording(), 0)
    assert trimmed.seconds == pytest.approx(3.0, abs=0.01)
    assert len(trimmed.frames) == 24


def test_a_short_clip_is_not_trimmed_further() -> None:
    short = recording().span(0.0, 2.0)
    assert DISTORTIONS[-1](short, 0).seconds == pytest.approx(2.0)
