"""Masks: how many tokens they hide, which, and what they refuse."""

from typing import Any

import pytest
import torch

from avtool.core.errors import BadInputError
from avtool.models.masked.masking import Masking, masked_tokens

torch.set_num_threads(1)


@pytest.mark.parametrize(
    ("grid", "ratio", "visible"),
    [
        ((14, 14), 0.75, 49),
        ((64, 8), 0.8, 102),
        ((4, 14, 14), 0.8, 156),
        ((10, 5), 0.8, 9),
        ((8, 14, 14), 0.9, 156),
    ],
)
def test_random_masks_leave_as_many_as_the_published_code(
    grid: tuple[int, ...], ratio: float, visible: int
) -> None:
    assert Masking(grid, ratio=ratio).num_visible == visible


@pytest.mark.parametrize(("times", "frequencies", "hidden"), [(0.7, 0.3, 417), (0.6, 0.5, 412)])
def test_times_and_frequencies_hide_their_union(times: float, frequencies: float, hidden: int) -> None:
    masking = Masking((64, 8), "time-frequency", time_ratio=times, frequency_ratio=frequencies)
    mask = masked_tokens(masking.split(torch.rand(5, 512))).reshape(5, 64, 8)
    assert mask.flatten(1).sum(dim=1).tolist() == [hidden] * 5
    late, high = mask.all(dim=2), mask.all(dim=1)
    assert torch.equal(mask, late[:, :, None] | high[:, None, :])


MASKINGS = [
    Masking((4, 6)),
    Masking((4, 6), "time-frequency", time_ratio=0.5, frequency_ratio=0.5),
    Masking((3, 4, 4), "tube", 0.5),
]


@pytest.mark.parametrize("masking", MASKINGS, ids=lambda masking: masking.kind)
def test_every_token_is_either_visible_or_hidden(masking: Masking) -> None:
    length = 24 if masking.kind != "tube" else 48
    split = masking.split(torch.rand(7, length))
    assert split.visible.shape[1] == masking.num_visible
    together = torch.cat(split, dim=1).sort(dim=1).values
    assert torch.equal(together, torch.arange(length).expand(7, -1))


@pytest.mark.parametrize("masking", MASKINGS, ids=lambda masking: masking.kind)
def test_a_clips_mask_depends_on_its_own_noise_alone(masking: Masking) -> None:
    noise = torch.rand(6, 24 if masking.kind != "tube" else 48)
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    whole, shuffled = masked_tokens(masking.split(noise)), masked_tokens(masking.split(noise[order]))
    assert torch.equal(shuffled, whole[order])


@pytest.mark.parametrize("masking", MASKINGS, ids=lambda masking: masking.kind)
def test_every_token_is_hidden_about_as_often_as_the_others(masking: Masking) -> None:
    """A mask that reads its noise wrongly would favour some places."""
    generator = torch.Generator().manual_seed(0)
    length = 24 if masking.kind != "tube" else 48
    rounds = 4000
    mask = masked_tokens(masking.split(torch.rand(rounds, length, generator=generator)))
    expected = 1 - masking.num_visible / length
    deviation = (expected * (1 - expected) / rounds) ** 0.5
    assert float((mask.float().mean(dim=0) - expected).abs().max()) < 5 * deviation


@pytest.mark.parametrize("masking", MASKINGS, ids=lambda masking: masking.kind)
def test_the_first_hidden_tokens_are_a_fair_choice_among_them(masking: Masking) -> None:
    generator = torch.Generator().manual_seed(0)
    length = 24 if masking.kind != "tube" else 48
    rounds = 4000
    split = masking.split(torch.rand(rounds, length, generator=generator))
    chosen = split.masked[:, : split.masked.shape[1] // 2]
    times_hidden = torch.bincount(split.masked.flatten(), minlength=length)
    times_chosen = torch.bincount(chosen.flatten(), minlength=length)
    share = times_chosen / times_hidden
    expected = chosen.shape[1] / split.masked.shape[1]
    assert float((share - expected).abs().max()) < 6 * (expected * (1 - expected) / times_hidden.min()) ** 0.5


def test_equal_noise_is_told_apart_by_place() -> None:
    split = Masking((4, 4)).split(torch.zeros(1, 16))
    assert split.visible.tolist() == [[0, 1, 2, 3]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ratio": 1.0}, "mask ratio 1 leaves 0 of 16 tokens visible"),
        ({"ratio": 0.0}, "mask ratio 0 leaves 16 of 16 tokens visible"),
        ({"ratio": 0.95}, "mask ratio 0.95 leaves 0 of 16 tokens visible"),
        ({"ratio": 1.5}, "mask ratio 1.5 leaves"),
        ({"kind": "time-frequency", "time_ratio": 0.9}, "leaves 0 of 16 tokens visible"),
        ({"kind": "tube"}, "only videos are masked by tubes"),
        ({"kind": "time-frequency", "grid": (2, 4, 4)}, "only spectrograms are masked by time and frequency"),
    ],
)
def test_masks_that_leave_nothing_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        Masking(**{"grid": (4, 4), **arguments})


def test_noise_of_another_length_is_refused() -> None:
    with pytest.raises(
        BadInputError, match=r"noise for masks has shape \(2, 15\) and not \(batch, 16 tokens\)"
    ):
        Masking((4, 4)).split(torch.rand(2, 15))
