import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avtool.mining.sync.correlate import SpeechContrast, activity, correlate, disjoint
from avtool.mining.sync.evidence import chance_deviation


@pytest.mark.parametrize(("length", "lags", "rows"), [(50, 1, 1), (200, 61, 3), (1000, 400, 2)])
def test_fft_correlation_equals_the_direct_sum(length, lags, rows):
    rng = np.random.default_rng(length)
    cues = rng.random((rows, length)).astype(np.float32)
    contrast = rng.normal(size=(rows, length + lags - 1)).astype(np.float32)
    direct = [[cues[row] @ contrast[row, lag : lag + length] for lag in range(lags)] for row in range(rows)]
    assert np.abs(correlate(cues, contrast) - np.array(direct)).max() < 1e-4 * np.abs(direct).max()


def test_activity_covers_partial_frames():
    painted = activity(np.array([0.5, 4.0]), np.array([2.25, 5.0]), 6)
    assert np.allclose(painted, [0.5, 1.0, 0.25, 0.0, 1.0, 0.0])


def test_activity_outside_of_the_grid_is_left_out():
    assert np.allclose(activity(np.array([-3.0, 9.0]), np.array([1.0, 12.0]), 4), [1, 0, 0, 0])


spans = st.lists(st.tuples(st.floats(0, 100), st.floats(0, 30)), min_size=1, max_size=20)


@given(spans)
def test_disjoint_spans_are_ordered_short_and_do_not_overlap(pairs):
    starts = np.array([start for start, _ in pairs])
    ends = starts + np.array([length for _, length in pairs])
    result = disjoint(starts, ends, 12.0)
    assert (result.ends_s > result.starts_s).all()
    assert (result.ends_s - result.starts_s <= 12.0 + 1e-9).all()
    assert (result.starts_s[1:] >= result.ends_s[:-1]).all()
    assert set(result.starts_s) <= set(starts)


def test_overlap_is_the_exact_integral_at_fractional_times():
    speech = np.zeros(4000, np.float32)
    speech[1000:1100] = 1  # from 10 s to 11 s, in a film of 40 s
    contrast = SpeechContrast.of(speech)
    whole = contrast.under(np.array([10.0]), np.array([11.0]))[0]
    part = contrast.under(np.array([10.125]), np.array([10.1275]))[0]
    assert whole == pytest.approx(1 - 100 / 2001, abs=1e-3)  # its own second is part of the local mean
    assert part == pytest.approx(0.0025 * (1 - 100 / 2001), rel=1e-6)


@pytest.mark.parametrize("level", [0.0, 0.3, 1.0])
def test_steady_sound_counts_nothing(level):
    contrast = SpeechContrast.of(np.full(5000, level, np.float32))
    assert contrast.energy == pytest.approx(0, abs=1e-9)
    assert contrast.under(np.array([3.0]), np.array([30.0]))[0] == pytest.approx(0, abs=1e-6)


def test_nothing_counts_outside_of_the_film():
    rng = np.random.default_rng(0)
    contrast = SpeechContrast.of((rng.random(3000) > 0.5).astype(np.float32))
    outside = contrast.under(np.array([-50.0, 31.0]), np.array([-1.0, 99.0]))
    assert np.array_equal(outside, [0.0, 0.0])


def test_chance_deviation_of_noise_is_one_over_the_root_of_its_length():
    rng = np.random.default_rng(1)
    cues, contrast = rng.normal(size=(2, 20000)).astype(np.float32)
    assert chance_deviation(cues, contrast) == pytest.approx(20000**-0.5, rel=0.05)
