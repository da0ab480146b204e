from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from avtool.tasks.temporal.draw import draw_pair
from avtool.tasks.temporal.grid import AFTER, BEFORE, OVERLAP, Grid, Segment, order_of

SPEEDS = (1, 2, 4, 8)


def grids(seconds: float, *, count: int = 16, audio_count: int = 98) -> dict[str, Grid]:
    """What a video of so many seconds offers at 16 pictures and 100 frames of sound a second."""
    video = Grid(0.0, 16.0, round(16 * seconds), count, SPEEDS, tuple(count * s for s in SPEEDS))
    spans = tuple((audio_count - 1) * s + 1 for s in SPEEDS)
    frames = 1 + (round(seconds * 16000) - 400) // 160
    audio = Grid(0.0125, 100.0, frames, audio_count, SPEEDS, spans, lead=0.5)
    return {"video": video, "audio": audio}


def draws(seconds: float, number: int, **kept):
    offered = {name: grid for name, grid in grids(seconds).items() if kept.get(name, True)}
    return [draw_pair(offered, 2.0, np.random.default_rng([7, n])) for n in range(number)]


@pytest.fixture(scope="module")
def many():
    """Ten thousand draws from a video that is long enough for everything."""
    return draws(60, 10_000)


def test_speeds_directions_and_orders_are_equally_frequent(many):
    for name in ("video", "audio"):
        clips = [clip for pair in many for clip in pair.segments[name]]
        speeds = Counter(clip.speed for clip in clips)
        assert all(abs(speeds[speed] / len(clips) - 1 / 4) < 0.02 for speed in range(4))
        assert abs(sum(clip.backward for clip in clips) / len(clips) - 1 / 2) < 0.02
    for one, other in (("video", "video"), ("audio", "audio"), ("video", "audio")):
        orders = Counter(order_of(pair.segments[one][0], pair.segments[other][1]) for pair in many)
        assert all(abs(orders[order] / len(many) - 1 / 3) < 0.02 for order in (OVERLAP, BEFORE, AFTER))


def test_labels_agree_with_the_numbers_that_are_played(many):
    for pair in many:
        assert pair.orders
        for one, other in (pair.segments["video"], pair.segments["audio"]):
            for clip in (one, other):
                steps = np.diff(clip.numbers)
                assert len(set(steps)) == 1
                assert steps[0] == SPEEDS[clip.speed] * (-1 if clip.backward else 1)
                assert clip.numbers.min() >= 0
                assert clip.numbers.max() < clip.grid.total
        first, second = (set_of(clip) for clip in pair.segments["video"])
        order = order_of(*pair.segments["video"])
        if order == OVERLAP:
            assert first[0] < second[1]
            assert second[0] < first[1]
        elif order == BEFORE:
            assert first[1] <= second[0]
        else:
            assert second[1] <= first[0]


def set_of(clip: Segment) -> tuple[int, int]:
    """The pictures that a clip covers: from, and past the last."""
    low, high = int(clip.numbers.min()), int(clip.numbers.max())
    return low, high + clip.grid.steps[clip.speed]


def test_the_middle_of_the_sound_is_that_of_the_pictures(many):
    apart = [
        abs(pair.segments["video"][clip].centre - pair.segments["audio"][clip].centre)
        for pair in many
        for clip in (0, 1)
    ]
    assert max(apart) <= 0.005 + 1e-9


def test_pauses_are_uniform_up_to_the_longest(many):
    gaps = []
    for pair in many:
        (video, later_video), (audio, later_audio) = pair.segments["video"], pair.segments["audio"]
        asked = ((video, later_video), (audio, later_audio), (video, later_audio))
        if order_of(video, later_video) != OVERLAP:
            sorted_pairs = [sorted((one.interval, other.interval)) for one, other in asked]
            gaps.append(min(late[0] - early[1] for early, late in sorted_pairs))
    assert min(gaps) >= 0
    assert max(gaps) <= 2.1  # snapped to the next picture, sound to the next frame
    late = 0.5 / 16 + 0.01  # by which that delays the later clip, on average
    assert np.histogram(np.clip(gaps, late, 2), 4, (late, 2 + late))[0].min() > len(gaps) / 4 * 0.93


def test_exchanging_the_clips_exchanges_before_and_after(many):
    for pair in many[:300]:
        for one, other in pair.segments.values():
            swapped = {OVERLAP: OVERLAP, BEFORE: AFTER, AFTER: BEFORE}[order_of(one, other)]
            assert order_of(other, one) == swapped


def test_playing_backwards_leaves_the_order_as_it_is(many):
    for pair in many[:300]:
        one, other = pair.segments["video"]
        turned = (replace(clip, backward=not clip.backward) for clip in (one, other))
        assert order_of(*turned) == order_of(one, other)


def test_sound_tells_nothing_about_the_speed_of_the_pictures(many):
    table = np.zeros((4, 4))
    for pair in many:
        table[pair.segments["video"][0].speed, pair.segments["audio"][0].speed] += 1
    assert np.abs(table / len(many) - 1 / 16).max() < 0.012


def test_a_short_video_gives_the_speeds_it_has_room_for():
    pairs = draws(4, 400)
    assert {clip.speed for pair in pairs for clip in pair.segments["video"]} == {0, 1, 2}
    for pair in pairs:
        for clip in (*pair.segments["video"], *pair.segments["audio"]):
            assert clip.fits
            assert clip.numbers.min() >= 0
            assert clip.numbers.max() < clip.grid.total


def test_the_order_is_asked_only_where_the_speeds_leave_room_for_each():
    pairs = draws(4, 3000)
    asked = [pair for pair in pairs if pair.orders]
    assert 0.05 < len(asked) / len(pairs) < 0.8
    by_speeds: dict[tuple[int, ...], Counter] = {}
    for pair in asked:
        key = tuple(clip.speed for name in ("video", "audio") for clip in pair.segments[name])
        by_speeds.setdefault(key, Counter())[order_of(*pair.segments["video"])] += 1
    for orders in by_speeds.values():
        if sum(orders.values()) > 60:
            assert set(orders) == {OVERLAP, BEFORE, AFTER}


@pytest.mark.parametrize(("seconds", "fits"), [(1.0, True), (0.9, False), (0.02, False)])
def test_what_is_too_short_is_said_to_be(seconds, fits):
    for pair in draws(seconds, 20):
        assert not pair.orders
        assert all(clip.fits is fits for clip in pair.segments["video"])
        assert all(clip.first >= 0 for clips in pair.segments.values() for clip in clips)


@pytest.mark.parametrize("name", ["video", "audio"])
def test_one_modality_alone(name):
    other = {"video": "audio", "audio": "video"}[name]
    pairs = draws(30, 600, **{other: False})
    assert all(set(pair.segments) == {name} for pair in pairs)
    orders = Counter(order_of(*pair.segments[name]) for pair in pairs)
    assert min(orders[order] for order in (OVERLAP, BEFORE, AFTER)) > 140
    assert all(pair.orders for pair in pairs)


@pytest.mark.parametrize("seconds", [1.01, 1.5, 2.03, 2.9, 5.0, 7.9, 8.0, 17.3])
def test_nothing_is_played_that_the_video_has_not(seconds):
    for pair in draws(seconds, 200):
        for clip in (*pair.segments["video"], *pair.segments["audio"]):
            assert clip.fits
            assert clip.numbers.min() >= 0
            assert clip.numbers.max() < clip.grid.total
        for video, audio in zip(pair.segments["video"], pair.segments["audio"], strict=True):
            assert abs(video.centre - audio.centre) <= 0.005 + 1e-9


def test_two_clips_side_by_side_need_twice_the_length():
    assert not any(pair.orders for pair in draws(1.9, 50))
    assert any(pair.orders for pair in draws(2.1, 200))
