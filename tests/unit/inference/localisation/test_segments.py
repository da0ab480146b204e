"""Peaks, segments, ranking and suppression: goldens of the reference, closed forms, ends and ties."""

import numpy as np
import pytest
from scipy.signal import find_peaks as scipy_peaks
from scipy.signal import medfilt

from avtool.core.errors import BadInputError
from avtool.core.recipe import validate
from avtool.inference.localisation.frame_scores import FrameScores, Hit, corner_boxes
from avtool.inference.localisation.segments import RankingRecipe, best_segments, find_peaks, rank, smoothed
from avtool.inference.localisation.suppression import decay, suppress


def _scores(foreground, start=None, end=None, boxes=None, step=1.0):
    arrays = [None if one is None else np.asarray(one, dtype=np.float32) for one in (start, end, boxes)]
    values = np.asarray(foreground, dtype=np.float32)
    return FrameScores(np.arange(len(values)) * step, step, values, *arrays)


def _bumps(frames, *spans, height=0.9):
    values = np.full(frames, 0.05)
    for first, last in spans:
        values[first:last] = height
    return values


def test_the_best_pair_of_start_and_end():
    starts, ends, best = best_segments(np.log([[0.1, 0.6, 0.2, 0.1]]), np.log([[0.5, 0.1, 0.1, 0.3]]))
    assert (starts[0], ends[0]) == (1, 3)
    assert np.exp(best[0]) == pytest.approx(0.18, abs=1e-12)


def test_pairs_beside_all_pairs():
    generator = np.random.default_rng(0)
    start, end = generator.normal(size=(2, 50, 9))
    starts, ends, best = best_segments(start, end)
    for row in range(len(start)):
        first, last = (one[row] - np.log(np.exp(one[row]).sum()) for one in (start, end))
        pairs = {(s, e): first[s] + last[e] for s in range(9) for e in range(s + 1, 9)}
        assert (starts[row], ends[row]) == max(pairs, key=pairs.get)
        assert best[row] == pytest.approx(max(pairs.values()), abs=1e-12)


def test_smoothing_is_that_of_scipy_inside():
    values = np.random.default_rng(0).random(40)
    assert smoothed(values, 5)[2:-2].tolist() == medfilt(values, 5)[2:-2].tolist()
    assert smoothed(np.array([0.7]), 5).tolist() == [0.7]


def test_a_spike_of_one_frame_is_no_peak_and_a_plateau_at_an_end_is():
    for first in (0, 8, 19):
        assert not rank(_scores(_bumps(20, (first, first + 1))), RankingRecipe(height=(0.5,)))
    for first, last in ((0, 3), (17, 20), (0, 20)):
        hits = rank(_scores(_bumps(20, (first, last))), RankingRecipe(height=(0.5,)))
        assert [(one.start, one.end) for one in hits] == [(first, last)]


def test_peaks_beside_scipy():
    signal = np.random.default_rng(1).random(200)
    inside = scipy_peaks(signal, height=0.6)[0].tolist()
    assert [one for one in find_peaks(signal, (0.6,)).tolist() if 0 < one < 199] == inside
    rising = np.linspace(0, 1, 10)
    assert find_peaks(rising, (0.5,)).tolist() == [9]
    assert find_peaks(rising[::-1], (0.5,)).tolist() == [0]
    assert find_peaks(np.zeros(10), (0.0,)).tolist() == []


def test_the_first_height_that_a_peak_reaches():
    scores = _scores(_bumps(30, (3, 8), height=0.65) + _bumps(30, (20, 25), height=0.5))
    hits = rank(scores, RankingRecipe(height=(0.8, 0.7, 0.6, 0.5), top=9))
    assert [(one.start, one.end) for one in hits] == [(3, 8)]
    assert len(rank(scores, RankingRecipe(height=(0.5,), top=9))) == 2


@pytest.mark.parametrize("frames", [0, 1, 2, 40])
@pytest.mark.parametrize("logits", [False, True])
def test_no_peak_is_an_empty_list(frames, logits):
    zeros = np.zeros(frames)
    scores = _scores(zeros, *([zeros, zeros] if logits else []))
    assert rank(scores, RankingRecipe()) == []
    assert scores.absent == 1
    found = rank(scores, RankingRecipe(always=True))
    assert len(found) == min(frames, 1)
    assert all(one.end > one.start and one.score == 0 for one in found)


def test_logits_place_the_segment_within_the_radius():
    start, end = np.full((2, 60), -5.0)
    start[8], end[15], end[55] = 5, 5, 9
    scores = _scores(_bumps(60, (10, 15)), start, end, step=0.2)
    (hit,) = rank(scores, RankingRecipe(radius=(2.0,)))
    assert (hit.start, hit.end, hit.peak) == pytest.approx((1.6, 3.2, 2.4))
    assert 0 < hit.score <= 0.9
    wide = rank(scores, RankingRecipe(radius=(2.0, 12.0), nms=1.0))
    assert len(wide) == 2
    assert {round(one.end, 3) for one in wide} == {3.2, 11.2}


def test_confidence_is_the_mean_foreground_times_the_joint_probability():
    start, end = np.log([[0.1, 0.6, 0.2, 0.1], [0.5, 0.1, 0.1, 0.3]])
    (hit,) = rank(_scores([0.2, 0.6, 0.8, 0.4], start, end), RankingRecipe(median=1, tolerance=0))
    assert (hit.start, hit.end) == (1, 4)
    assert hit.score == pytest.approx(0.18 * 0.6, abs=1e-7)
    assert hit.foreground == pytest.approx(0.8)


def test_equal_hits_keep_the_order_of_time():
    hits = rank(_scores(_bumps(60, (5, 10), (25, 30), (45, 50))), RankingRecipe())
    assert [one.start for one in hits] == [5, 25, 45]
    assert len({one.score for one in hits}) == 1


def test_the_last_occurrence():
    values = np.maximum(_bumps(60, (5, 10), height=0.9), _bumps(60, (25, 30), height=0.5))
    (hit,) = rank(_scores(values), RankingRecipe(last=True))
    assert (hit.start, hit.end) == (25, 30)
    (hit,) = rank(_scores(values), RankingRecipe(last=True, min_score=0.6))
    assert hit.start == 5


def test_the_least_confidence_and_the_number_of_hits():
    scores = _scores(_bumps(80, (5, 10), (25, 30), (45, 50), (65, 70)))
    assert len(rank(scores, RankingRecipe(top=3))) == 3
    assert rank(scores, RankingRecipe(min_score=0.95)) == []


@pytest.mark.parametrize("soft", [0.0, 0.46])
def test_a_better_hit_suppresses_those_it_overlaps(soft):
    values = _bumps(40, (10, 30))
    values[20] = values[19] = values[21] = 0.6
    wide = RankingRecipe(fraction=0.5, soft_sigma=soft, top=9)
    hits = rank(_scores(values), wide)
    assert (hits[0].start, hits[0].end) == (10, 30)
    if soft:
        assert [one.score for one in hits[1:]] == pytest.approx([hits[0].score * np.exp(-1 / 0.46)])
    else:
        assert len(hits) == 1


SEGMENTS = np.array([(0.0, 10), (5, 15), (30, 40)])
SCORES = [0.9, 0.8, 0.7]


def test_soft_nms_keeps_the_last_segment_which_the_official_one_loses():
    kept, scores = decay(SEGMENTS, SCORES)
    assert kept.tolist() == [0, 2, 1]
    assert scores == pytest.approx([0.9, 0.7, 0.8 * np.exp(-((1 / 3) ** 2) / 0.46)], abs=1e-12)
    kept, _ = decay(SEGMENTS, SCORES, official=True)
    assert len(kept) == 2
    assert decay(SEGMENTS[:1], SCORES[:1], official=True)[0].tolist() == []
    assert decay(SEGMENTS[:0], [])[0].tolist() == []


def test_nms_beside_the_greedy_loop():
    generator = np.random.default_rng(0)
    for _ in range(50):
        segments = np.sort(generator.uniform(0, 50, (30, 2)), axis=1)
        scores = generator.random(30)
        kept = []
        for one in np.argsort(-scores):
            if all(_tiou(segments[one], segments[other]) <= 0.4 for other in kept):
                kept.append(int(one))
        assert suppress(segments, scores, 0.4).tolist() == kept


def _tiou(one, other):
    shared = max(min(one[1], other[1]) - max(one[0], other[0]), 0)
    return shared / (one[1] - one[0] + other[1] - other[0] - shared)


def test_ties_of_suppression_are_stable():
    assert suppress(SEGMENTS, [0.5, 0.5, 0.5], 0.2).tolist() == [0, 2]
    assert suppress(SEGMENTS[::-1].copy(), [0.5, 0.5, 0.5], 0.2).tolist() == [0, 1]


def test_boxes_of_a_hit():
    boxes = np.tile([0.5, 0.5, 0.2, 0.4], (20, 1))
    boxes[:, 0] = np.linspace(0, 1, 20)
    (hit,) = rank(_scores(_bumps(20, (5, 10)), boxes=boxes), RankingRecipe(height=(0.5,)))
    assert [one[0] for one in hit.boxes] == [5, 6, 7, 8, 9]
    centre = 5.5 / 19
    assert hit.boxes_at([5.5])[0] == pytest.approx([centre - 0.1, 0.3, 0.2, 0.4], abs=1e-6)
    assert hit.boxes_at([0, 99])[:, 0] == pytest.approx([5 / 19 - 0.1, 9 / 19 - 0.1], abs=1e-6)
    with pytest.raises(ValueError, match="without boxes"):
        Hit(0, 1, 1, 0).boxes_at([0])


def test_boxes_are_cut_to_the_frame():
    found = corner_boxes(np.array([[0.0, 0.5, 0.4, 2.0]], dtype=np.float32))
    assert found[0] == pytest.approx([0, 0, 0.2, 1])


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"median": 4}, "odd number"),
        ({"height": [1.5]}, "0 .. 1"),
        ({"radius": [0.0]}, "above 0"),
        ({"top": 0}, "top"),
    ],
)
def test_bad_settings(keys, message):
    with pytest.raises(BadInputError, match=message):
        validate(RankingRecipe, keys, origin="x")


def test_hits_of_several_frame_rates_are_ranked_together():
    fine = _scores(_bumps(120, (10, 14)))
    coarse = FrameScores(fine.times[::5], 5.0, np.float32(_bumps(24, (12, 18), height=0.95)))
    hits = rank([fine, coarse], RankingRecipe(radius=(8.0,)))
    assert [(one.start, one.end) for one in hits] == [(60, 90), (10, 14)]  # the radius is 40 s there
    both = rank([fine, fine], RankingRecipe(radius=(8.0,)))
    assert both == rank(fine, RankingRecipe(radius=(8.0,)))
    flat = FrameScores(coarse.times, 5.0, np.float32(np.full(24, 0.2)))
    (hit,) = rank([fine, flat], RankingRecipe(height=(1.0,), always=True))
    assert hit.start == 10
