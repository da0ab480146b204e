"""Samplers of diffusion models against recurrences in closed form."""

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import torch

from avtool.inference.generation.sampling import Denoiser, ddim_sample, ddim_times, ddpm_sample, guided
from avtool.models.pvdm.schedule import NoiseSchedule

SIGNAL = np.cumprod(1 - np.linspace(0.0015**0.5, 0.0195**0.5, 1000) ** 2)


def generators(count: int, seed: int = 0) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed + number) for number in range(count)]


def of_a_gaussian(mean: float, variance: float) -> Denoiser:
    """The best prediction of the noise in samples of N(mean, variance)."""

    def denoise(latents: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
        share = torch.from_numpy(SIGNAL)[times].reshape(-1, *(1,) * (latents.dim() - 1))
        return (1 - share).sqrt() * (latents - share.sqrt() * mean) / (share * variance + 1 - share)

    return denoise


@pytest.mark.parametrize("steps", [1, 2, 7, 50, 100, 200, 400, 999, 1000])
def test_times_are_evenly_spaced_and_end_without_noise(steps: int) -> None:
    times = ddim_times(steps)
    assert len(times) == steps + 1
    assert times[0] == 999
    assert times[-1] == -1
    assert times[:-1] == [math.floor(value) for value in np.linspace(-1, 999, steps + 1)[:0:-1] + 1e-9]
    gaps = -np.diff(times[:-1])
    assert not len(gaps) or gaps.max() - gaps.min() <= 1


@pytest.mark.parametrize("steps", [20, 400])
def test_ddim_without_noise_follows_the_closed_recurrence(steps: int) -> None:
    """Of a Gaussian each step is linear: z' = √ᾱ' x̂ + √(1 - ᾱ') ε̂."""
    noise = torch.randn(3, 2, 5, dtype=torch.float64)
    drawn = ddim_sample(
        of_a_gaussian(0.0, 0.25), noise, generators(3), steps=steps, eta=0, clip=False
    ).numpy()
    factor, times = 1.0, ddim_times(steps)
    for now, following in pairwise(times):
        here, there = SIGNAL[now], SIGNAL[following] if following >= 0 else 1.0
        noise_part = math.sqrt(1 - here) / (0.25 * here + 1 - here)
        start_part = (1 - math.sqrt(1 - here) * noise_part) / math.sqrt(here)
        factor *= math.sqrt(there) * start_part + math.sqrt(1 - there) * noise_part
    np.testing.assert_allclose(drawn, factor * noise.numpy(), rtol=1e-9)


@pytest.mark.parametrize("eta", [0.5, 1.0])
def test_ddim_with_noise_has_the_variance_of_the_closed_recurrence(eta: float) -> None:
    count, steps = 200, 400
    noise = torch.stack([torch.randn(100, generator=one) for one in generators(count, 1000)]).double()
    drawn = ddim_sample(of_a_gaussian(0.0, 0.25), noise, generators(count), steps=steps, eta=eta, clip=False)
    variance, times = 1.0, ddim_times(steps)
    for now, following in pairwise(times):
        here, there = SIGNAL[now], SIGNAL[following] if following >= 0 else 1.0
        added = eta**2 * (1 - here / there) * (1 - there) / (1 - here) if following >= 0 else 0.0
        noise_part = math.sqrt(1 - here) / (0.25 * here + 1 - here)
        start_part = (1 - math.sqrt(1 - here) * noise_part) / math.sqrt(here)
        linear = math.sqrt(there) * start_part + math.sqrt(1 - there - added) * noise_part
        variance = linear**2 * variance + added
    assert 0.23 < variance < 0.25  # the last step gives a mean, which varies less than the samples
    spread = 4 * variance * math.sqrt(2 / drawn.numel())
    assert float(drawn.var()) == pytest.approx(variance, abs=spread)


def test_ddpm_gives_the_variance_of_its_recurrence() -> None:
    count, schedule = 100, NoiseSchedule()
    noise = torch.stack([torch.randn(50, generator=one) for one in generators(count, 1000)]).double()
    drawn = ddpm_sample(of_a_gaussian(0.2, 0.04), noise, generators(count), clip=False)
    betas, variance = schedule.betas.numpy(), 1.0
    for now in range(999, -1, -1):
        here, there, beta = SIGNAL[now], SIGNAL[now - 1] if now else 1.0, betas[now]
        noise_part = math.sqrt(1 - here) / (0.04 * here + 1 - here)
        start_part = (1 - math.sqrt(1 - here) * noise_part) / math.sqrt(here)
        linear = (beta * math.sqrt(there) * start_part + (1 - there) * math.sqrt(1 - beta)) / (1 - here)
        variance = linear**2 * variance + (beta * (1 - there) / (1 - here) if now else 0.0)
    assert float(drawn.mean()) == pytest.approx(0.2, abs=4 * math.sqrt(variance / drawn.numel()) + 1e-3)
    assert float(drawn.var()) == pytest.approx(variance, abs=4 * variance * math.sqrt(2 / drawn.numel()))


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_a_known_latent_is_found_in_any_number_of_steps(eta: float) -> None:
    """Where the only latent is x, the noise is known, and every step predicts x."""
    wanted = torch.linspace(-0.9, 0.9, 6, dtype=torch.float64)

    def denoise(latents: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
        share = torch.from_numpy(SIGNAL)[times][:, None]
        return (latents - share.sqrt() * wanted) / (1 - share).sqrt()

    for steps in (1, 5, 400):
        drawn = ddim_sample(
            denoise, torch.randn(2, 6, dtype=torch.float64), generators(2), steps=steps, eta=eta
        )
        np.testing.assert_allclose(drawn.numpy(), wanted.expand(2, 6).numpy(), atol=1e-9)


SAMPLERS: list[Callable[..., torch.Tensor]] = [
    lambda denoise, noise, drawn, **rest: ddim_sample(denoise, noise, drawn, steps=30, **rest),
    ddpm_sample,
]


@pytest.mark.parametrize("sample", SAMPLERS)
def test_predictions_are_clipped_and_samples_do_not_depend_on_their_batch(
    sample: Callable[..., torch.Tensor],
) -> None:
    def denoise(latents: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        return -3 * latents

    noise, calls = torch.randn(3, 4, 7), []
    drawn = sample(denoise, noise, generators(3), advance=lambda: calls.append(1))
    assert drawn.abs().max() <= 1
    assert len(calls) in {30, 1000}
    again = sample(denoise, noise, generators(3))
    assert torch.equal(drawn, again)
    alone = sample(denoise, noise[1:2], generators(3)[1:2])
    torch.testing.assert_close(alone[0], drawn[1], atol=1e-6, rtol=0)


def test_guidance_weighs_the_condition_against_none() -> None:
    calls = []

    class Network(torch.nn.Module):
        def forward(
            self, latents: torch.Tensor, times: torch.Tensor, condition: torch.Tensor | None
        ) -> torch.Tensor:
            calls.append(len(latents))
            return latents + times[:, None, None] + (5 if condition is None else 2 * condition)

    latents, times, condition = torch.randn(2, 3, 4), torch.tensor([1, 9]), torch.randn(2, 3, 4)
    network = Network()
    free, given = latents + times[:, None, None], latents + times[:, None, None] + 2 * condition
    for weight in (0.0, 0.5, 2.0):
        expected = (1 + weight) * given - weight * free
        torch.testing.assert_close(guided(network, condition, weight)(latents, times), expected)
    torch.testing.assert_close(guided(network, None, 2.0)(latents, times), free + 5)
    assert calls == [2, 4, 4, 2]
