"""The objective of a latent diffusion model: the noise in latents at random times (Ho et al., 2020)."""

from collections.abc import Mapping
from typing import Any

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
            batch: `latents` (B, C, N) to make; `latents_condition` of the same shape, zeros for a first clip;
                `noise` of the same shape, of unit variance; `timestep` (B,), from 0 to T - 1.
        """
        latents, noise, times = batch["latents"], batch["noise"], batch["timestep"]
        predicted = model(self.schedule.add_noise(latents, noise, times), times, batch["latents_condition"])
        return {"loss": F.mse_loss(predicted.float(), noise.float())}
