"""The noise schedule of a diffusion model: how much of a latent is left at each time (Ho et al., 2020)."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor


@dataclass(frozen=True)
class NoiseSchedule:
    """Variances that grow as squares of evenly spaced roots; the defaults are PVDM's.

    Attributes:
        times: T of diffusion, counted from 0, the least noise.
        first, last: β of the first and of the last time.
    """

    times: int = 1000
    first: float = 0.0015
    last: float = 0.0195

    @cached_property
    def betas(self) -> Tensor:
        """(T,) variances of the noise that each time adds, in float64."""
        roots = torch.linspace(self.first**0.5, self.last**0.5, self.times, dtype=torch.float64, device="cpu")
        return roots**2

    @cached_property
    def signal(self) -> Tensor:
        """(T,) shares of the variance that are left of the latent: ᾱ, in float64."""
        return torch.cumprod(1 - self.betas, dim=0)

    def add_noise(self, latents: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """√ᾱ · latents + √(1 - ᾱ) · noise, each sample at its own time.

        Args:
            latents: (B, …).
            noise: of the same shape, of unit variance.
            timesteps: (B,) from 0 to T - 1.
        """
        share = self._at(timesteps, latents)
        return share.sqrt().to(latents.dtype) * latents + (1 - share).sqrt().to(latents.dtype) * noise

    def predict_start(self, noisy: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """The latents (B, ...) of noisy ones, if this is their noise: the inverse of `add_noise`."""
        share = self._at(timesteps, noisy)
        return (1 / share).sqrt().to(noisy.dtype) * noisy - (1 / share - 1).sqrt().to(noisy.dtype) * noise

    def _at(self, timesteps: Tensor, like: Tensor) -> Tensor:
        share = self.signal.to(like.device)[timesteps]
        return share.reshape(-1, *(1,) * (like.dim() - 1))
