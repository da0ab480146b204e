"""Masked reconstruction: the mean squared error of what was hidden."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from avtool.data.inputs.video_augment import as_float
from avtool.models.masked.autoencoder import Rebuilt
from avtool.models.masked.patch_grid import PatchGrid
from avtool.models.masked.targets import TargetKind, make_targets

PIXEL_MEAN, PIXEL_STD = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)
"""Takes colours from [-1, 1] to [0, 1]."""


class MaskedReconstruction(nn.Module):
    """The loss of MAE, Audio-MAE and VideoMAE.

    A batch holds the model's clips, and `<modality>_noise` (B, L) for its mask.

    Args:
        target: what is predicted; see `TargetKind`.
        pixel_mean: with "channel", what the colours of the batch were centred by. VideoMAE's targets are made
            of colours in [0, 1], which matters only where a patch has almost no contrast.
        pixel_std: and what they were divided by.
    """

    def __init__(
        self,
        target: TargetKind = "patch",
        pixel_mean: tuple[float, ...] = PIXEL_MEAN,
        pixel_std: tuple[float, ...] = PIXEL_STD,
    ) -> None:
        super().__init__()
        self.target = target
        self.register_buffer("pixel_mean", torch.tensor(pixel_mean), persistent=False)
        self.register_buffer("pixel_std", torch.tensor(pixel_std), persistent=False)
        self.pixel_mean: Tensor
        self.pixel_std: Tensor

    def forward(self, model: nn.Module, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Scores a batch; `loss` alone, as there is one modality."""
        output = model(**masked_inputs(model, batch))
        return {"loss": self.total(output, model.grids)}  # type: ignore[arg-type]

    def total(self, output: Mapping[str, Rebuilt], grids: Mapping[str, PatchGrid]) -> Tensor:
        """The sum over modalities."""
        return torch.stack([self.score(rebuilt, grids[name]) for name, rebuilt in output.items()]).sum()

    def score(self, rebuilt: Rebuilt, grid: PatchGrid) -> Tensor:
        """The error of one modality: the mean over hidden tokens of the mean over their values."""
        patches = rebuilt.patches.float()
        if self.target == "channel" and grid.channels == 3:
            patches = (
                patches.reshape(*patches.shape[:-1], -1, 3) * self.pixel_std + self.pixel_mean
            ).flatten(-2)
        target = make_targets(patches, self.target, grid.channels)
        return (rebuilt.prediction.float() - target).square().mean()


def masked_inputs(model: Any, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What a masked model takes of a batch."""
    return {name: as_float(batch, name) for name in model.masked_inputs}
