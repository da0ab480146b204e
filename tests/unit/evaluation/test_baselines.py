"""Classical baselines on tones that differ, and on tones that do not."""

import numpy as np
import pytest

from avtool.evaluation.baselines import (
    FEATURES,
    SAMPLE_RATE,
    classifiers,
    cross_validate,
    log_mel_statistics,
    measure_baselines,
    mfcc_statistics,
)

FOLDS = np.repeat(np.arange(1, 6), 6)
LABELS = np.tile(np.arange(3), 10)


def tones(frequencies: tuple[float, ...]) -> list[np.ndarray]:
    generator = np.random.default_rng(0)
    time = np.arange(SAMPLE_RATE // 2) / SAMPLE_RATE
    return [
        (0.3 * np.sin(2 * np.pi * frequencies[label] * time + generator.uniform(0, 6))).astype(np.float32)
        + generator.normal(0, 0.01, time.size).astype(np.float32)
        for label in LABELS
    ]


def test_every_baseline_separates_tones() -> None:
    fast = [(features, name) for features in FEATURES for name in ("1-NN", "linear SVM", "RBF SVM")]
    baselines = measure_baselines(tones((300, 1000, 3000)), LABELS, FOLDS, only=fast)
    assert len(baselines) == 6
    for baseline in baselines:
        assert baseline.accuracy.values == (100.0,) * 5


def test_no_baseline_finds_what_is_not_there() -> None:
    """With the same tone for all, labels are chance; a leak between folds would show here."""
    features = log_mel_statistics(tones((1000, 1000, 1000)))
    for name in ("1-NN", "RBF SVM"):
        assert cross_validate(features, LABELS, FOLDS, classifiers()[name]).mean < 60


def test_features_of_silence() -> None:
    silence = [np.zeros(SAMPLE_RATE, np.float32)]
    log_mel = log_mel_statistics(silence)
    assert log_mel.shape == (1, 512)
    np.testing.assert_allclose(log_mel[0, [0, 128, 256, 384]], [-15.942385, 0, -15.942385, 0], atol=1e-5)
    assert mfcc_statistics(silence).shape == (1, 26)


def test_zero_crossings_are_counted() -> None:
    """A tone of f Hz crosses zero 2 f times a second; a window of 400 samples has 399 steps."""
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    tone = np.sin(2 * np.pi * 1000 * time + 0.1).astype(np.float32)
    assert mfcc_statistics([tone])[0, 12] == pytest.approx(2000 / SAMPLE_RATE, abs=1 / 399)
