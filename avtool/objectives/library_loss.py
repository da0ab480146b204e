"""The loss that a library computes itself: Hungarian matching, masks of queries, classes of pixels."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

_TERMS = {"loss_ce": "class", "loss_vfl": "class", "loss_bbox": "box", "loss_giou": "giou"}
"""Terms of the last decoder layer, before their weights; those of the others are in the loss alone."""


class LibraryLoss(nn.Module):
    """The loss of a network that takes labels, with the terms that it names."""

    def forward(self, model: nn.Module, batch: Mapping[str, Any]) -> Mapping[str, Tensor]:
        """Scores a batch of `image` (B, 3, H, W), `image_mask` (B, H, W) and `labels`.

        Returns:
            Scalars: `loss`, and without gradient the terms `class`, `box` and `giou` of detectors.
        """
        outputs = model(batch["image"], batch["image_mask"], batch["labels"])
        terms = getattr(outputs, "loss_dict", None) or {}
        found = {_TERMS[name]: value.detach() for name, value in terms.items() if name in _TERMS}
        return {"loss": outputs.loss.reshape(()), **found}
