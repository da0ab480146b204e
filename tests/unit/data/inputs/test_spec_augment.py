"""Masks, rolls and noise on spectrograms."""

import pytest
import torch

from avtool.data.inputs.spec_augment import SpecAugment, TimeRoll, UniformNoise, roll_frames


def test_masks_stay_below_their_bounds() -> None:
    torch.manual_seed(0)
    masked = SpecAugment(frequency_mask=24, time_mask=48)(torch.ones(1000, 100, 64)) == 0
    bins = masked.all(dim=1).sum(dim=1)
    frames = masked.all(dim=2).sum(dim=1)
    assert 0 <= int(bins.min()) < int(bins.max()) < 24
    assert 0 <= int(frames.min()) < int(frames.max()) < 48
    assert float(bins.float().mean()) == pytest.approx(11.5, abs=1)  # ⌊U · 24⌋
    assert float(frames.float().mean()) == pytest.approx(23.5, abs=2)


def test_a_mask_is_one_stretch_and_can_lie_anywhere() -> None:
    torch.manual_seed(0)
    hidden = SpecAugment(frequency_mask=0, time_mask=40)(torch.ones(1000, 100, 8))[:, :, 0] == 0
    edges = (
        hidden.int().diff(dim=1, prepend=torch.zeros(1000, 1), append=torch.zeros(1000, 1)).abs().sum(dim=1)
    )
    assert set(edges.tolist()) <= {0, 2}
    assert bool(hidden[:, :-1].any(dim=0).all())


def test_samples_draw_apart() -> None:
    torch.manual_seed(0)
    masked = SpecAugment(20, 20)(torch.ones(8, 100, 64))
    assert len({tuple(sample.flatten().tolist()) for sample in masked}) == 8


def test_a_bound_wider_than_the_spectrogram_is_no_error() -> None:
    torch.manual_seed(0)
    assert SpecAugment(48, 192)(torch.ones(100, 50, 16)).shape == (100, 50, 16)


@pytest.mark.parametrize("transform", [SpecAugment(10, 10), TimeRoll(), UniformNoise()], ids=repr)
def test_evaluation_is_the_identity(transform: torch.nn.Module) -> None:
    fbank = torch.randn(2, 50, 16)
    assert transform.eval()(fbank) is fbank


def test_the_input_is_not_written_to() -> None:
    fbank = torch.ones(4, 50, 16)
    SpecAugment(10, 10)(fbank)
    assert bool((fbank == 1).all())


@pytest.mark.parametrize(("max_frames", "shifts"), [(3, 7), (None, 20)])
def test_roll_rotates_each_sample_within_bounds(max_frames: int | None, shifts: int) -> None:
    torch.manual_seed(0)
    ramp = torch.arange(20.0)[None, :, None].expand(500, 20, 2)
    rolled = TimeRoll(max_frames)(ramp)
    assert bool((rolled.sort(dim=1).values == ramp).all())
    assert len(rolled[:, 0, 0].unique()) == shifts
    if max_frames is not None:
        assert set(rolled[:, 0, 0].tolist()) == {17.0, 18.0, 19.0, 0.0, 1.0, 2.0, 3.0}


def test_noise_is_bounded_and_of_random_level() -> None:
    torch.manual_seed(0)
    noise = UniformNoise(0.1)(torch.zeros(200, 30, 10))
    assert float(noise.min()) >= 0
    assert float(noise.max()) < 0.1
    assert float(noise.amax(dim=(1, 2)).std()) > 0.01


def test_several_masks_of_one_axis() -> None:
    torch.manual_seed(0)
    masked = SpecAugment(0, 4, value=1.0, time_masks=4).train()(torch.zeros(64, 200, 2))
    frames = masked[:, :, 0].sum(dim=1)
    starts = (masked[:, 1:, 0] > masked[:, :-1, 0]).sum(dim=1) + (masked[:, 0, 0] > 0)
    assert frames.max() <= 4 * 3  # narrower than four each
    assert starts.max() == 4
    assert starts.float().mean() > 2


def test_a_roll_leaves_the_padding_at_the_end() -> None:
    torch.manual_seed(0)
    frames = torch.tensor([5, 8, 1])
    fbank = torch.arange(1.0, 9).expand(3, 8) * (torch.arange(8) < frames[:, None])
    rolled = TimeRoll(4).train()(fbank[:, :, None], frames)[:, :, 0]
    for before, after, count in zip(fbank, rolled, frames.tolist(), strict=True):
        assert after[:count].sort().values.tolist() == before[:count].tolist()
        assert after[count:].tolist() == before[count:].tolist()
    assert not torch.equal(rolled, fbank)


@pytest.mark.parametrize("shift", [-3, 0, 2, 7])
def test_a_whole_window_rolls_as_torch_rolls(shift: int) -> None:
    fbank = torch.randn(2, 6, 3)
    assert torch.equal(roll_frames(fbank, torch.full((2,), shift)), fbank.roll(shift, dims=1))
