"""The smooth L1 loss of masked patches."""

from torch import Tensor
from torch.nn.functional import smooth_l1_loss

from avtool.models.masked.autoencoder import MaskedPrediction
from avtool.models.masked.patch_grid import PatchGrid
from avtool.models.masked.targets import make_targets
from avtool.objectives.masked.reconstruction import MaskedReconstruction


class SmoothReconstruction(MaskedReconstruction):
    """Smooth L1 in the place of the mean squared error."""

    def score(self, predicted: MaskedPrediction, grid: PatchGrid) -> Tensor:
        """The loss of one modality, over masked tokens and their values."""
        target = make_targets(predicted.patches.float(), self.target, grid.channels)
        return smooth_l1_loss(predicted.prediction.float(), target)
