"""Audio-MAE with a smooth L1 loss: a masked method that differs in its loss alone."""

from typing import TYPE_CHECKING

from avtool.tasks.masked.task import AudioMae
from avtool.training.task import register

if TYPE_CHECKING:
    from torch import nn


@register
class SmoothMae(AudioMae):
    """Reconstruction of masked patches by the smooth L1 loss."""

    name = "smooth-mae"
    verb = "train"
    summary = "Audio-MAE with a smooth L1 loss."

    def make_objective(self, model: "nn.Module") -> "nn.Module":
        """The smooth L1 loss of masked patches."""
        from avtool_plugin.smooth_mae.loss import SmoothReconstruction

        return SmoothReconstruction()
