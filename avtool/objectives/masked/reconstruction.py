"""Masked reconstruction: the mean squared error of masked patches."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from avtool.data.inputs.video_augment import as_float
from avtool.models.masked.autoencoder import MaskedPrediction
from avtool.models.masked.patch_grid import PatchGrid
from avtool.models.masked.targets import TargetKind, make_targets

PIXEL_MEAN, PIXEL_STD = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)
"""Takes colours from [-1, 1] to [0, 1]."""


class MaskedReconstruction(nn.Module):
    """The loss of MAE, Audio-MAE and VideoMAE.

    A batch holds the model's clips, and `<modality>_noise` (B, L) for its mask.

    Args:
        target: see `TargetKind`.
        pixel_mean: with "channel", the mean by which the colours of the batch were normalised: VideoMAE's
            targets are made of colours in [0, 1], which matters only where a patch has almost no contrast.
        pixel_std: their deviation, likewise.
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
        """Scores a batch: `loss` alone, a scalar, as there is one modality."""
        output = model(**masked_inputs(model, batch))
        return {"loss": self.total(output, model.grids)}  # type: ignore[arg-type]

    def total(self, output: Mapping[str, MaskedPrediction], grids: Mapping[str, PatchGrid]) -> Tensor:
        """The sum over modalities, a scalar."""
        return torch.stack([self.score(predicted, grids[name]) for name, predicted in output.items()]).sum()

    def score(self, predicted: MaskedPrediction, grid: PatchGrid) -> Tensor:
        """The error of one modality, a scalar: the mean over masked tokens of the mean over their values."""
        patches = predicted.patches.float()
        if self.target == "channel" and grid.channels == 3:
            patches = (
                patches.reshape(*patches.shape[:-1], -1, 3) * self.pixel_std + self.pixel_mean
            ).flatten(-2)
        target = make_targets(patches, self.target, grid.channels)
        return (predicted.prediction.float() - target).square().mean()


def masked_inputs(model: Any, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The inputs (B, …) of a masked model in a batch, as floats, by the names of its arguments."""
    return {name: as_float(batch, name) for name in model.masked_inputs}
