"""The objective of a latent diffusion model: the noise in latents at random times (Ho et al., 2020)."""

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from avtool.models.pvdm.schedule import NoiseSchedule


class NoisePrediction(nn.Module):
    """E ‖ε - ε_θ(z_t, c, t)‖², t uniform (Yu et al., 2023, section 3.3).

    Args:
        schedule: of the diffusion.
    """

    def __init__(self, schedule: NoiseSchedule | None = None) -> None:
        super().__init__()
        self.schedule = schedule or NoiseSchedule()

    def forward(self, model: nn.Module, batch: Mapping[str, Any]) -> dict[str, Tensor]:
        """Scores the model.

        Args:
            model: takes noisy latents, times and the latents of the clip before.
            batch: `latents` (B, C, N) to make, `latents_condition` of the same shape, zeros for a first clip,
                and `index` (B,). In evaluation, noise and times follow from the indices alone.
        """
        latents, condition = batch["latents"], batch["latents_condition"]
        noise, times = self._draw(latents, batch["index"])
        noisy = self.schedule.add_noise(latents, noise, times)
        predicted = model(noisy, times, condition)
        return {"loss": F.mse_loss(predicted.float(), noise.float())}

    def _draw(self, latents: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
        if self.training:
            times = torch.randint(self.schedule.times, (len(latents),))
            return torch.randn_like(latents), times.to(latents.device)
        noises, times_of = [], []
        for number in index.tolist():
            generator = torch.Generator().manual_seed(number)
            noises.append(torch.randn(latents.shape[1:], generator=generator))
            times_of.append(torch.randint(self.schedule.times, (), generator=generator))
        return torch.stack(noises).to(latents), torch.stack(times_of).to(latents.device)
