"""The objective of the masked transformer: proposals, their places, the window and the sentence."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from avtool.data.vocabulary import PAD


@dataclass(frozen=True)
class DenseCaptioningWeights:
    """Weights of the terms, and settings of the sentence's.

    Attributes:
        score, place, mask, sentence: weights of the four terms.
        smoothing: label smoothing of the words.
        given: share of the steps over which the probability of captioning the annotated segment in the place
            of the proposal falls from 1 to 0; 0 always captions the proposal.
    """

    score: float = 1.0
    place: float = 10.0
    mask: float = 1.0
    sentence: float = 0.25
    smoothing: float = 0.0
    given: float = 0.0


class DenseCaptioning(nn.Module):
    """L = L_cls + 10 L_reg + 0.25 L_sent + L_mask (Zhou et al., 2018, section 3.5).

    A sample is one annotated segment with its sentence: P anchors that serve it, P that serve nothing.

    Args:
        weights: of the terms.
        total_batches: of the training, for the annotated segments; 0 where there is none.
        learns_mask: whether the model has a mask network.
    """

    def __init__(
        self, weights: DenseCaptioningWeights, total_batches: int = 0, *, learns_mask: bool = True
    ) -> None:
        super().__init__()
        self.weights = weights
        self.total_batches = total_batches
        self.learns_mask = learns_mask
        self.register_buffer("batches", torch.zeros((), dtype=torch.int64))
        self.batches: Tensor

    def forward(self, model: nn.Module, batch: Mapping[str, Any]) -> dict[str, Tensor]:
        """The loss and its four terms.

        Args:
            model: gives `Outputs`.
            batch: `streams` (B, T, D) and `streams_mask` (B, T); `positives` and `negatives` (B, P) anchors,
                `offsets` (B, P, 2) of the segment from the positives; `segment` (B, 2) in steps; `caption`
                (B,) the captioned one of the positives; `tokens` (B, L) the sentence.
        """
        tokens, weights = batch["tokens"], self.weights
        rows = torch.arange(len(tokens), device=tokens.device)
        anchor = batch["positives"][rows, batch["caption"]]
        output = model(
            batch["streams"],
            batch["streams_mask"],
            anchor,
            tokens[:, :-1],
            batch["segment"],
            self._given(rows),
        )
        positives = output.proposals[rows[:, None], batch["positives"]]
        negatives = output.proposals[rows[:, None], batch["negatives"], 0]
        scores = torch.cat([positives[..., 0], negatives], dim=1)
        targets = torch.cat([torch.ones_like(positives[..., 0]), torch.zeros_like(negatives)], dim=1)
        terms = {
            "score_loss": F.binary_cross_entropy_with_logits(scores, targets),
            "place_loss": F.smooth_l1_loss(positives[..., 2:], batch["offsets"]),
            "sentence_loss": F.cross_entropy(
                output.words.flatten(0, 1), tokens[:, 1:].flatten(), ignore_index=PAD,
                label_smoothing=weights.smoothing if self.training else 0.0,
            ),
        }  # fmt: skip
        loss = weights.score * terms["score_loss"] + weights.place * terms["place_loss"]
        loss = loss + weights.sentence * terms["sentence_loss"]
        if self.learns_mask:
            terms["mask_loss"] = F.binary_cross_entropy_with_logits(output.mask_logits, output.covered)
            loss = loss + weights.mask * terms["mask_loss"]
        return {"loss": loss, **terms}

    def _given(self, rows: Tensor) -> Tensor:
        """Which rows caption the annotated segment; counts the batches of the training."""
        span = self.weights.given * self.total_batches
        if not self.training or span <= 0:
            return torch.zeros_like(rows, dtype=torch.bool)
        share = 1 - self.batches.item() / span
        self.batches += 1
        return torch.rand(len(rows), device=rows.device) < share
