import numpy as np
import pytest

from avtool.mining.sync.correlate import COARSE_RATE, Spans, SpeechContrast
from avtool.mining.sync.evidence import z_score
from avtool.mining.sync.search import RATIOS, ratio_grid, refine, window_curves
from avtool.mining.sync.time_map import IDENTITY, TimeMap
from tests.unit.mining.sync.films import exact_speech, random_cues


@pytest.mark.parametrize("duration_s", [30.0, 400.0, 3600.0, 11000.0])
def test_ratio_grid_holds_every_frame_rate_ratio_and_leaves_no_gap(duration_s):
    ratios, step = ratio_grid(duration_s)
    assert set(RATIOS) <= set(ratios)
    assert (np.diff(ratios) > 0).all()
    if len(ratios) > len(RATIOS):
        near_one = ratios[np.abs(ratios - 1) < 0.003]
        assert np.diff(near_one).max() <= step * 1.001
        assert abs(near_one[0] - 0.997) < step


def test_window_curves_add_up_to_the_correlation_over_the_whole_film():
    rng = np.random.default_rng(3)
    starts, ends = random_cues(45, rng)
    contrast = SpeechContrast.of(exact_speech(starts, ends, 45))
    curve = window_curves(Spans(starts, ends), contrast, 1.0, 30.0).sum(axis=0)
    shown = (ends - starts).sum()
    for offset_s in (-24.0, -3.2, 0.0, 12.8):
        under = contrast.under(starts + offset_s, ends + offset_s).sum()
        place = len(curve) // 2 + round(offset_s * COARSE_RATE)
        assert curve[place] == pytest.approx(under / np.sqrt(shown * contrast.energy), abs=0.02)
    assert curve.argmax() == len(curve) // 2


def test_refine_finds_ratio_and_offsets_between_grid_points():
    rng = np.random.default_rng(4)
    starts, ends = random_cues(60, rng)
    contrast = SpeechContrast.of(exact_speech(starts, ends, 60))
    segments = (starts > 1800).astype(np.int64)
    true_ratio, true_offsets = 1.00047, np.array([3.217, -8.541])
    shift = true_offsets[segments]
    cues = Spans((starts - shift) / true_ratio, (ends - shift) / true_ratio)
    ratio, offsets = refine(cues, segments, contrast, 1.0003, np.array([3.5, -8.1]), 4e-4)
    assert ratio == pytest.approx(true_ratio, abs=10e-6)
    assert np.abs(offsets - true_offsets).max() < 0.03


def test_z_of_a_split_counts_only_what_stands_above_chance():
    rng = np.random.default_rng(5)
    starts, ends = random_cues(60, rng)
    contrast = SpeechContrast.of((rng.random(360000) > 0.5).astype(np.float32))
    borders = tuple(np.linspace(0, 3300, 12))
    chance = z_score(TimeMap(1.0, borders, (0.0,) * 12), Spans(starts, ends), contrast, 0.01)
    single = z_score(IDENTITY, Spans(starts, ends), contrast, 0.01)
    assert abs(single) < 4
    assert chance == pytest.approx(single - 4 * (np.sqrt(12) - 1), abs=2)
