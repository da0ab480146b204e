"""Samplers of diffusion models: DDIM over its own times, DDPM, and classifier-free guidance.

Shapes: B samples, each with a random generator of its own, so that a sample depends neither on its
neighbours nor on the batch size.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from avtool.models.pvdm.schedule import NoiseSchedule

Denoiser = Callable[[Tensor, Tensor], Tensor]
"""(noisy latents (B, …), times (B,)) → the noise in them."""


def ddim_times(steps: int, times: int = 1000) -> list[int]:
    """The times that DDIM visits, from the last, and -1, no noise, at the end.

    They are the whole parts of `steps` + 1 evenly spaced numbers from -1 to T - 1.

    Args:
        steps: from 1 to `times`.
        times: T of the schedule.
    """
    assert 1 <= steps <= times, f"{steps} steps of {times} times"
    return [(number * times - steps) // steps for number in range(steps, 0, -1)] + [-1]


def ddim_sample(
    denoise: Denoiser,
    noise: Tensor,
    generators: Sequence[torch.Generator],
    *,
    steps: int,
    eta: float = 1.0,
    schedule: NoiseSchedule | None = None,
    clip: bool = True,
    advance: Callable[[], None] | None = None,
) -> Tensor:
    """Turns noise into latents in few steps (Song et al., 2021).

    The prediction of the noise stays as it is where the predicted latents are clipped, as published.

    Args:
        denoise: predicts the noise.
        noise: (B, …) of unit variance.
        generators: one a sample, on the CPU, for the noise of the steps.
        steps: from 1 to T.
        eta: 0 adds no noise; 1 as much as DDPM.
        schedule: of the training; PVDM's by default.
        clip: keep predicted latents in [-1, 1].
        advance: called after each step.

    Returns:
        (B, …).
    """
    schedule = schedule or NoiseSchedule()
    visited = ddim_times(steps, schedule.times)
    signal, latents = schedule.signal.tolist(), noise
    for now, following in pairwise(visited):
        moment = torch.full((len(latents),), now, device=latents.device)
        predicted = denoise(latents, moment)
        start = schedule.predict_start(latents, predicted, moment)
        if clip:
            start = start.clamp(-1, 1)
        if following < 0:
            latents = start
        else:
            here, there = signal[now], signal[following]
            deviation = eta * ((1 - here / there) * (1 - there) / (1 - here)) ** 0.5
            kept = max(1 - there - deviation**2, 0.0) ** 0.5
            latents = start * there**0.5 + kept * predicted
            if deviation:
                latents = latents + deviation * draw_noise(latents, generators)
        if advance is not None:
            advance()
    return latents


def ddpm_sample(
    denoise: Denoiser,
    noise: Tensor,
    generators: Sequence[torch.Generator],
    *,
    schedule: NoiseSchedule | None = None,
    clip: bool = True,
    advance: Callable[[], None] | None = None,
) -> Tensor:
    """Turns noise into latents through every time, with the posterior's variance (Ho et al., 2020).

    Args:
        denoise: predicts the noise.
        noise: (B, …) of unit variance.
        generators: one a sample, on the CPU.
        schedule: of the training; PVDM's by default.
        clip: keep predicted latents in [-1, 1].
        advance: called after each step.
    """
    schedule = schedule or NoiseSchedule()
    signal, betas, latents = schedule.signal.tolist(), schedule.betas.tolist(), noise
    for now in range(schedule.times - 1, -1, -1):
        moment = torch.full((len(latents),), now, device=latents.device)
        start = schedule.predict_start(latents, denoise(latents, moment), moment)
        if clip:
            start = start.clamp(-1, 1)
        here, there, beta = signal[now], signal[now - 1] if now else 1.0, betas[now]
        mean = (beta * there**0.5 * start + (1 - there) * (1 - beta) ** 0.5 * latents) / (1 - here)
        latents = mean
        if now:
            deviation = (beta * (1 - there) / (1 - here)) ** 0.5
            latents = mean + deviation * draw_noise(mean, generators)
        if advance is not None:
            advance()
    return latents


def guided(network: nn.Module, condition: Tensor | None, weight: float = 0.0) -> Denoiser:
    """The noise that a network predicts, with classifier-free guidance: (1 + w) ε(c) - w ε(0).

    Args:
        network: takes latents, times and the latents of the clip before.
        condition: (B, C, N); None for a first clip, which has no guidance.
        weight: w; 0 leaves guidance and its cost out.
    """

    def denoise(latents: Tensor, timesteps: Tensor) -> Tensor:
        if condition is None or weight == 0:
            predicted: Tensor = network(latents, timesteps, condition)
            return predicted
        both = torch.cat([condition, torch.zeros_like(condition)])
        given, free = network(latents.repeat(2, 1, 1), timesteps.repeat(2), both).chunk(2)
        moved: Tensor = (1 + weight) * given - weight * free
        return moved

    return denoise


def draw_noise(like: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
    """Noise of unit variance, of the shape of `like` (B, …), each sample by its own generator."""
    drawn = [torch.randn(like.shape[1:], generator=generator) for generator in generators]
    return torch.stack(drawn).to(like)
