"""The classical baselines on the real ESC-10."""

from pathlib import Path

import numpy as np
import pytest

from avtool.benchmarks.runner.data import BenchmarkData
from avtool.benchmarks.runner.report import classical_baselines
from avtool.core.reporter import Silent
from avtool.evaluation.baselines import measure_baselines
from avtool.media.waveforms import read_waveform
from tests.unit.benchmarks.runner.esc_samples import read_esc10


@pytest.fixture(scope="module")
def data(test_data: Path) -> BenchmarkData:
    return read_esc10(test_data / "esc10")


def test_the_folds_are_whole_and_apart(data: BenchmarkData) -> None:
    assert [len(data.fold(number).test) for number in (1, 2, 3, 4, 5)] == [80] * 5
    assert len(set(data.clips.column("group"))) == 304


def test_half_a_fold_is_enough_to_beat_chance_by_far(data: BenchmarkData) -> None:
    """Every other clip of two folds; the whole takes half a minute."""
    clips = [clip for clip in data.clips if clip.fold in (1, 2)][::2]
    waveforms = [
        np.pad(found := read_waveform(Path(clip.media), 0, 5), (0, 80000 - found.size)) for clip in clips
    ]
    labels = np.array([data.classes.index(clip.labels[0]) for clip in clips])
    folds = np.array([clip.fold for clip in clips])
    (found,) = measure_baselines(waveforms, labels, folds, only=[("log-mel statistics", "RBF SVM")])
    assert 55 <= found.accuracy.mean <= 85


@pytest.mark.slow
def test_all_baselines(data: BenchmarkData) -> None:
    measured = classical_baselines(data, [1, 2, 3, 4, 5], 0, Silent())
    found = {entry.name: entry.accuracy.mean for entry in measured}
    assert found["RBF SVM on log-mel statistics"] == pytest.approx(85, abs=2)
    assert found["linear SVM on log-mel statistics"] == pytest.approx(84.3, abs=2)
    assert found["1-NN on log-mel statistics"] == pytest.approx(79.8, abs=2)
    assert found["random forest on log-mel statistics"] == pytest.approx(83.4, abs=3)
    assert 68 <= found["random forest on MFCC and zero crossings"] <= 80
    assert 60 <= found["linear SVM on MFCC and zero crossings"] <= 75
