"""The masked transformer: proposals by anchors, a differentiable window over time, and captions of it.

Shapes: B windows of films, T steps of a window, A anchors, N proposals, L tokens, V words, D width.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from avtool.models.layers.settings import require
from avtool.models.masked_transformer.anchors import SHORTEST, Anchors
from avtool.models.masked_transformer.layers import (
    BlockSettings,
    Decoder,
    DecoderCache,
    Encoder,
    encode_positions,
)

Window = Literal["binary", "learned", "gated"]
OUTPUTS = 4
"""Values of an anchor: score logit, an overlap that is not used, offset of length, offset of centre."""


@dataclass(frozen=True)
class MaskedTransformerSettings:
    """Settings.

    Attributes:
        streams: (name, width) of each stream of features.
        window: steps T of a window.
        anchors: lengths of anchors in steps.
        stride_factor: the stride of length k is ⌈k / factor⌉.
        words: size V of the vocabulary.
        max_words: tokens of a sentence, its begin and end among them.
        dim, mlp_dim, heads, depth: width D, width of feed-forward layers, heads, layers of each stack.
        mask: the captioner's window: `binary` (the proposal), `learned`, or `gated` between the two.
        step_dropout: share of steps dropped at the input.
        dropout: of attention, blocks and embeddings.
        parity: compute what the published code does: its norm, the scale 1/√D of logits, no padding mask,
            raw logits as window, dropped steps without compensation, two streams without a norm.
    """

    streams: tuple[tuple[str, int], ...] = (("audio", 1024),)
    window: int = 480
    anchors: tuple[int, ...] = (2, 3, 4, 5, 7, 9, 11, 15, 21, 29, 41)
    stride_factor: int = 50
    words: int = 4500
    max_words: int = 20
    dim: int = 512
    mlp_dim: int = 2048
    heads: int = 8
    depth: int = 2
    mask: Window = "gated"
    step_dropout: float = 0.1
    dropout: float = 0.2
    parity: bool = False

    def __post_init__(self) -> None:
        require(len(self.streams) > 0, "the model takes no stream of features", "set data.streams")
        require(
            self.dim % (2 * self.heads) == 0 and self.dim % 4 == 0 and self.dim >= len(self.streams),
            f"a width of {self.dim} cannot be divided among {self.heads} heads, or into four positions",
        )
        require(
            bool(self.anchors) and 1 <= min(self.anchors) <= self.window,
            f"no anchor of {self.anchors} fits into a window of {self.window} steps",
        )

    @property
    def grid(self) -> Anchors:
        """The anchors of a window."""
        return Anchors(self.window, self.anchors, self.stride_factor)


class Outputs(NamedTuple):
    """What the network computes of windows and a sentence of each.

    Attributes:
        proposals: (B, A, 4) score logit, unused, offset of length, offset of centre.
        words: (B, L, V) logits of the next words.
        covered: (B, T) the steps of the captioned proposal, 0 or 1.
        mask_logits: (B, T) of the mask network; those steps again where there is none.
    """

    proposals: Tensor
    words: Tensor
    covered: Tensor
    mask_logits: Tensor


class StepDropout(nn.Module):
    """Drops whole steps; the published code scales the others in evaluation, and not in training."""

    def __init__(self, share: float, parity: bool) -> None:
        super().__init__()
        self.share, self.parity = share, parity

    def forward(self, steps: Tensor) -> Tensor:
        """(B, T, D) → (B, T, D)."""
        if not self.training:
            return steps * (1 - self.share) if self.parity else steps
        kept = torch.rand(*steps.shape[:2], 1, device=steps.device) > self.share
        return steps * kept if self.parity else steps * kept / (1 - self.share)


class Stem(nn.Module):
    """Projects each stream to its part of the width; Linear, without a norm, in parity mode."""

    def __init__(self, settings: MaskedTransformerSettings) -> None:
        super().__init__()
        self.widths = [width for _, width in settings.streams]
        share, more = divmod(settings.dim, len(self.widths))
        parts = [share + (place < more) for place in range(len(self.widths))]
        self.projections = nn.ModuleList(
            nn.Linear(width, part)
            if settings.parity
            else nn.Sequential(nn.LayerNorm(width), nn.Linear(width, part))
            for width, part in zip(self.widths, parts, strict=True)
        )
        self.dropout = StepDropout(settings.step_dropout, settings.parity)

    def forward(self, streams: Tensor) -> Tensor:
        """(B, T, widths of the streams) → (B, T, D)."""
        pairs = zip(self.projections, torch.split(streams, self.widths, dim=-1), strict=True)
        return F.relu(self.dropout(torch.cat([project(stream) for project, stream in pairs], dim=-1)))


def proposal_head(dim: int, length: int, stride: int) -> nn.Sequential:
    """The head of anchors of one length: (B, D, T) → (B, 4, places)."""
    return nn.Sequential(
        nn.BatchNorm1d(dim),
        nn.Conv1d(dim, dim, length, stride=stride, groups=dim, bias=False),
        nn.BatchNorm1d(dim),
        nn.Conv1d(dim, dim, 1, bias=False),
        nn.BatchNorm1d(dim),
        nn.ReLU(),
        nn.BatchNorm1d(dim),
        nn.Conv1d(dim, OUTPUTS, 1),
    )


class MaskNetwork(nn.Module):
    """Window logits of proposals, by their times, their anchors' times and steps."""

    def __init__(self, settings: MaskedTransformerSettings) -> None:
        super().__init__()
        dim, window = settings.dim, settings.window
        self.part = dim // 4
        norm = nn.BatchNorm1d(dim) if settings.parity else nn.LayerNorm(dim)
        self.layers = nn.Sequential(
            nn.Linear(dim + window, dim, bias=False), norm, nn.ReLU(), nn.Linear(dim, window)
        )

    def forward(self, segments: Tensor, anchors: Tensor, steps: Tensor) -> Tensor:
        """Segments (N, 2) and whole steps of anchors (N, 2), and these as 0 and 1 (N, T) → (N, T)."""
        times = torch.cat([segments, anchors], dim=1)
        parts = [encode_positions(time, self.part) for time in times.unbind(1)]
        logits: Tensor = self.layers(torch.cat([*parts, steps], dim=1))
        return logits


class MaskedTransformer(nn.Module):
    """Dense video captioning (Zhou et al., 2018, sections 3.1 to 3.4).

    The encoder runs once for proposals, and again over the input multiplied by a proposal's window, for its
    caption. `forward` takes `streams` (B, T, widths together) and `streams_mask` (B, T), True where there are
    features.
    """

    inputs = ("streams", "streams_mask")

    def __init__(self, settings: MaskedTransformerSettings) -> None:
        super().__init__()
        self.settings = settings
        self.grid = settings.grid
        block = BlockSettings(
            settings.dim, settings.mlp_dim, settings.heads, settings.dropout, settings.parity
        )
        self.stem = Stem(settings)
        self.encoder = Encoder(block, settings.depth, settings.window)
        used = [length for length in settings.anchors if length <= settings.window]
        self.heads = nn.ModuleList(
            proposal_head(settings.dim, length, self.grid.stride(length)) for length in used
        )
        self.mask_network = None if settings.mask == "binary" else MaskNetwork(settings)
        self.decoder = Decoder(block, settings.depth, settings.words, settings.max_words)
        for name, values in (("centres", self.grid.centres), ("lengths", self.grid.lengths)):
            self.register_buffer(name, torch.tensor(values, dtype=torch.float32), persistent=False)
        self.centres: Tensor
        self.lengths: Tensor

    def forward(
        self,
        streams: Tensor,
        streams_mask: Tensor | None = None,
        anchor: Tensor | None = None,
        tokens: Tensor | None = None,
        windows: Tensor | None = None,
        given: Tensor | None = None,
    ) -> Outputs:
        """Proposals, and the word logits of one proposal's sentence in each window.

        Args:
            streams: (B, T, widths together).
            streams_mask: (B, T); None for all steps.
            anchor: (B,) the anchor of the captioned proposal; by default the best scored.
            tokens: (B, L) the sentence without its last token; by default its begin, word 2.
            windows: (B, 2) other segments to caption, in steps.
            given: (B,) True where these are taken in the place of the proposal.
        """
        stem, mask = self.stem(streams), self.padding(streams_mask)
        proposals = self.propose(stem, mask)
        if anchor is None:
            anchor = proposals[..., 0].argmax(dim=1)
        if tokens is None:
            tokens = torch.full((len(streams), 1), 2, device=streams.device)
        chosen = proposals[torch.arange(len(streams)), anchor]
        segments = self.segments(chosen, anchor)
        covered, logits, window = self.windows(segments, anchor, chosen[:, 0])
        if windows is not None and given is not None:
            window = torch.where(given[:, None], self.covered(windows), window)
        words = self.decoder(tokens, self.decoder_caches(stem, mask, window))
        return Outputs(proposals, words, covered, logits)

    def padding(self, mask: Tensor | None) -> Tensor | None:
        """The mask (B, T) that attention takes, which is none in parity mode."""
        return None if self.settings.parity else mask

    def propose(self, stem: Tensor, mask: Tensor | None) -> Tensor:
        """Anchor values (B, A, 4) of the stem's output (B, T, D)."""
        encoded = self.encoder(stem, mask)[-1]
        if mask is not None:
            encoded = encoded * mask[..., None]
        features = encoded.transpose(1, 2).contiguous()
        return torch.cat([head(features) for head in self.heads], dim=2).transpose(1, 2)

    def segments(self, values: Tensor, anchor: Tensor) -> Tensor:
        """The segments (N, 2) in steps that anchors (N,) with values (N, 4) propose."""
        own = self.lengths[anchor]
        lengths = (own * values[:, 2].exp()).clamp_min(SHORTEST)
        centres = self.centres[anchor] + own * values[:, 3]
        return torch.stack([centres - lengths / 2, centres + lengths / 2], dim=1)

    def covered(self, segments: Tensor, length: Tensor | None = None) -> Tensor:
        """The whole steps that segments (N, 2) cover, as 0 and 1, (N, T), within the first `length` (N,)."""
        window = self.settings.window
        steps = torch.arange(window, device=segments.device)
        first, last = segments.detach().chunk(2, dim=1)
        total = torch.full_like(first, window) if length is None else length[:, None].to(first)
        first, last = first.clamp_min(0).minimum(total - 1), last.clamp_min(1).minimum(total)
        return ((steps >= first.floor()) & (steps < last.ceil())).float()

    def windows(
        self, segments: Tensor, anchor: Tensor, scores: Tensor, length: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The captioner's windows of proposals.

        Args:
            segments: (N, 2) in steps.
            anchor: (N,) their anchors.
            scores: (N,) logits of these.
            length: (N,) steps of the film in the window; None for all.

        Returns:
            The covered steps, the logits of the mask network, and the window, (N, T) each.
        """
        covered = self.covered(segments, length)
        if self.mask_network is None:
            return covered, covered, covered
        half = self.lengths[anchor] / 2
        start = (self.centres[anchor] - half).floor().clamp_min(0)
        end = (self.centres[anchor] + half).ceil().clamp_max(self.settings.window)
        own = torch.stack([start, end], dim=1)
        steps = torch.arange(self.settings.window, device=segments.device)
        inside = ((steps >= own[:, :1]) & (steps < own[:, 1:])).float()
        logits = self.mask_network(segments, own, inside)
        learned = logits if self.settings.parity else logits.sigmoid()
        if self.settings.mask == "learned":
            return covered, logits, learned
        gate = scores.sigmoid()[:, None]
        return covered, logits, gate * covered + (1 - gate) * learned

    def decoder_caches(self, stem: Tensor, mask: Tensor | None, window: Tensor) -> list[DecoderCache]:
        """What the decoder attends to: the encoder over the stem's output (N, T, D) in windows (N, T)."""
        return self.decoder.cache(self.encoder(stem, mask, window), mask)
