"""One length, one scale."""

import pytest
import torch

from avtool.data.inputs.spectrogram import normalize, pad_or_cut

RAMP = torch.arange(10.0)[None, :, None].expand(1, 10, 2)


@pytest.mark.parametrize(
    ("num_frames", "cut", "kept"),
    [
        (4, "start", [0, 1, 2, 3]),
        (4, "centre", [3, 4, 5, 6]),
        (5, "centre", [2, 3, 4, 5, 6]),
        (10, "centre", list(range(10))),
        (12, "start", [*range(10), 0, 0]),
        (12, "centre", [*range(10), 0, 0]),
    ],
)
def test_length(num_frames: int, cut: str, kept: list[int]) -> None:
    assert pad_or_cut(RAMP, num_frames, cut)[0, :, 0].tolist() == kept  # type: ignore[arg-type]


def test_padding_before_scaling_is_not_zero_after() -> None:
    """With the statistics of AudioSet, padding becomes +0.467."""
    padded = normalize(pad_or_cut(torch.zeros(1, 1, 1), 2), mean=-4.2677393, std=4.5689974)
    torch.testing.assert_close(padded.flatten(), torch.full((2,), 0.46703), atol=1e-5, rtol=0)


def test_scaling_maps_mean_to_zero_and_two_deviations_to_one() -> None:
    fbank = torch.tensor([-5.0, -5.0 + 2 * 3.0])
    torch.testing.assert_close(normalize(fbank, mean=-5.0, std=3.0), torch.tensor([0.0, 1.0]))
