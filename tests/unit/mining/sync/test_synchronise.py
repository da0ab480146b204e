import json
import re
from dataclasses import replace

import numpy as np
import pytest

from avtool.benchmarks.caption_sync.films import (
    CLASSICAL,
    CUE_LEAD_S,
    DETECTOR_LAG_S,
    NEURAL,
    make_film,
)
from avtool.mining.sync.synchronise import SyncSettings, synchronise
from tests.unit.mining.sync.films import captions_of, exact_speech, random_cues


@pytest.fixture(scope="module")
def film():
    return make_film(25, np.random.default_rng(11), NEURAL)


def synchronised(film, ratio=1.0, offset=0.0, **settings):
    starts, ends = captions_of(film.starts_s, film.ends_s, ratio, offset)
    return synchronise(starts, ends, film.is_dialogue, film.speech, settings=SyncSettings(**settings))


def test_captions_in_step_are_not_touched(film):
    result = synchronised(film)
    assert result.decision == "identity"
    assert result.map.is_identity
    assert not result.needs_attention
    assert result.rho == result.rho_identity > 0.3


@pytest.mark.parametrize("offset", [-0.06, 0.05])
def test_offset_below_the_noise_is_left_alone(film, offset):
    assert synchronised(film, offset=offset).map.is_identity


@pytest.mark.parametrize(("ratio", "offset"), [(1.0, 0.4), (1.0, -113.0), (1.001, 2.0), (25.025 / 24, 88.0)])
def test_one_ratio_and_offset_are_undone(film, ratio, offset):
    result = synchronised(film, ratio, offset)
    starts, _ = captions_of(film.starts_s, film.ends_s, ratio, offset)
    assert result.decision == "global"
    heard = film.starts_s + CUE_LEAD_S + DETECTOR_LAG_S  # captions are brought to the voice that is heard
    assert np.abs(result.map(starts) - heard).max() < 0.05
    assert result.rho > result.rho_identity
    assert result.offsets_s[result.curve.argmax()] == pytest.approx(offset, abs=0.2)


def jumped(film, jump_s, place_s):
    """Captions of a cut that lacks `jump_s` seconds at `place_s`."""
    kept = (film.starts_s < place_s) | (film.starts_s >= place_s + jump_s)
    shift = np.where(film.starts_s >= place_s, jump_s, 0.0)
    return (
        (film.starts_s - shift)[kept],
        (film.ends_s - shift)[kept],
        film.is_dialogue[kept],
        film.starts_s[kept],
    )


def test_jump_becomes_a_split_and_sound_cues_follow_their_neighbours(film):
    starts, ends, is_dialogue, truth = jumped(film, 30.0, 700.0)
    result = synchronise(starts, ends, is_dialogue, film.speech)
    error = np.abs(result.map.spans(starts, ends)[0] - truth)
    assert result.decision == "split"
    assert result.num_splits == 1
    assert (error < 0.2).mean() > 0.99
    assert (error[~is_dialogue] < 0.2).mean() > 0.95


def test_global_mode_never_splits(film):
    starts, ends, is_dialogue, _ = jumped(film, 30.0, 400.0)
    result = synchronise(starts, ends, is_dialogue, film.speech, settings=SyncSettings(mode="global"))
    assert result.decision == "global"
    assert result.num_splits == 0


def test_split_mode_believes_in_segments_too_short_for_auto():
    rng = np.random.default_rng(6)
    starts, ends = random_cues(20, rng)
    speech = exact_speech(starts, ends, 20)
    late = starts >= starts[-13]
    kept = late | (starts < starts[-13] - 30)  # the captions' cut lacks half a minute there
    shift = 30.0 * late[kept]
    cues = starts[kept] - shift, ends[kept] - shift, np.ones(kept.sum(), bool)
    splits = [
        synchronise(*cues, speech, settings=SyncSettings(mode=mode)).num_splits for mode in ("auto", "split")
    ]
    assert splits == [0, 1]


def test_captions_of_another_film_are_refused(film):
    other = make_film(25, np.random.default_rng(12), NEURAL)
    result = synchronise(other.starts_s, other.ends_s, other.is_dialogue, film.speech)
    assert result.decision == "refused"
    assert result.map.is_identity
    assert result.confidence == 0
    assert "needs 6" in result.reason
    assert result.z < 6


def test_force_takes_the_best_match_all_the_same(film):
    other = make_film(25, np.random.default_rng(12), NEURAL)
    result = synchronise(
        other.starts_s, other.ends_s, other.is_dialogue, film.speech, settings=SyncSettings(force=True)
    )
    assert result.decision in ("global", "split")
    assert result.needs_attention
    assert not result.map.is_identity


def test_captions_much_longer_than_the_film_are_refused(film):
    speech = film.speech[: 6 * 6000]
    result = synchronise(film.starts_s, film.ends_s, film.is_dialogue, speech)
    assert result.decision == "refused"
    assert "beyond its end" in result.reason


def test_absurd_times_do_not_exhaust_the_memory(film):
    starts = np.concatenate([film.starts_s, [3.6e8]])
    ends = np.concatenate([film.ends_s, [3.7e8]])
    is_dialogue = np.concatenate([film.is_dialogue, [True]])
    result = synchronise(starts, ends, is_dialogue, film.speech, settings=SyncSettings(force=True))
    assert result.decision == "identity"


@pytest.mark.parametrize(
    ("cues", "speech", "reason"),
    [
        (slice(0, 2), slice(None), r"only \d dialogue cues \(needs 8 to compare with speech\)"),
        (slice(0, 0), slice(None), "no dialogue cue"),
        (slice(None), slice(0, 0), "no speech signal"),
    ],
)
def test_too_little_to_go_by_keeps_the_times(film, cues, speech, reason):
    result = synchronise(film.starts_s[cues], film.ends_s[cues], film.is_dialogue[cues], film.speech[speech])
    assert result.decision == "skipped"
    assert result.map.is_identity
    assert result.needs_attention
    assert re.search(reason, result.reason)


@pytest.mark.parametrize("count", [12, 20, 35])
def test_few_cues_are_enough_where_their_offset_stands_out(count):
    starts, ends = random_cues(count * 8 / 60, np.random.default_rng(count))
    speech = exact_speech(starts, ends, count * 8 / 60)
    chosen = np.random.default_rng(1).choice(len(starts), count, replace=False)
    chosen.sort()
    few = starts[chosen] - 3.2, ends[chosen] - 3.2
    result = synchronise(*few, np.ones(count, bool), speech)
    assert result.decision == "global"
    assert result.z >= 6
    assert np.abs(result.map(few[0]) - starts[chosen]).max() < 0.1


def test_cues_beyond_a_short_film_do_not_count():
    """Of twenty cues two lie within the film: they fit somewhere, whatever the film."""
    rng = np.random.default_rng(3)
    starts, ends = random_cues(8, rng)
    speech = exact_speech(*random_cues(1, rng), 1)
    few = starts[::5][:20], ends[::5][:20]
    result = synchronise(*few, np.ones(len(few[0]), bool), speech)
    assert result.map.is_identity
    assert result.decision in ("skipped", "refused")


@pytest.mark.parametrize("seed", range(6))
def test_few_cues_of_another_film_keep_their_times(seed):
    rng = np.random.default_rng(seed)
    starts, ends = random_cues(3, rng)
    speech = exact_speech(*random_cues(3, rng), 3)
    few = starts[:30], ends[:30]
    result = synchronise(*few, np.ones(30, bool), speech)
    assert (result.decision, result.map.is_identity, result.needs_attention) == ("skipped", True, True)
    assert 0 < result.z < 6
    forced = synchronise(*few, np.ones(30, bool), speech, settings=SyncSettings(force=True))
    assert forced.decision != "skipped"


def test_silent_film_keeps_the_times(film):
    result = synchronise(film.starts_s, film.ends_s, film.is_dialogue, np.zeros_like(film.speech))
    assert result.decision == "skipped"


def test_captions_of_another_short_film_are_refused():
    film, other = (make_film(4, np.random.default_rng(seed), NEURAL) for seed in (21, 22))
    result = synchronise(other.starts_s, other.ends_s, other.is_dialogue, film.speech)
    assert result.decision == "refused"
    assert re.search(r"do not match this film \(z = \d\.\d, needs 6\)", result.reason)


def test_mode_none_trusts_the_captions(film):
    result = synchronised(film, offset=30.0, mode="none")
    assert result.decision == "skipped"
    assert result.map.is_identity
    assert not result.needs_attention
    assert result.confidence == 1


@pytest.mark.parametrize("stay_s", [0.0, 0.5])
def test_roll_up_captions_that_never_leave_the_screen_are_aligned_too(film, stay_s):
    starts, _ = captions_of(film.starts_s, film.ends_s, 1.0, 12.0)
    ends = np.concatenate([starts[1:], starts[-1:] + 3]) + stay_s
    result = synchronise(starts, ends, film.is_dialogue, film.speech)
    assert result.decision == "global"
    assert result.map.offsets_s[0] == pytest.approx(12.0 + CUE_LEAD_S + DETECTOR_LAG_S, abs=0.1)


def test_order_of_the_cues_does_not_matter(film):
    shuffled = np.random.default_rng(0).permutation(len(film.starts_s))
    starts, ends = captions_of(film.starts_s, film.ends_s, 1.001, -20.0)
    result = synchronise(starts[shuffled], ends[shuffled], film.is_dialogue[shuffled], film.speech)
    assert result.map == synchronised(film, 1.001, -20.0).map


def test_confidence_grows_with_the_evidence(film):
    poor = replace(film, speech=make_film(25, np.random.default_rng(11), CLASSICAL).speech)
    assert 0.5 <= synchronised(poor).confidence < synchronised(film).confidence <= 1


def test_to_dict_is_plain_json(film):
    described = json.loads(json.dumps(synchronised(film, offset=5.0).to_dict()))
    assert described["decision"] == "global"
    assert described["map"]["segments"][0]["offset"] == pytest.approx(
        5.0 + CUE_LEAD_S + DETECTOR_LAG_S, abs=0.05
    )
