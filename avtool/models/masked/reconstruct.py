"""Reconstruction of clips from a masked model's predictions."""

from typing import NamedTuple

import torch
from torch import Tensor

from avtool.models.masked.autoencoder import MaskedPrediction
from avtool.models.masked.patch_grid import PatchGrid
from avtool.models.masked.targets import TargetKind, undo_targets


class ReconstructedClips(NamedTuple):
    """Three versions of the same clips, each of the modality's shape.

    Attributes:
        original: the input.
        masked: with the clip's mean in place of the masked patches.
        reconstructed: with the predictions in their place.
    """

    original: Tensor
    masked: Tensor
    reconstructed: Tensor


def reconstruct(
    grid: PatchGrid, clips: Tensor, predicted: MaskedPrediction, kind: TargetKind
) -> ReconstructedClips:
    """Puts predictions into clips.

    Where a model was trained on normalised patches ("patch", "channel"), each prediction gets the mean and
    the contrast of the true patch, which the model does not predict: a page that shows it should state so.

    Args:
        grid: the patches of a clip.
        clips: (B, ...) of the modality's shape.
        predicted: for their masked patches.
        kind: the targets that the model was trained on.
    """
    patches = grid.cut(clips)
    place = predicted.masked[:, :, None].expand(-1, -1, grid.num_values)
    values = undo_targets(predicted.prediction, predicted.patches, kind, grid.channels).to(patches.dtype)
    mean = patches.mean(dim=(1, 2), keepdim=True).expand(-1, place.shape[1], grid.num_values)
    with torch.no_grad():
        masked, filled = (grid.join(patches.scatter(1, place, source)) for source in (mean, values))
    return ReconstructedClips(clips, masked, filled)
