"""Prompt tuning of CLIP: cross-entropy on cosines, with the two losses of DPT."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from avtool.models.clip.prompted_clip import PromptedClip

_GUIDED_SHARE = 0.1


@dataclass(frozen=True)
class PromptTuning:
    """The loss of every method.

    A batch holds `image` (B, 3, size, size), or `feature` (B, E), the plain normalised features of the
    images, or both; `label` (B,); and `epoch` (B,), from 0.

    Attributes:
        alpha: weight of the auxiliary loss of class-aware prompts (DPT).
        guide_epochs: epochs in which both towers are aligned with the zero-shot features of the other one.
    """

    alpha: float = 0.3
    guide_epochs: int = 30

    def __call__(self, model: PromptedClip, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Scores a batch.

        Returns:
            `loss`; of guided methods the parts `loss_text` and `loss_image`; of class-aware ones
            `loss_class_aware` and `top_k_hits`, the share of images whose class is among those that the
            prompts are made of.
        """
        label, method = batch["label"], model.method
        scores = model.scores(batch.get("image"), batch.get("feature"), guide=method.guided)
        loss = F.cross_entropy(scores.logits, label)
        parts: dict[str, Tensor] = {}
        if scores.text is not None and scores.image is not None:
            parts = {
                "loss_text": F.cross_entropy(scores.text, label),
                "loss_image": F.cross_entropy(scores.image, label),
            }
            if int(batch["epoch"].max()) < self.guide_epochs:
                loss = parts["loss_text"] + parts["loss_image"] + _GUIDED_SHARE * loss
        if scores.top is not None:
            auxiliary, hits = auxiliary_loss(scores.auxiliary, scores.top, label)
            parts |= {"loss_class_aware": auxiliary, "top_k_hits": hits}
            if self.alpha:
                loss = loss + self.alpha * auxiliary
        return {"loss": loss, **{name: value.detach() for name, value in parts.items()}}


def auxiliary_loss(logits: Sequence[Tensor], top: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
    """The cross-entropy of class-aware prompts of the images' own classes.

    Args:
        logits: (B, K, C) of each layer.
        top: (B, K), the classes that the prompts are made of.
        label: (B,).

    Returns:
        Its mean over layers and images whose class is among the K; 0 without any, where the mean over nothing
        would be NaN. And the share of those images.
    """
    own = top == label[:, None]
    counted = own.sum() * len(logits)
    losses = torch.stack([_losses(each, label) for each in logits], dim=1)
    mean = (losses * own[:, None]).sum() / counted.clamp(min=1)
    return mean, own.any(dim=1).to(losses.dtype).mean()


def _losses(logits: Tensor, label: Tensor) -> Tensor:
    """(B, K): cross-entropy of each row of (B, K, C) with its image's class."""
    return F.cross_entropy(logits.transpose(1, 2), label[:, None].expand(logits.shape[:2]), reduction="none")
