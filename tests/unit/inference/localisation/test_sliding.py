"""Sliding the decoder over encoded frames: its windows, means, scales, and memory."""

import math
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from avtool.core.errors import BadInputError
from avtool.inference.localisation.sliding import Sliding, slide, window_starts
from tests.unit.inference.localisation import slide_memory


@pytest.mark.parametrize(
    ("frames", "starts"),
    [
        (0, []),
        (1, [0]),
        (400, [0]),
        (401, [0, 100]),
        (500, [0, 100]),
        (1000, [0, 100, 200, 300, 400, 500, 600]),
    ],
)
def test_windows_stop_where_one_reaches_the_end(frames, starts):
    assert window_starts(frames, 400, 100) == starts
    if frames:
        assert len(starts) == math.ceil(max(frames - 400, 0) / 100) + 1


def test_fewer_windows_than_the_reference():
    assert (len(window_starts(1000, 200, 50)), len(range(0, 1000, 50))) == (17, 20)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"window": 7, "step": 1}, "a window of 7 frames"),
        ({"window": 20, "step": 21}, "windows every 21 frames"),
        ({"window": 20, "step": 0}, "windows every 0 frames"),
        ({"window": 20, "step": 8, "stride": 3}, "a step of 8 frames"),
    ],
)
def test_windows_that_do_not_fit(numbers, message):
    with pytest.raises(BadInputError, match=message):
        Sliding(**numbers)


class Film:
    """Frames that are their own number; the decoder gives the frame, its place in the window, and both."""

    def __init__(self, stride=1):
        self.encoded, self.lengths, self.stride, self.most = [], [], stride, 0

    def encode(self, first, last, pace):
        frames = torch.arange(first, last, pace, dtype=torch.float64)
        self.encoded += frames.tolist()
        return frames[None, :, None, None], torch.ones(1, len(frames), 1, dtype=torch.bool)

    def decode(self, memory, mask, valid):
        assert mask.all()
        batch, length = valid.shape
        self.lengths += valid.sum(dim=1).tolist()
        frames = memory[:, :, 0, 0].repeat_interleave(self.stride, dim=1)[:, :length]
        values = frames.masked_fill(~valid, 1e9)[None, ..., None]
        place = torch.arange(length, dtype=torch.float64).expand(batch, -1)[None]
        return SimpleNamespace(
            boxes=values.expand(-1, -1, -1, 4),
            start_end=torch.stack([place, -place], dim=-1),
            foreground=place,
        )


@pytest.mark.parametrize("batch", [1, 3, 50])
@pytest.mark.parametrize("chunk", [1, 7, 1000])
@pytest.mark.parametrize("frames", [range(5), range(16), range(103), range(40, 103)])
def test_each_frame_has_the_mean_of_its_windows(frames, chunk, batch):
    film = Film()
    (found,) = slide(film.encode, film.decode, frames, Sliding(16, 4, batch=batch, chunk=chunk))
    assert film.encoded == list(frames)
    assert found.encoded == len(frames)
    starts = window_starts(len(frames), 16, 4)
    assert found.windows == len(film.lengths) == len(starts)
    assert found.boxes.tolist() == [[frame] * 4 for frame in frames]  # constant over the windows
    for place, value in enumerate(found.foreground):
        assert value == np.mean([place - start for start in starts if start <= place < start + 16])
    assert (found.start_end[:, 0] == found.foreground).all()
    assert (found.start_end[:, 1] == -found.foreground).all()


@pytest.mark.parametrize("frames", [range(3), range(37), range(64)])
def test_encoded_frames_are_shared_by_the_stride(frames):
    film = Film(stride=4)
    (found,) = slide(film.encode, film.decode, frames, Sliding(16, 8, stride=4, chunk=2, batch=2))
    assert film.encoded == list(frames)[::4]
    assert found.boxes[:, 0].tolist() == [frame // 4 * 4 for frame in frames]


@pytest.mark.parametrize("scales", [(1, 3, 5, 10, 25), (2, 6), (3,)])
@pytest.mark.parametrize("chunk", [5, 64])
def test_scales_reuse_the_encoded_frames(scales, chunk):
    film = Film()
    found = slide(film.encode, film.decode, range(200), Sliding(16, 4, chunk=chunk), scales)
    assert film.encoded == list(range(0, 200, math.gcd(*scales)))
    for scale, one in zip(scales, found, strict=True):
        assert list(one.frames) == list(range(0, 200, scale))
        assert one.boxes[:, 0].tolist() == list(range(0, 200, scale))


def test_no_frames():
    film = Film()
    (found,) = slide(film.encode, film.decode, range(0), Sliding(16, 4))
    assert (len(found.foreground), found.encoded, film.encoded) == (0, 0, [])


def test_a_window_as_long_as_the_film_is_one_pass():
    film = Film()
    (found,) = slide(film.encode, film.decode, range(30), Sliding(400, 100))
    assert film.lengths == [30]
    assert found.foreground.tolist() == list(range(30))


def test_a_step_of_a_window_is_a_concatenation():
    film = Film()
    (found,) = slide(film.encode, film.decode, range(40), Sliding(16, 16))
    assert found.foreground.tolist() == [*range(16), *range(16), *range(8)]


def test_memory_does_not_grow_with_the_film():
    frames = 20_000
    whole = frames * slide_memory.TOKENS * slide_memory.WIDTH * 4 / 2**20
    command = [sys.executable, "-m", slide_memory.__name__, str(frames)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert whole > 300
    assert float(done.stdout) < whole / 10
