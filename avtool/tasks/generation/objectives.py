"""The objective of each stage of the autoencoder, its optimisers and phases, and validation."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from avtool.core.reporter import Reporter
from avtool.objectives.video_autoencoder import (
    DISCRIMINATOR,
    GENERATOR,
    AdversarialReconstruction,
    AutoencoderReconstruction,
    AutoencoderWeights,
    MultiScaleDistance,
)
from avtool.tasks.generation.recipe import AutoencoderLossRecipe, VideoAutoencoderRecipe
from avtool.training.optimizers import MAIN, NamedOptimizer
from avtool.training.step_rule import Phase


def autoencoder_training(
    recipe: VideoAutoencoderRecipe, reporter: Reporter
) -> tuple[AutoencoderReconstruction, Sequence[NamedOptimizer], Sequence[Phase]]:
    """The objective of a stage, its further optimisers, and its phases.

    Args:
        recipe: with the stage.
        reporter: learns which perceptual distance is used.

    Raises:
        BadInputError: the weights of LPIPS are none.
    """
    weights, distance = _weights(recipe.loss), perceptual_distance(recipe.loss)
    if isinstance(distance, MultiScaleDistance):
        reporter.info(
            "perceptual distance: L1 of frames and gradients at three scales, in the place of LPIPS"
        )
    else:
        reporter.info(f"perceptual distance: LPIPS of {', '.join(map(str, recipe.loss.lpips))}")
    if recipe.stage == 1:
        return AutoencoderReconstruction(weights, distance), (), ()
    objective = AdversarialReconstruction(weights, distance, recipe.loss.widths)
    parts = [objective.of_frames, objective.of_clips]
    discriminator = NamedOptimizer(DISCRIMINATOR, parts, recipe.discriminator)
    phases = (Phase(GENERATOR, (MAIN,), every=2), Phase(DISCRIMINATOR, (DISCRIMINATOR,), every=2, first=1))
    return objective, (discriminator,), phases


class ReconstructionQuality(nn.Module):
    """The terms of stage 1 on held-out clips, and their PSNR.

    Args:
        loss: weights of the terms.
        distance: the perceptual one of training.
    """

    def __init__(self, loss: AutoencoderLossRecipe, distance: nn.Module) -> None:
        super().__init__()
        self.objective = AutoencoderReconstruction(_weights(loss), distance)

    def forward(self, model: nn.Module, batch: Mapping[str, Any]) -> dict[str, Tensor]:
        """The objective's terms and `psnr` in dB, the mean over clips of `video` in [-1, 1]."""
        video = batch["video"]
        restored = model(video)
        terms, _ = self.objective.reconstruct(video, restored, batch["frame"])
        errors = F.mse_loss(restored.float(), video, reduction="none").flatten(1).mean(1) / 4
        return {**terms, "psnr": (-10 * errors.clamp(min=1e-12).log10()).mean()}


def perceptual_distance(loss: AutoencoderLossRecipe) -> nn.Module:
    """LPIPS where its weights are given, else L1 at three scales.

    Raises:
        BadInputError: the weights are none.
    """
    if loss.lpips:
        from avtool.models.pvdm.lpips import Lpips

        return Lpips.read(loss.lpips)
    return MultiScaleDistance()


def _weights(loss: AutoencoderLossRecipe) -> AutoencoderWeights:
    return AutoencoderWeights(loss.pixel, loss.perceptual, loss.adversarial, loss.feature)
