"""Objectives of PVDM's autoencoder: pixels and perception, then discriminators too (Yu et al., 2023)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from avtool.models.pvdm.discriminators import PatchDiscriminator

GENERATOR, DISCRIMINATOR = "generator", "discriminator"
"""The phases of the second stage."""
_SCALES = 3


@dataclass(frozen=True)
class AutoencoderWeights:
    """Weights of the objective's terms.

    Attributes:
        pixel: of L1 between clips.
        perceptual: of the perceptual distance of one frame a clip.
        adversarial: of the discriminators' logits.
        feature: of L1 between the discriminators' features.
    """

    pixel: float = 4.0
    perceptual: float = 4.0
    adversarial: float = 1.0
    feature: float = 4.0


class MultiScaleDistance(nn.Module):
    """A stand-in for LPIPS that needs no weights: L1 of frames and of their gradients at three scales."""

    def forward(self, frames: Tensor, restored: Tensor) -> Tensor:
        """The distance of (B, 3, H, W) in [-1, 1], a mean over all samples; 0 for equal frames."""
        terms = []
        for _ in range(_SCALES):
            terms.append(F.l1_loss(restored, frames))
            terms += [
                F.l1_loss(restored.diff(dim=axis), frames.diff(dim=axis))
                for axis in (2, 3)
                if frames.shape[axis] > 1
            ]
            if min(frames.shape[2:]) < 2:
                break
            frames, restored = (F.avg_pool2d(one, 2) for one in (frames, restored))
        return torch.stack(terms).mean()


class AutoencoderReconstruction(nn.Module):
    """Stage 1: L1 of clips, and the perceptual distance of one frame of each.

    Args:
        weights: of the terms.
        perceptual: distance of frames (B, 3, H, W).
    """

    def __init__(self, weights: AutoencoderWeights, perceptual: nn.Module) -> None:
        super().__init__()
        self.weights, self.perceptual = weights, perceptual

    def forward(self, model: nn.Module, batch: Mapping[str, Any]) -> dict[str, Tensor]:
        """Scores the reconstruction of `video` (B, 3, S, H, W) in [-1, 1] and of its `frame` (B,)."""
        video = batch["video"]
        terms, _ = self.reconstruct(video, model(video), batch["frame"])
        return terms

    def reconstruct(
        self, video: Tensor, restored: Tensor, place: Tensor
    ) -> tuple[dict[str, Tensor], tuple[Tensor, Tensor]]:
        """The terms, and frame `place` (B,) of clips and reconstructions."""
        frames, ours = (pick_frames(one, place) for one in (video, restored))
        pixel, perceptual = F.l1_loss(restored, video), self.perceptual(frames, ours)
        loss = self.weights.pixel * pixel + self.weights.perceptual * perceptual
        return {"loss": loss, "pixel": pixel, "perceptual": perceptual}, (frames, ours)


class AdversarialReconstruction(AutoencoderReconstruction):
    """Stage 2: the same with discriminators of frames and of clips, hinge loss and feature matching.

    Args:
        weights: of the terms.
        perceptual: distance of frames.
        widths: channels of the discriminators.
    """

    def __init__(
        self,
        weights: AutoencoderWeights,
        perceptual: nn.Module,
        widths: tuple[int, ...] = (64, 128, 256, 512),
    ) -> None:
        super().__init__(weights, perceptual)
        self.of_frames, self.of_clips = PatchDiscriminator(2, widths), PatchDiscriminator(3, widths)

    def forward(
        self, model: nn.Module, batch: Mapping[str, Any], phase: str = GENERATOR
    ) -> dict[str, Tensor]:
        """Scores the autoencoder, or in the phase `discriminator` the discriminators.

        Args:
            model: restores videos.
            batch: `video` (B, 3, S, H, W), and `frame` (B,), the one that the first discriminator sees.
            phase: whose turn it is.

        Returns:
            Scalars: `loss`, and the terms of the autoencoder.
        """
        video, place = batch["video"], batch["frame"]
        if phase == DISCRIMINATOR:
            with torch.no_grad():
                restored = model(video)
            return {"loss": self._discriminate(video, restored, place)}
        restored = model(video)
        terms, (frames, ours) = self.reconstruct(video, restored, place)
        adversarial, feature = video.new_zeros(()), video.new_zeros(())
        for network, real, fake in ((self.of_frames, frames, ours), (self.of_clips, video, restored)):
            judged = network(fake)
            with torch.no_grad():
                wanted = network(real)
            adversarial = adversarial - judged[-1].mean()
            feature = feature + sum(F.l1_loss(*pair) for pair in zip(judged[:-1], wanted[:-1], strict=True))
        loss = terms["loss"] + self.weights.adversarial * adversarial + self.weights.feature * feature
        return {**terms, "loss": loss, "adversarial": adversarial, "feature": feature}

    def _discriminate(self, video: Tensor, restored: Tensor, place: Tensor) -> Tensor:
        """½ (E relu(1 - D(x)) + E relu(1 + D(x̂))) of both networks, summed."""
        loss = video.new_zeros(())
        frames = (pick_frames(video, place), pick_frames(restored, place))
        for network, (real, fake) in ((self.of_frames, frames), (self.of_clips, (video, restored))):
            loss = loss + hinge(network(real)[-1], network(fake)[-1])
        return loss


def hinge(real: Tensor, fake: Tensor) -> Tensor:
    """½ (E relu(1 - real) + E relu(1 + fake)) of logits (…), a scalar."""
    return (F.relu(1 - real).mean() + F.relu(1 + fake).mean()) / 2


def pick_frames(video: Tensor, place: Tensor) -> Tensor:
    """Frame `place` (B,) of each clip (B, 3, S, H, W): (B, 3, H, W)."""
    return video[torch.arange(len(video), device=video.device), :, place]
