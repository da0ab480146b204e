"""Augmentation of video windows: bounds, what is drawn, and that all frames change alike."""

import math

import numpy as np
import pytest
import torch

from avtool.data.inputs.settings import VideoSettings
from avtool.data.inputs.video_augment import (
    Augmentation,
    ColourChange,
    apply_augmentation,
    as_float,
    centred,
    change_colours,
    draw_augmentation,
    draw_colours,
    frames_to_tensor,
)

SETTINGS = VideoSettings(num_frames=3, size=16, short_side=20)


def frames(height=20, width=30):
    """Three frames whose red is the column, whose green is the row, and whose blue is the frame."""
    picture = np.zeros((3, height, width, 3), np.uint8)
    picture[..., 0] = np.arange(width)
    picture[..., 1] = np.arange(height)[:, None]
    picture[..., 2] = np.arange(3)[:, None, None]
    return picture


def corner(change):
    """The (row, column) of the first pixel that is kept."""
    window = (apply_augmentation(frames(), change, 16) + 1) / 2 * 255
    return round(float(window[1, 0, 0, 0])), round(float(window[0, 0, 0, 0]))


def test_evaluation_keeps_the_middle_unchanged():
    window = apply_augmentation(frames(), centred(SETTINGS), 16)
    assert window.shape == (3, 3, 16, 16)
    assert window.dtype == torch.float32
    expected = torch.from_numpy(frames()[:, 2:18, 7:23].transpose(3, 0, 1, 2).copy()).float() / 255 * 2 - 1
    torch.testing.assert_close(window, expected)


@pytest.mark.parametrize(("top", "left", "place"), [(0, 0, (0, 0)), (1, 1, (4, 14)), (0.5, 0.0, (2, 0))])
def test_crops(top, left, place):
    assert corner(Augmentation(20, top, left)) == place


def test_a_flip_turns_left_and_right_round():
    plain, flipped = (apply_augmentation(frames(), Augmentation(20, flip=flip), 16) for flip in (False, True))
    assert torch.equal(plain.flip(-1), flipped)


def test_grey_has_no_colour():
    window = apply_augmentation(frames(), Augmentation(20, colours=ColourChange(saturation=0.0)), 16)
    assert torch.equal(window[0], window[1])
    assert torch.equal(window[0], window[2])


def one_by_one(pixels, change):
    """Each change by itself, of pixels in [0, 1]."""
    luminance = torch.tensor([0.299, 0.587, 0.114])
    pixels = pixels + change.brightness
    grey = torch.einsum("c,cthw->thw", luminance, pixels)
    pixels = grey + change.saturation * (pixels - grey)
    mean = pixels.mean(dim=(2, 3), keepdim=True)
    pixels = mean + change.contrast * (pixels - mean)
    to_yiq = torch.tensor([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
    angle = torch.tensor(2 * math.pi * change.hue)
    cos, sin = angle.cos(), angle.sin()
    turn = torch.tensor([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
    yiq = turn @ to_yiq @ pixels.flatten(1)
    return torch.linalg.solve(to_yiq, yiq).view_as(pixels).clamp(0, 1)


@pytest.mark.parametrize("seed", range(4))
def test_colours_are_changed_one_after_the_other(seed):
    pixels = torch.rand(3, 2, 5, 4, generator=torch.Generator().manual_seed(seed))
    change = draw_colours(np.random.default_rng(seed))
    expected = one_by_one(pixels, change) * 2 - 1
    torch.testing.assert_close(
        change_colours((pixels * 2 - 1)[None], torch.tensor([change]))[0], expected, atol=5e-6, rtol=0
    )


def test_videos_change_each_by_its_own_colours():
    videos = torch.rand(3, 3, 2, 5, 4, generator=torch.Generator().manual_seed(0)) * 2 - 1
    rng = np.random.default_rng(0)
    changes = torch.tensor([draw_colours(rng), ColourChange(), draw_colours(rng)])
    together = change_colours(videos, changes)
    for video, change, changed in zip(videos, changes, together, strict=True):
        torch.testing.assert_close(changed, change_colours(video[None], change[None])[0])
    torch.testing.assert_close(together[1], videos[1], atol=1e-6, rtol=0)


def test_colours_that_stay_and_colours_that_change():
    videos = torch.rand(1, 3, 2, 4, 4, generator=torch.Generator().manual_seed(0)) * 2 - 1
    brighter = change_colours(videos * 0.5, torch.tensor([ColourChange(0.1, 1.0, 1.0, 0.0)]))
    torch.testing.assert_close(brighter, videos * 0.5 + 0.2, atol=1e-5, rtol=0)
    flat = change_colours(videos, torch.tensor([ColourChange(0.0, 0.0, 1.0, 0.0)]))
    assert float(flat.std(dim=(3, 4)).max()) < 1e-5
    grey = torch.full((1, 3, 1, 2, 2), 0.4)
    torch.testing.assert_close(
        change_colours(grey, torch.tensor([ColourChange(0.0, 1.0, 1.0, 0.2)])), grey, atol=1e-5, rtol=0
    )
    red = -torch.ones(1, 3, 1, 1, 1)
    red[0, 0] = 0.0
    assert change_colours(red, torch.tensor([ColourChange(0.0, 1.0, 1.0, 1 / 3)])).argmax() != 0


def test_bytes_become_what_a_loader_of_floats_would_give():
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (2, 2, 3, 8, 6, 3), np.uint8)
    colours = torch.tensor([[draw_colours(rng) for _ in range(2)] for _ in range(2)])
    batch = {"video": torch.from_numpy(pictures), "video_colours": colours}
    seen = as_float(batch, "video")
    assert seen.shape == (2, 2, 3, 3, 8, 6)
    for row in range(2):
        for clip in range(2):
            plain = frames_to_tensor(pictures[row, clip])[None]
            expected = change_colours(plain, colours[row, clip][None])[0]
            torch.testing.assert_close(seen[row, clip], expected)
    assert frames_to_tensor(np.full((1, 2, 2, 3), 255, np.uint8)).eq(1).all()
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(as_float(batch, "video"), seen)
    still = as_float({"video": batch["video"]}, "video")
    assert torch.equal(still, frames_to_tensor(pictures))
    assert as_float({"video": still}, "video") is still


def test_what_is_drawn_stays_in_bounds_and_keeps_the_probabilities():
    rng = np.random.default_rng(0)
    drawn = [draw_augmentation(SETTINGS, rng) for _ in range(2000)]
    assert {change.short_side for change in drawn} == set(range(18, 28))
    assert np.mean([change.flip for change in drawn]) == pytest.approx(0.5, abs=0.04)
    assert np.mean([change.colours.hue != 0 for change in drawn]) == pytest.approx(0.8, abs=0.04)
    assert np.mean([change.colours.saturation == 0 for change in drawn]) == pytest.approx(0.1, abs=0.03)
    for change in drawn[:200]:
        window = apply_augmentation(frames(change.short_side, 30), change, 16)
        assert -1 <= float(window.min()) <= float(window.max()) <= 1


def test_pictures_are_never_scaled_below_the_crop():
    settings = VideoSettings(size=20, short_side=20)
    rng = np.random.default_rng(1)
    assert min(draw_augmentation(settings, rng).short_side for _ in range(100)) == 20


@pytest.mark.parametrize("wrong", [{"scale": (1.3, 0.9)}, {"size": 300}, {"flip": 1.5}])
def test_settings_that_make_no_sense(wrong):
    with pytest.raises(ValueError, match=r"scale|short_side|flip"):
        VideoSettings(**wrong)
