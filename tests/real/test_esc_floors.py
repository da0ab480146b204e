"""The classical floors on the real ESC-10."""

from pathlib import Path

import numpy as np
import pytest

from avtool.benchmarks.esc50.baselines import Settings, run
from avtool.benchmarks.esc50.dataset import EscData, find_esc, inner_split
from avtool.core.reporter import Silent
from avtool.evaluation.baselines import measure_floors
from avtool.media.waveforms import read_waveform


@pytest.fixture(scope="module")
def data(test_data: Path) -> EscData:
    return find_esc("esc10", test_data / "esc10")


def test_the_folds_are_whole_and_apart(data: EscData) -> None:
    assert [len(data.fold(number)[1]) for number in (1, 2, 3, 4, 5)] == [80] * 5
    assert len({clip.source for clip in data.clips}) == 304
    learn, held = inner_split(data.fold(1)[0])
    assert not {clip.source for clip in learn} & {clip.source for clip in held}


def test_half_a_fold_is_enough_to_beat_chance_by_far(data: EscData) -> None:
    """Every other clip of two folds; the whole takes half a minute."""
    clips = [clip for clip in data.clips if clip.fold in (1, 2)][::2]
    waveforms = [np.pad(found := read_waveform(clip.path, 0, 5), (0, 80000 - found.size)) for clip in clips]
    labels = np.array([data.classes.index(clip.label) for clip in clips])
    folds = np.array([clip.fold for clip in clips])
    (floor,) = measure_floors(waveforms, labels, folds, only=[("log-mel statistics", "RBF SVM")])
    assert 55 <= floor.accuracy.mean <= 85


@pytest.mark.slow
def test_all_floors(test_data: Path) -> None:
    report = run(Settings(subset="esc10", data=test_data / "esc10"), Silent())
    floors = {name: values["mean"] for name, values in report.metrics["floors"].items()}
    assert floors["RBF SVM on log-mel statistics"] == pytest.approx(85, abs=2)
    assert floors["linear SVM on log-mel statistics"] == pytest.approx(84.3, abs=2)
    assert floors["1-NN on log-mel statistics"] == pytest.approx(79.8, abs=2)
    assert floors["random forest on log-mel statistics"] == pytest.approx(83.4, abs=3)
    assert 68 <= floors["random forest on MFCC and zero crossings"] <= 80
    assert 60 <= floors["linear SVM on MFCC and zero crossings"] <= 75
