"""The match of frames with a query: cosines of their tokens in one space, and what the decoder starts from.

Shapes: B windows, T frames, M encoded frames, E visual and audio tokens of a frame, L tokens of the query, D
width.
"""

import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

_SCALE = 10.0
_FRAMES = 5


class FrameMatch(nn.Module):
    """How well each frame matches the query, as of two towers: frames and query meet in a product alone.

    The query is the mean of its tokens, a frame matches by its best tokens: the logarithm of the sum of
    exp(scale * cosine), where the scale is learned.

    Args:
        dim: width D.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.evidence = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, dim))
        self.request = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, dim))
        self.log_scale = nn.Parameter(torch.tensor(math.log(_SCALE)))

    def forward(self, tokens: Tensor, mask: Tensor, query: Tensor, query_mask: Tensor) -> Tensor:
        """The match of each frame, (B, M).

        Args:
            tokens: (B, M, E, D) of the frames.
            mask: (B, E), True where there is a token; each row needs one.
            query: (B, L, D).
            query_mask: (B, L), True where there is a token; each row needs one.
        """
        found, wanted = self._frames(tokens), self._wanted(query, query_mask)
        return self._best(torch.einsum("bmed,bd->bme", found, wanted), mask[:, None])

    def pairs(self, tokens: Tensor, mask: Tensor, query: Tensor, query_mask: Tensor) -> Tensor:
        """The match of each of the B queries with the frames of each window, (B, B, M); arguments alike."""
        found, wanted = self._frames(tokens), self._wanted(query, query_mask)
        return self._best(torch.einsum("bmed,qd->qbme", found, wanted), mask[None, :, None])

    def _frames(self, tokens: Tensor) -> Tensor:
        return F.normalize(self.evidence(tokens), dim=-1)

    def _wanted(self, query: Tensor, query_mask: Tensor) -> Tensor:
        weights = query_mask[..., None].to(query.dtype)
        return F.normalize(self.request((query * weights).sum(dim=1) / weights.sum(dim=1)), dim=-1)

    def _best(self, cosines: Tensor, mask: Tensor) -> Tensor:
        logits = cosines * self.log_scale.exp()
        return logits.masked_fill(~mask, float("-inf")).logsumexp(dim=-1)


class MatchStates(nn.Module):
    """The match of a frame and of its neighbours in time as the state that the decoder starts from.

    Args:
        dim: width D.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.neighbours = nn.Conv1d(1, dim, _FRAMES, padding=_FRAMES // 2)
        self.proj = nn.Linear(dim, dim)

    def forward(self, match: Tensor, valid: Tensor) -> Tensor:
        """(B, T) and (B, T), True for frames → (B, T, D)."""
        shown = torch.where(valid, match, 0.0)
        states: Tensor = self.proj(F.relu(self.neighbours(shown[:, None])).transpose(1, 2))
        return states
