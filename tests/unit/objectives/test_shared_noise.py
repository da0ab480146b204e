"""Noise that goes on where it stopped, and differs between seeds and calls."""

import torch

from avtool.objectives.shared_noise import SharedNoise

CPU = torch.device("cpu")


def test_it_goes_on_where_its_state_was_taken() -> None:
    noise = SharedNoise(3)
    noise(4, 5, CPU)
    state = noise.state_dict()
    expected = noise(4, 5, CPU)
    other = SharedNoise(3)
    other.load_state_dict(state)
    assert torch.equal(other(4, 5, CPU), expected)


def test_seeds_and_calls_have_numbers_of_their_own() -> None:
    drawn = [numbers for seed in (0, 1, 2) for noise in [SharedNoise(seed)] for numbers in noise_of(noise, 3)]
    assert len({tuple(numbers.flatten().tolist()) for numbers in drawn}) == 9
    together = torch.stack([numbers.flatten() for numbers in drawn])
    assert together.min() >= 0
    assert together.max() < 1
    assert torch.corrcoef(together).triu(1).abs().max() < 0.1


def test_drawing_leaves_the_numbers_of_everything_else_alone() -> None:
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    SharedNoise()(4, 5, CPU)
    assert torch.equal(torch.rand(3), expected)


def test_evaluation_always_has_the_same_numbers() -> None:
    noise = SharedNoise().eval()
    assert torch.equal(noise(4, 5, CPU), noise(4, 5, CPU))


def noise_of(noise: SharedNoise, calls: int) -> list[torch.Tensor]:
    return [noise(50, 40, CPU) for _ in range(calls)]
