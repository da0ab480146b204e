from pathlib import Path

import numpy as np
import pytest
from torch.utils.data import DataLoader, Dataset

from avtool.core.errors import BadInputError
from avtool.data.decode_cache.audio import AudioSpans
from avtool.data.decode_cache.cache import PartCache
from avtool.data.decode_cache.frames import FrameSpans, cut_out, scaled
from avtool.data.decode_cache.settings import SpanSettings
from avtool.data.decode_cache.shots import cut_places
from avtool.data.decode_cache.source import FilmSource
from avtool.data.inputs.settings import VideoSettings
from avtool.data.inputs.video import VideoInput, film_source
from avtool.data.manifest import Clip
from avtool.media.video_frames import read_frames
from avtool.media.waveforms import read_waveform
from tests.harness import make_manifest, write_chirp, write_grey_film

SETTINGS = SpanSettings(fps=10, short_side=48, part_seconds=1.0, cache_mib=64)


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Path:
    """4 s at 10 pictures a second, grey = 20 + 5 * picture."""
    return write_grey_film(tmp_path_factory.mktemp("film") / "film.mkv")


def numbers_of(pictures) -> list[int]:
    return [round((float(picture.mean()) - 20) / 5) for picture in pictures]


@pytest.mark.parametrize(("first", "past"), [(0, 40), (7, 23), (19, 20), (30, 40)])
def test_a_span_holds_the_pictures_asked_for(film, first, past):
    spans = FrameSpans(SETTINGS, PartCache(64))
    assert numbers_of(spans.read(film, first, past)) == list(range(first, past))


def test_a_span_ends_with_its_film(film):
    spans = FrameSpans(SETTINGS, PartCache(64))
    assert numbers_of(spans.read(film, 35, 60)) == [35, 36, 37, 38, 39]
    assert len(spans.read(film, 55, 60)) == 0


def test_pictures_after_the_end_are_the_last(film):
    spans = FrameSpans(SETTINGS, PartCache(64))
    assert numbers_of(spans.at(film, np.array([38, 90]))) == [38, 39]
    assert numbers_of(FrameSpans(SETTINGS, PartCache(64)).at(film, np.array([95, 90]))) == [39, 39]


def test_pictures_are_those_of_reading_them_one_by_one(film):
    numbers = np.array([31, 2, 17, 2])
    spans = FrameSpans(SETTINGS, PartCache(64))
    expected, _ = read_frames(film, (numbers / 10).tolist(), size=48)
    assert np.array_equal(spans.at(film, numbers), expected)


def test_what_was_decoded_is_not_decoded_again(film):
    cache = PartCache(64)
    spans = FrameSpans(SETTINGS, cache)
    spans.read(film, 0, 20)
    assert cache.decoded == 2
    spans.read(film, 5, 30)
    assert cache.decoded == 3
    spans.read(film, 0, 30)
    assert cache.decoded == 3


def test_a_range_with_a_hole_is_decoded_where_it_is_missing(film):
    calls = []
    cache = PartCache(64)

    def decode(low: int, high: int) -> list[np.ndarray]:
        calls.append((low, high))
        return [np.full(2, number) for number in range(low, high)]

    cache.parts("film", 2, 3, decode)
    parts = cache.parts("film", 0, 5, decode)
    assert calls == [(2, 3), (0, 2), (3, 5)]
    assert [part[0] for part in parts] == [0, 1, 2, 3, 4]


def test_the_cache_stays_below_its_limit_and_forgets_the_oldest():
    cache = PartCache(3)

    def decode(low: int, high: int) -> list[np.ndarray]:
        return [np.zeros(1 << 20, np.uint8) for _ in range(low, high)]

    cache.parts("a", 0, 3, decode)
    cache.parts("a", 0, 1, decode)
    assert cache.decoded == 3
    cache.parts("b", 0, 1, decode)
    assert cache.num_bytes == 3 << 20
    cache.parts("a", 0, 1, decode)
    assert cache.decoded == 4
    cache.parts("a", 1, 2, decode)
    assert cache.decoded == 5


class Filled(Dataset):
    """Tells what a cache holds after it was filled in the process that is asked."""

    def __init__(self) -> None:
        self.cache = PartCache(4)
        self[0]

    def __len__(self) -> int:
        return 4

    def __getitem__(self, number: int) -> int:
        self.cache.parts(number, 0, 8, lambda *_: [np.zeros(1 << 20, np.uint8) for _ in range(8)])
        return self.cache.num_bytes >> 20


def test_loader_processes_share_the_limit():
    filled = Filled()
    assert filled.cache.num_bytes == 4 << 20
    assert set(DataLoader(filled, batch_size=None, num_workers=2)) == {2}


def test_more_than_the_cache_holds_can_be_read(film):
    cache = PartCache(0.01)
    assert numbers_of(FrameSpans(SETTINGS, cache).read(film, 0, 40)) == list(range(40))
    assert cache.num_bytes <= 0.01 * (1 << 20)


@pytest.mark.parametrize("rate", [16000, 44100])
@pytest.mark.parametrize(("first", "past"), [(0, 64000), (15990, 16010), (1, 48001), (63000, 64000)])
def test_a_stretch_of_sound_is_that_of_reading_it_alone(tmp_path, rate, first, past):
    path = write_chirp(tmp_path / "sound.wav", 4.0, rate)
    spans = AudioSpans(SETTINGS, PartCache(64), 16000)
    expected = read_waveform(path, first / 16000, past / 16000)
    assert spans.read(path, first, past) == pytest.approx(expected, abs=1e-6)


def test_silence_follows_sound_that_ends_before(tmp_path):
    path = write_chirp(tmp_path / "sound.wav", 1.5)
    stretch = AudioSpans(SETTINGS, PartCache(64), 16000).read(path, 16000, 40000)
    assert np.abs(stretch[:8000]).max() > 0.1
    assert not stretch[8000:].any()


def test_no_sound_at_all_is_told(tmp_path):
    path = write_chirp(tmp_path / "sound.wav", 1.5)
    with pytest.raises(BadInputError, match="no audio from 2 s on"):
        AudioSpans(SETTINGS, PartCache(64), 16000).read(path, 32000, 40000)


def test_what_is_cut_cannot_spoil_what_is_kept(film):
    spans = FrameSpans(SETTINGS, PartCache(64))
    with pytest.raises(ValueError, match="read-only"):
        spans.read(film, 0, 5)[0, 0, 0, 0] = 1


@pytest.mark.parametrize(("start", "offset", "first"), [(1.0, 0.0, 10), (1.23, 0.07, 13)])
def test_clips_of_a_film_share_its_grid(film, start, offset, first):
    manifest = make_manifest(film.parent, [Clip("a", film.name, start, 3.0)])
    source = FilmSource(SETTINGS)
    time, count = source.frame_span(manifest[0])
    assert time == pytest.approx(offset, abs=1e-6)
    assert count == 30 - first
    pictures = source.frames(manifest, manifest[0], np.arange(count))
    assert numbers_of(pictures) == list(range(first, 30))


def test_sound_counts_from_the_start_of_the_clip(film):
    manifest = make_manifest(film.parent, [Clip("a", film.name, 1.23, 3.0)])
    stretch = FilmSource(SETTINGS).audio(manifest, manifest[0], 800, 4800)
    assert stretch == pytest.approx(read_waveform(film, 1.28, 1.53), abs=1e-3)


def test_windows_of_a_source_are_nearly_those_of_the_film(film):
    manifest = make_manifest(film.parent, [Clip("a", film.name, 0.0, 4.0)])
    settings = VideoSettings(num_frames=4, seconds=1.0, size=32, short_side=32)
    cached = VideoInput(settings, source=film_source(settings))
    for place in (0.0, 0.4, 1.0):
        one = VideoInput(settings).sample(manifest, 0, place, None)["video"]
        other = cached.sample(manifest, 0, place, None)["video"]
        assert (one - other).abs().max() * 127.5 <= 2 * 5 + 3  # an eighth of a second, and the rounding


def test_a_sound_has_no_pictures(tmp_path):
    path = write_chirp(tmp_path / "sound.wav", 1.0)
    with pytest.raises(BadInputError, match="has no frames"):
        FrameSpans(SETTINGS, PartCache(64)).read(path, 0, 5)


def test_only_a_sudden_change_is_a_cut():
    fast = np.stack([np.full((48, 48, 3), 12 * n, np.uint8) for n in range(16)])
    cut = np.concatenate([fast[:5], 255 - fast[:5]])
    assert not cut_places(fast).any()
    assert np.flatnonzero(cut_places(cut)).tolist() == [5]


def test_scaling_keeps_the_shape_and_cutting_the_place():
    ramp = np.broadcast_to(np.arange(0, 128, 2, np.uint8)[None, None, :, None], (2, 48, 64, 3))
    assert scaled(ramp, 24).shape == (2, 24, 32, 3)
    assert np.array_equal(scaled(ramp, 48), ramp)
    part = cut_out(ramp, (16, 0, 48, 48), (48, 32))
    assert np.array_equal(part, ramp[:, :, 16:48])
