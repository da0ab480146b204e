"""The objectives of MAViL (Huang et al., NeurIPS 2023): reconstruction and contrast; then a teacher."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from avtool.core.errors import BadInputError
from avtool.data.inputs.video_augment import as_float
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

    def of(self, views: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The contrasts of pooled views of the same clips.

        Args:
            views: (B, D) of "audio" and "video", and of "audio2" and "video2" under the second mask.

        Returns:
            `loss`, their weighted sum, and to log, without their weights, `loss_inter` and `loss_intra`.
        """
        between_masks = [info_nce(views[name], views[f"{name}2"], self.tau_intra) for name in (AUDIO, VIDEO)]
        inter = pair_contrast(views[AUDIO], views[VIDEO], self.tau_inter)
        intra = torch.stack(between_masks).mean()
        total = self.alpha * inter + self.beta * intra
        return {"loss": total, "loss_inter": inter.detach(), "loss_intra": intra.detach()}


class _MAViLObjective(nn.Module):
    """Errors of masked patches, and contrasts of the encoders' features.

    The contrasts are apart from the errors, which are of each clip alone: with `loop.cached_gradients` they
    take the clips of several batches (`avtool.training.cached_gradients`).
    """

    contrasts_clips: ClassVar[bool] = True

    def __init__(self, contrast: ContrastWeights | None) -> None:
        super().__init__()
        self.weights = contrast or ContrastWeights()

    @abstractmethod
    def errors(self, model: nn.Module, output: MaskedPair, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The error of the predictions of each modality, a scalar by name."""

    def forward(self, model: nn.Module, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Scores a batch: `loss`, and its parts `loss_{audio,video,inter,intra}` without their weights."""
        found, views = self.rest(model, batch)
        contrasts = self.contrast(views)
        return {**found, **contrasts, "loss": found["loss"] + contrasts["loss"]}

    def views(self, model: nn.Module, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The features that are contrasted, (B, D) by name."""
        return _views(*model.pool_masked(**masked_inputs(model, batch)))  # type: ignore[operator]

    def contrast(self, views: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The contrasts of features; see `ContrastWeights.of`."""
        return self.weights.of(views)

    def rest(
        self, model: nn.Module, batch: Mapping[str, Tensor]
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """The losses without the contrasts, and the features (B, D) that are contrasted."""
        output: MaskedPair = model(**masked_inputs(model, batch))
        errors = {f"loss_{name}": value for name, value in self.errors(model, output, batch).items()}
        total = torch.stack(list(errors.values())).sum()
        logged = {name: value.detach() for name, value in errors.items()}
        return {"loss": total, **logged}, _views(output.pooled, output.pooled2)


def _views(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {**first, **{f"{name}2": value for name, value in second.items()}}


class MAViLStage1(_MAViLObjective):
    """Reconstruction of masked patches of audio and video, and contrasts of the encoders' features.

    A batch holds "audio", "video" and the noise of two masks for each.

    Args:
        contrast: weights and temperatures.
        target: see `TargetKind`.
    """

    def __init__(self, contrast: ContrastWeights | None = None, target: TargetKind = "patch") -> None:
        super().__init__(contrast)
        self.reconstruction = MaskedReconstruction(target)

    def errors(
        self,
        model: nn.Module,
        output: MaskedPair,
        batch: Mapping[str, Tensor],  # noqa: ARG002 - the patches are among the outputs
    ) -> dict[str, Tensor]:
        """The mean squared error of masked patches by modality, scalars."""
        grids: Any = model.grids
        return {
            name: self.reconstruction.score(predicted, grids[name])
            for name, predicted in output.predictions.items()
        }


class MAViLStage2(_MAViLObjective):
    """Predicts a frozen teacher's joint features of masked patches, with the same contrasts.

    The teacher takes audio and video without masks. Its weights are part of this module, and so of every
    checkpoint of the run; it never trains and stays in evaluation mode.

    Args:
        teacher: a MAViL; it is frozen.
        contrast: weights and temperatures.
    """

    def __init__(self, teacher: nn.Module, contrast: ContrastWeights | None = None) -> None:
        super().__init__(contrast)
        self.teacher: Any = teacher.eval().requires_grad_(requires_grad=False)

    def train(self, mode: bool = True) -> Self:
        """Sets the mode of all but the teacher."""
        super().train(mode)
        self.teacher.eval()
        return self

    def errors(
        self,
        model: nn.Module,  # noqa: ARG002 - the teacher gives the targets
        output: MaskedPair,
        batch: Mapping[str, Tensor],
    ) -> dict[str, Tensor]:
        """The mean squared error of the teacher's features of masked patches by modality, scalars."""
        with torch.no_grad():
            targets = self.teacher.contextualise(batch[AUDIO], as_float(batch, VIDEO))
        return {
            name: feature_error(predicted, targets[name]) for name, predicted in output.predictions.items()
        }


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
