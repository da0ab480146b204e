"""The synthetic sounds: heard at once, different from each other, the same every time."""

import numpy as np
import pytest

from avtool.synthetic.sounds import SyntheticSounds, known_labels, known_wordings

SOUNDS = SyntheticSounds()


def loudness_db(samples, frame=80):
    frames = samples[: len(samples) // frame * frame].reshape(-1, frame)
    return 20 * np.log10(np.sqrt(np.mean(frames**2, axis=1)) + 1e-9)


def features(samples):
    """Log energies of 24 bands: their means, their deviations and how fast they change."""
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(samples, (0, 800)), 512)[::256]
    power = np.abs(np.fft.rfft(frames * np.hanning(512))) ** 2
    edges = np.unique(np.geomspace(2, 256, 25).astype(int))
    bands = np.log(np.add.reduceat(power, edges[:-1], axis=1) + 1e-6)
    return np.concatenate([bands.mean(0), bands.std(0), np.diff(bands, axis=0).std(0)])


def test_there_are_at_least_twenty_classes():
    assert len(SOUNDS.labels) >= 20


@pytest.mark.parametrize("label", SOUNDS.labels)
def test_a_sound_is_finite_scaled_and_heard_at_once(label):
    for variant in (0, 1):
        samples = SOUNDS.render(label, variant)
        assert np.isfinite(samples).all()
        assert np.abs(samples).max() == pytest.approx(1)
        assert loudness_db(samples)[:4].max() > -38  # within 20 ms


@pytest.mark.parametrize("label", ["door_slam", "rain"])
def test_a_variant_is_always_the_same_and_no_other(label):
    assert np.array_equal(SOUNDS.render(label, 7), SOUNDS.render(label, 7))
    first, second = SOUNDS.render(label, 7), SOUNDS.render(label, 8)
    assert first.shape != second.shape or not np.allclose(first, second)


def test_classes_can_be_told_apart_by_their_spectrum():
    variants = range(5)
    points = np.array([features(SOUNDS.render(label, v)) for label in SOUNDS.labels for v in variants])
    points = (points - points.mean(0)) / points.std(0)
    classes = np.repeat(np.arange(len(SOUNDS.labels)), len(variants))
    distance = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    assert np.mean(classes[distance.argmin(axis=1)] == classes) > 0.9


def test_a_higher_sampling_rate_changes_neither_length_nor_class():
    low, high = SOUNDS.render("siren", 1), SyntheticSounds(sample_rate=48_000).render("siren", 1)
    assert len(high) / 48_000 == pytest.approx(len(low) / 16_000, abs=0.001)


def test_every_class_has_wordings_with_labels():
    for label in SOUNDS.labels:
        assert len(known_wordings(label)) >= 2
    for label in known_labels():
        for wording in known_wordings(label):
            assert wording.tag == wording.tag.lower().strip()
            assert wording.sound or wording.source


def test_an_unknown_class_is_written_as_it_is_called():
    assert known_wordings("steam_hammer")[0].tag == "steam hammer"
