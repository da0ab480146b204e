"""Clips to look at: what a masked model saw of them, and what it made of the rest."""

from typing import NamedTuple

import torch
from torch import Tensor

from avtool.models.masked.autoencoder import Rebuilt
from avtool.models.masked.patch_grid import PatchGrid
from avtool.models.masked.targets import TargetKind, undo_targets


class Picture(NamedTuple):
    """Three views of the same clips, each of the modality's shape.

    Attributes:
        original: what there is.
        masked: with the clip's mean in the place of hidden patches.
        rebuilt: with the predictions there.
    """

    original: Tensor
    masked: Tensor
    rebuilt: Tensor


def paint(grid: PatchGrid, clip: Tensor, rebuilt: Rebuilt, kind: TargetKind) -> Picture:
    """Puts predictions into clips.

    Where a model was trained for normalised patches ("patch", "channel"), each one gets the mean and the
    contrast of the true patch: the model says nothing of these, and whoever shows the picture should say so.

    Args:
        grid: the patches of a clip.
        clip: (B, ...) of the modality's shape.
        rebuilt: what the model said of them.
        kind: what it was trained for.
    """
    patches = grid.cut(clip)
    place = rebuilt.hidden[:, :, None].expand(-1, -1, grid.num_values)
    values = undo_targets(rebuilt.prediction, rebuilt.patches, kind, grid.channels).to(patches.dtype)
    grey = patches.mean(dim=(1, 2), keepdim=True).expand(-1, place.shape[1], grid.num_values)
    with torch.no_grad():
        return Picture(
            clip, grid.join(patches.scatter(1, place, grey)), grid.join(patches.scatter(1, place, values))
        )
