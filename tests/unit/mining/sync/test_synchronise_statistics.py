"""Accuracy over many random films, within the bounds that mining needs."""

import numpy as np
import pytest

from avtool.benchmarks.caption_sync.films import CLASSICAL, NEURAL, make_film
from avtool.mining.sync.synchronise import synchronise
from tests.unit.mining.sync.films import captions_of, exact_speech, random_cues, random_map


def errors_of_one_map(seed, minutes=80):
    """(error in the middle of the film in s, ratio error in ppm) after undoing a random map."""
    rng = np.random.default_rng([8, seed])
    starts, ends = random_cues(minutes, rng)
    ratio, offset = random_map(rng)
    speech = exact_speech(starts, ends, minutes)
    result = synchronise(*captions_of(starts, ends, ratio, offset), np.ones(len(starts), bool), speech)
    middle = (starts.mean() - offset) / ratio
    return result.map(float(middle)) - starts.mean(), 1e6 * (result.map.ratio - ratio)


@pytest.mark.parametrize("seed", range(4))
def test_ratio_and_offset_are_found(seed):
    offset_error, ratio_error = errors_of_one_map(seed)
    assert abs(offset_error) <= 0.020
    assert abs(ratio_error) <= 20


@pytest.mark.slow
def test_ratio_and_offset_are_found_in_many_films():
    errors = np.abs([errors_of_one_map(seed) for seed in range(100, 160)])
    assert errors[:, 0].max() <= 0.020
    assert errors[:, 1].max() <= 20


def split_errors(seed, minutes=80):
    """Errors of the cues of a film with one to three jumps of up to a minute and a random ratio."""
    rng = np.random.default_rng([9, seed])
    starts, ends = random_cues(minutes, rng)
    count = 1 + seed % 3
    borders = minutes * 60 * ((np.arange(count) + 1) / (count + 1) + rng.uniform(-0.05, 0.05, count))
    jumps = rng.uniform(5, 30, count)
    number = np.searchsorted(borders, starts, side="right")
    kept = np.ones(len(starts), bool)
    for border, jump in zip(borders, jumps, strict=True):
        kept &= (starts < border) | (starts >= border + jump)
    ratio, offset = random_map(rng, max_offset=40)
    shift = offset + np.concatenate([[0], np.cumsum(jumps)])[number[kept]]
    speech = exact_speech(starts, ends, minutes)
    cues = (starts[kept] - shift) / ratio, (ends[kept] - shift) / ratio
    result = synchronise(*cues, np.ones(kept.sum(), bool), speech)
    assert result.num_splits == count
    return np.abs(result.map.spans(*cues)[0] - starts[kept])


@pytest.mark.parametrize("seed", range(3))
def test_up_to_three_jumps_are_undone(seed):
    assert (split_errors(seed) <= 0.2).mean() >= 0.99


@pytest.mark.slow
def test_up_to_three_jumps_are_undone_in_many_films():
    errors = [split_errors(seed) for seed in range(30, 60)]
    assert min((error <= 0.2).mean() for error in errors) >= 0.98
    assert (np.concatenate(errors) <= 0.2).mean() >= 0.99


def is_refused(seed, minutes=60):
    quality = (NEURAL, CLASSICAL)[seed % 2]
    film, other = (make_film(minutes, np.random.default_rng([10, seed, k]), quality) for k in (0, 1))
    return synchronise(other.starts_s, other.ends_s, other.is_dialogue, film.speech).decision == "refused"


def test_wrong_films_are_refused():
    assert all(is_refused(seed, minutes=40) for seed in range(4))


@pytest.mark.slow
def test_wrong_films_are_refused_in_99_of_100_cases():
    assert sum(is_refused(seed) for seed in range(100, 200)) >= 99


def test_right_films_are_not_touched():
    for seed in range(4):
        film = make_film(30, np.random.default_rng([11, seed]), (NEURAL, CLASSICAL)[seed % 2])
        assert synchronise(film.starts_s, film.ends_s, film.is_dialogue, film.speech).map.is_identity


@pytest.mark.parametrize("count", [8, 12, 30])
def test_z_decides_for_few_cues(count):
    """Six films of 20 minutes: z above 6 is right to 0.15 s, and cues of another film never reach it."""
    for seed in range(6):
        detector = NEURAL if seed % 2 else CLASSICAL
        film, other = (make_film(20, np.random.default_rng(base + seed), detector) for base in (100, 200))
        for spoken, lag in ((film, 7.0), (other, 0.0)):
            dialogue = np.flatnonzero(spoken.is_dialogue)
            chosen = np.sort(np.random.default_rng(seed).choice(dialogue, count, replace=False))
            starts, ends = spoken.starts_s[chosen] - lag, spoken.ends_s[chosen] - lag
            result = synchronise(starts, ends, np.ones(count, bool), film.speech)
            if spoken is other:
                assert result.decision == "skipped"
            elif result.z >= 6:
                assert result.map.offsets_s[0] == pytest.approx(lag, abs=0.15)
