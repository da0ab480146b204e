"""The objectives of MAViL (Huang et al., NeurIPS 2023): reconstruction and contrast; then a teacher."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from avtool.core.errors import BadInputError
from avtool.models.masked.audio_video import AUDIO, VIDEO, MaskedPair
from avtool.models.masked.autoencoder import MaskedPrediction
from avtool.models.masked.patch_grid import take
from avtool.models.masked.targets import TargetKind
from avtool.objectives.masked.contrast import info_nce, pair_contrast
from avtool.objectives.masked.reconstruction import MaskedReconstruction, masked_inputs


@dataclass(frozen=True)
class ContrastWeights:
    """Weights and temperatures of the contrasts beside the reconstruction.

    Attributes:
        alpha: weight between modalities.
        beta: weight between two masks of the same clip.
        tau_inter: temperature between modalities.
        tau_intra: temperature between masks.
    """

    alpha: float = 0.1
    beta: float = 0.01
    tau_inter: float = 0.1
    tau_intra: float = 1.0

    def add_to(self, errors: Mapping[str, Tensor], output: MaskedPair) -> dict[str, Tensor]:
        """`loss`, and to log the errors and, without their weights, `loss_inter` and `loss_intra`."""
        first, second = output.pooled, output.pooled2
        between_masks = [info_nce(first[name], second[name], self.tau_intra) for name in (AUDIO, VIDEO)]
        inter = pair_contrast(first[AUDIO], first[VIDEO], self.tau_inter)
        intra = torch.stack(between_masks).mean()
        total = torch.stack(list(errors.values())).sum() + self.alpha * inter + self.beta * intra
        parts = {**errors, "loss_inter": inter, "loss_intra": intra}
        return {"loss": total, **{name: value.detach() for name, value in parts.items()}}


class MAViLStage1(nn.Module):
    """Reconstruction of masked patches of audio and video, and contrasts of the encoders' features.

    A batch holds "audio", "video" and the noise of two masks for each.

    Args:
        contrast: weights and temperatures.
        target: see `TargetKind`.
    """

    contrasts_clips: ClassVar[bool] = True

    def __init__(self, contrast: ContrastWeights | None = None, target: TargetKind = "patch") -> None:
        super().__init__()
        self.contrast = contrast or ContrastWeights()
        self.reconstruction = MaskedReconstruction(target)

    def forward(self, model: nn.Module, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Scores a batch: `loss`, and its parts `loss_{audio,video,inter,intra}` without their weights."""
        output = model(**masked_inputs(model, batch))
        grids: Any = model.grids
        errors = {
            f"loss_{name}": self.reconstruction.score(predicted, grids[name])
            for name, predicted in output.predictions.items()
        }
        return self.contrast.add_to(errors, output)


class MAViLStage2(nn.Module):
    """Predicts a frozen teacher's joint features of masked patches, with the same contrasts.

    The teacher takes audio and video without masks. Its weights are part of this module, and so of every
    checkpoint of the run; it never trains and stays in evaluation mode.

    Args:
        teacher: a MAViL; it is frozen.
        contrast: weights and temperatures.
    """

    contrasts_clips: ClassVar[bool] = True

    def __init__(self, teacher: nn.Module, contrast: ContrastWeights | None = None) -> None:
        super().__init__()
        self.contrast = contrast or ContrastWeights()
        self.teacher: Any = teacher.eval().requires_grad_(requires_grad=False)

    def train(self, mode: bool = True) -> Self:
        """Sets the mode of all but the teacher."""
        super().train(mode)
        self.teacher.eval()
        return self

    def forward(self, model: nn.Module, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Scores a batch: `loss`, and its parts `loss_{audio,video,inter,intra}` without their weights."""
        with torch.no_grad():
            targets = self.teacher.contextualise(batch[AUDIO], batch[VIDEO])
        output = model(**masked_inputs(model, batch))
        errors = {
            f"loss_{name}": feature_error(predicted, targets[name])
            for name, predicted in output.predictions.items()
        }
        return self.contrast.add_to(errors, output)


def feature_error(predicted: MaskedPrediction, targets: Tensor) -> Tensor:
    """The mean squared error of predicted features (B, M, D) against those of all tokens (B, L, D)."""
    return (predicted.prediction.float() - take(targets, predicted.masked).float()).square().mean()


def check_teacher(student: Any, teacher: Any) -> None:
    """Checks that a teacher's tokens are the student's.

    Raises:
        BadInputError: a setting differs; the message names it.
    """
    shared = ("num_frames", "num_mel_bins", "video_frames", "image_size", "tubelet_frames", "patch_size")
    for name in (*shared, "embed_dim"):
        ours, theirs = getattr(student.settings, name), getattr(teacher.settings, name)
        if ours != theirs:
            raise BadInputError(
                f"the teacher has {name} {theirs} and the student {ours}",
                "build the student with the teacher's setting, or take another teacher",
            )
