"""Clips of real videos in two halves, their places, and baselines made of them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from avtool.benchmarks.video_distance.clips import (
    ClipSelection,
    SkippedVideos,
    iter_places,
    read_chosen,
)
from avtool.benchmarks.video_distance.places import Places, draw_places, even_places
from avtool.benchmarks.video_distance.settings import ClipBaseline
from avtool.core.reporter import Silent

FRAMES = 4


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 9), st.integers(0, 60), st.integers(1, 12), st.integers(0, 99))
def test_places_do_not_overlap(frames: int, more: int, wanted: int, seed: int) -> None:
    count = frames + more
    places = draw_places(count, frames, wanted, np.random.default_rng(seed))
    assert len(places) == min(wanted, count // frames)
    shown = [frame for place in places for frame in range(place, place + frames)]
    assert len(set(shown)) == len(shown)
    assert min(shown) >= 0
    assert max(shown) < count


def test_all_sets_of_places_are_equally_likely() -> None:
    """Two clips of two frames in five: six ways in order, of which each should come 500 times of 3000."""
    rng = np.random.default_rng(0)
    found: dict[tuple[int, ...], int] = {}
    for _ in range(3000):
        places = tuple(draw_places(5, 2, 2, rng))
        found[places] = found.get(places, 0) + 1
    assert set(found) == {(0, 2), (2, 0), (0, 3), (3, 0), (1, 3), (3, 1)}
    assert max(abs(times - 500) for times in found.values()) < 4 * np.sqrt(500 * 5 / 6)


@settings(max_examples=100, deadline=None)
@given(
    st.integers(1, 9),
    st.integers(0, 99),
    st.integers(1, 30),
    st.integers(1, 5),
    st.floats(0, 1, exclude_max=True),
)
def test_halves_of_even_places_share_no_frame(
    frames: int, more: int, wanted: int, per_block: int, offset: float
) -> None:
    count = 2 * frames + more
    halves = [even_places(count, frames, wanted, offset, per_block=per_block, half=half) for half in (0, 1)]
    shown = [{frame for place in half for frame in range(place, place + frames)} for half in halves]
    assert shown[0].isdisjoint(shown[1])
    assert min(min(half) for half in shown) >= 0
    assert max(max(half) for half in shown) < count
    blocks = min(-(-wanted // per_block), count // (2 * frames))
    assert [len(half) for half in halves] == [min(wanted, blocks * per_block)] * 2
    assert halves == [sorted(half) for half in halves]


def test_even_places_have_equal_distances_and_an_offset() -> None:
    assert even_places(100, 4, 5, 0.0) == [0, 20, 40, 60, 80]
    assert even_places(100, 4, 5, 0.999) == [16, 36, 56, 76, 96]
    assert even_places(100, 4, 2, 0.5, half=0) == [11, 61]
    assert even_places(100, 4, 2, 0.5, half=1) == [36, 86]
    assert even_places(96, 4, 4, 0.0, per_block=2, half=1) == [24, 34, 72, 82]
    assert even_places(20, 8, 6, 0.0, per_block=6, half=0) == [0, 0, 1, 1, 2, 2]


def numbered(folder: Path, videos: int, frames: int) -> Path:
    """Folders of frames, each of a grey of its own."""
    for video in range(videos):
        (folder / f"v{video}").mkdir(parents=True)
        for frame in range(frames):
            grey = np.full((8, 8, 3), video * frames + frame, np.uint8)
            Image.fromarray(grey).save(folder / f"v{video}" / f"{frame}.png")
    return folder


def greys(chosen: ClipSelection) -> list[list[int]]:
    skipped = SkippedVideos([], [])
    places = list(iter_places(chosen.sources(), chosen, skipped, Silent()))[: chosen.clips]
    clips = [read_chosen(source, first, chosen, skipped, Silent()) for source, first in places]
    assert skipped == SkippedVideos([], [])
    return [[int(frame[0, 0, 0]) for frame in clip] for clip in clips if clip is not None]


@pytest.mark.parametrize("videos", [1, 4, 5])
def test_halves_share_no_video_or_of_one_no_frame(videos: int, tmp_path: Path) -> None:
    length = 50
    path = numbered(tmp_path / "a", videos, length)
    whole = ClipSelection(path if videos > 1 else path / "v0", FRAMES, 99, 8, 3, True, per_video=5)
    halves = [greys(replace(whole, half=half)) for half in (0, 1)]
    kinds = [{grey // length if videos > 1 else grey for clip in half for grey in clip} for half in halves]
    assert kinds[0].isdisjoint(kinds[1])
    assert [len(half) for half in halves] == ([5, 5] if videos == 1 else [5 * (videos - videos // 2), 10])
    for clip in halves[0] + halves[1]:
        assert clip == list(range(clip[0], clip[0] + FRAMES))
    assert greys(replace(whole, half=0)) == halves[0]
    assert greys(replace(whole, half=0, seed=4)) != halves[0]


def test_halves_of_a_video_are_blocks_in_turn(tmp_path: Path) -> None:
    path = numbered(tmp_path / "a", 1, 80) / "v0"
    whole = ClipSelection(path, FRAMES, 5, 8, 3, True, per_video=5, places=Places.EVEN)
    one, other = (greys(replace(whole, half=half)) for half in (0, 1))
    starts = [clip[0] for pair in zip(one, other, strict=True) for clip in pair]
    assert np.diff(starts).tolist() == [8] * 9
    assert 0 <= starts[0] <= 8 - FRAMES
    assert starts[0] == int(whole.offset(0) * 5)
    assert len({replace(whole, seed=seed).offset(0) for seed in range(9)}) == 9
    assert "evenly spaced places" in whole.rule
    assert replace(whole, half=0).split_name == "even halves"


def test_one_clip_of_each_video_comes_before_the_second_ones(tmp_path: Path) -> None:
    chosen = ClipSelection(numbered(tmp_path / "a", 4, 30), FRAMES, 6, 8, 0, True, per_video=3)
    found = [clip[0] // 30 for clip in greys(chosen)]
    assert sorted(found[:4]) == [0, 1, 2, 3]
    assert len(found) == 6


def test_baselines_of_the_same_clips(tmp_path: Path) -> None:
    real = ClipSelection(numbered(tmp_path / "a", 1, 40) / "v0", FRAMES, 4, 8, 0, True, per_video=4, half=1)
    plain = greys(real)
    assert greys(replace(real, baseline=ClipBaseline.FROZEN)) == [[clip[0]] * FRAMES for clip in plain]
    shuffled = greys(replace(real, baseline=ClipBaseline.SHUFFLED))
    assert shuffled != plain
    assert [sorted(clip) for clip in shuffled] == plain


def test_noise_has_its_deviation_and_stays_in_range() -> None:
    grey = np.full((16, 64, 64, 3), 128, np.uint8)
    chosen = ClipSelection(Path(), 16, 1, 64, 0, True, baseline=ClipBaseline.NOISE, noise=0.1)
    noisy = chosen.distort(grey)
    assert noisy.dtype == np.uint8
    assert noisy.std() == pytest.approx(25.5, rel=0.01)
    assert abs(noisy.mean() - 128) < 0.5
    assert np.array_equal(noisy, replace(chosen, seed=1).distort(grey))
    another = grey.copy()
    another[0, 0, 0, 0] += 1
    assert (noisy != chosen.distort(another)).mean() > 0.9, "the content of a clip seeds its noise"
    white = chosen.distort(np.full_like(grey, 250))
    assert white.max() == 255
    assert white.min() > 100
