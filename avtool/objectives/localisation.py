"""The objective of query localisation: boxes, start and end, guided attention, foreground.

Shapes: N layers of the decoder, B windows, T frames. Each loss is one number a layer and window, (N, B): over
a window's own frames, so that padding and the rest of the batch change nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from avtool.core.errors import BadInputError

if TYPE_CHECKING:
    from avtool.models.minotaur.settings import LocalisationOutput

_EPSILON = 1e-6


@dataclass(frozen=True)
class LocalisationWeights:
    """Weights of the terms, as published.

    Attributes:
        box, giou, start_end, attention, foreground: weights of the five terms; 0 disables.
        contrastive: weight of the contrast of frames by their match with the query, which is not published;
            0 disables.
        negatives: of the contrast: frames of the `window`, or of all windows of the `batch` that are of
            other films too.
        sigma: deviation of the start and end targets in frames.
        scales: factors on the loss of each kind of query; 1 for those not named.
    """

    box: float = 5.0
    giou: float = 2.0
    start_end: float = 10.0
    attention: float = 1.0
    foreground: float = 2.0
    contrastive: float = 0.0
    negatives: str = "window"
    sigma: float = 1.0
    scales: Mapping[str, float] = field(default_factory=dict)


def corners(boxes: Tensor) -> Tensor:
    """Boxes (…, 4) of centre and size as their corners x1, y1, x2, y2."""
    centre, half = boxes[..., :2], boxes[..., 2:] / 2
    return torch.cat([centre - half, centre + half], dim=-1)


def generalized_iou(boxes: Tensor, targets: Tensor) -> Tensor:
    """GIoU of boxes with their targets, pair by pair (Rezatofighi et al., 2019).

    Args:
        boxes: (…, 4) centre x, centre y, width, height; each pair encloses some area.
        targets: (…, 4) likewise.

    Returns:
        (…), in (-1, 1].
    """
    ours, theirs = corners(boxes), corners(targets)
    sizes = torch.minimum(ours[..., 2:], theirs[..., 2:]) - torch.maximum(ours[..., :2], theirs[..., :2])
    overlap = sizes.clamp_min(0).prod(dim=-1)
    union = boxes[..., 2:].prod(dim=-1) + targets[..., 2:].prod(dim=-1) - overlap
    hull = torch.maximum(ours[..., 2:], theirs[..., 2:]) - torch.minimum(ours[..., :2], theirs[..., :2])
    enclosing = hull.prod(dim=-1)
    return overlap / union - (enclosing - union) / enclosing


def box_losses(boxes: Tensor, targets: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
    """L1 and 1 - GIoU of boxes: sums over the frames with a box, divided by their number.

    Args:
        boxes: (N, B, T, 4).
        targets: (B, T, 4).
        present: (B, T), True where a frame has a box.

    Returns:
        Both losses, (N, B) each; 0 for windows without boxes.
    """
    safe = torch.where(present[..., None], targets, targets.new_tensor([0.5, 0.5, 1.0, 1.0]))
    count = present.sum(dim=-1).clamp_min(1)
    distance = (boxes - safe).abs().sum(dim=-1)
    apart = 1 - generalized_iou(boxes, safe)
    return _total(distance, present) / count, _total(apart, present) / count


def edge_targets(places: Tensor, valid: Tensor, sigma: float) -> Tensor:
    """Distributions over frames around the first or last frames of segments.

    Args:
        places: (B, K) those frames, of a window's K segments; -1 where it has fewer.
        valid: (B, T), True for frames.
        sigma: deviation in frames.

    Returns:
        (B, T), the sum over segments of exp(-(t - c)² / 2σ²) + 1e-6, normalised over the valid frames; 0 for
        padding.
    """
    frames = torch.arange(valid.shape[1], device=valid.device)
    distance = (frames - places[..., None]).to(torch.float64)
    there = (places >= 0)[..., None]
    bumps = (-(distance**2) / (2 * sigma**2)).exp() * there
    density = (bumps.sum(dim=1) + _EPSILON * there.sum(dim=1).clamp_min(1)) * valid
    return density / density.sum(dim=1, keepdim=True)


def start_end_loss(logits: Tensor, edges: Tensor, valid: Tensor, sigma: float = 1.0) -> Tensor:
    """The divergence KL(p‖q) of start and end, averaged over frames and not summed.

    Args:
        logits: (N, B, T, 2).
        edges: (B, K, 2) first and last frame of each segment in the window; -1 where it has fewer.
        valid: (B, T).
        sigma: of the targets.

    Returns:
        (N, B).
    """
    loss = torch.zeros((), device=logits.device)
    for place in range(2):
        target = edge_targets(edges[..., place], valid, sigma).to(logits.dtype)
        share = logits[..., place].masked_fill(~valid, float("-inf")).softmax(dim=-1)
        ratio = (share + _EPSILON) / torch.where(valid, target, 1.0)
        loss = loss + _total(share * ratio.log(), valid) / valid.sum(dim=-1)
    return loss


def attention_loss(weights: Tensor, foreground: Tensor, valid: Tensor) -> Tensor:
    """Guided attention: frames outside the segment should attend to no frame in particular.

    Args:
        weights: (N, B, T, T) temporal attention, rows attend to columns.
        foreground: (B, T), True inside the segment.
        valid: (B, T).

    Returns:
        (N, B), −Σ log(1 − w + 1e-6) over the columns, averaged over the rows outside the segment.
    """
    outside = valid & ~foreground
    cost = -(1 - weights + _EPSILON).log()
    rows = torch.where(valid[:, None, :], cost, 0.0).sum(dim=-1)
    return _total(rows, outside) / (outside.sum(dim=-1) + _EPSILON)


def foreground_loss(logits: Tensor, foreground: Tensor, valid: Tensor) -> Tensor:
    """Binary cross-entropy of frames, those inside the segment weighted by T / |P|.

    Args:
        logits: (N, B, T).
        foreground: (B, T), True inside the segment; nowhere in a background window, which has no weight.
        valid: (B, T); padding counts neither as positive nor as negative.

    Returns:
        (N, B), averaged over the frames.
    """
    frames, inside = valid.sum(dim=-1, keepdim=True), (foreground & valid).sum(dim=-1, keepdim=True)
    positive = (frames / inside.clamp_min(1)).to(logits.dtype)
    target = (foreground & valid).to(logits.dtype).expand_as(logits)
    cost = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    weighted = torch.where(target.bool(), cost * positive, cost)
    return _total(weighted, valid) / frames[..., 0]


def contrastive_loss(
    match: Tensor, foreground: Tensor, valid: Tensor, others: Tensor | None = None
) -> Tensor:
    """InfoNCE of frames: each one inside the segment against all of the window that are outside.

    Args:
        match: (B, T) logits, of a frame and the window's query.
        foreground: (B, T), True inside the segment.
        valid: (B, T); padding is neither.
        others: (B, K) logits of the query with frames of other windows, which are outside too; -inf for none.

    Returns:
        (B,), −log(exp(m_t) / (exp(m_t) + Σ_outside exp(m_u))), averaged over the frames t inside; 0 for
        windows without such frames or without others.
    """
    inside, outside = foreground & valid, valid & ~foreground
    least = torch.finfo(match.dtype).min
    negatives = torch.where(outside, match, least)
    if others is not None:
        negatives = torch.cat([negatives, others.clamp_min(least)], dim=1)
    against = negatives.logsumexp(dim=-1, keepdim=True)
    return _total(F.softplus(against - match), inside) / inside.sum(dim=-1).clamp_min(1)


def matches_elsewhere(pairs: Tensor, valid: Tensor, films: Tensor) -> Tensor:
    """The match of each query with the frames of windows of other films, (B, B * T); -inf for other frames.

    Args:
        pairs: (B, B, T) of each query with each window.
        valid: (B, T).
        films: (B,) numbers of the windows' films.
    """
    elsewhere = (films[:, None] != films)[..., None] & valid
    return torch.where(elsewhere, pairs, float("-inf")).flatten(1)


def _total(values: Tensor, chosen: Tensor) -> Tensor:
    """The sum of (N, B, T) over chosen frames (B, T)."""
    return torch.where(chosen, values, 0.0).sum(dim=-1)


class Localisation(nn.Module):
    """5 L_box + 2 L_giou + 10 L_start-end + L_attention + 2 L_foreground, summed over the decoder's layers.

    Args:
        kinds: of query, in the model's order.
        weights: of the terms.
        stride: frames k from one encoded frame to the next.
    """

    def __init__(self, kinds: tuple[str, ...], weights: LocalisationWeights, stride: int = 1) -> None:
        super().__init__()
        self.weights, self.stride = weights, stride
        scales = torch.tensor([weights.scales.get(kind, 1.0) for kind in kinds])
        self.register_buffer("scales", scales, persistent=False)
        self.scales: Tensor

    def forward(self, model: nn.Module, batch: Mapping[str, Any]) -> dict[str, Tensor]:
        """The loss, and the five terms of the last layer.

        Args:
            model: a `Minotaur`.
            batch: `visual` and `audio` (B, T, tokens, width), either may be absent, with `visual_present` and
                `audio_present` (B,); `query` (B, L, width), `query_mask` (B, L), `kind` (B,); `valid` (B, T);
                `edges` (B, K, 2) and `foreground` (B, T) of the segments, none in a background window;
                `boxes` (B, T, 4) and `box_present` (B, T); `film` (B,) where negatives are of the batch.
        """
        weights, valid, foreground = self.weights, batch["valid"], batch["foreground"]
        output = model(
            batch.get("visual"), batch.get("audio"), batch["query"], batch["query_mask"], batch["kind"],
            valid=valid, visual_present=batch.get("visual_present"),
            audio_present=batch.get("audio_present"),
            stride=self.stride, attention=weights.attention > 0,
            pairs=weights.contrastive > 0 and weights.negatives == "batch",
        )  # fmt: skip
        boxes, start_end, logits = (_precise(value) for value in output[:3])
        present = foreground.any(dim=-1)
        box, giou = box_losses(boxes, batch["boxes"].to(boxes.dtype), batch["box_present"] & valid)
        terms = {
            "box_loss": box,
            "giou_loss": giou,
            "start_end_loss": start_end_loss(start_end, batch["edges"], valid, weights.sigma) * present,
            "foreground_loss": foreground_loss(logits, foreground, valid),
        }
        loss = weights.box * box + weights.giou * giou + weights.start_end * terms["start_end_loss"]
        loss = loss + weights.foreground * terms["foreground_loss"]
        if output.attention is not None:
            guided = attention_loss(_precise(output.attention), foreground, valid) * present
            terms["attention_loss"] = guided
            loss = loss + weights.attention * guided
        loss = loss.sum(dim=0)
        if weights.contrastive > 0:
            contrast = self._contrast(output, batch)
            terms["contrastive_loss"] = contrast[None]
            loss = loss + weights.contrastive * contrast
        scaled = (loss * self.scales.to(loss.dtype)[batch["kind"]]).mean()
        return {"loss": scaled, **{name: term[-1].mean() for name, term in terms.items()}}

    @staticmethod
    def _contrast(output: "LocalisationOutput", batch: Mapping[str, Any]) -> Tensor:
        """(B,) the contrastive loss.

        Raises:
            BadInputError: the network has no match.
        """
        if output.match is None:
            message = "the contrastive loss is of the match of frames and query, and the network has no match"
            raise BadInputError(message, "--set model.arguments.match=true, or --set loss.contrastive=0")
        others = None
        if output.pairs is not None:
            others = matches_elsewhere(_precise(output.pairs), batch["valid"], batch["film"])
        return contrastive_loss(_precise(output.match), batch["foreground"], batch["valid"], others)


def _precise(values: Tensor) -> Tensor:
    """At least single precision, which divergences and logarithms need."""
    return values.to(torch.promote_types(values.dtype, torch.float32))
