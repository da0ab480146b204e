"""Settings of MINOTAUR, and what it computes.

Shapes: B windows, T frames, N layers of the decoder.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from torch import Tensor

from avtool.models.layers.settings import require


@dataclass(frozen=True)
class MinotaurSettings:
    """Settings.

    Attributes:
        visual_dim: width of the visual tokens of a frame; 0 for a network of audio alone.
        grid: rows and columns of the visual tokens, unless a call names others.
        audio_dim: width of the audio tokens of a frame; 0 for a network of video alone.
        audio_tokens: audio tokens A of a frame.
        query_dims: width of the query tokens by kind of query.
        dim, heads, mlp_dim: width D, heads, width of the feed-forward layers.
        encoder_depth, decoder_depth: layers.
        dropout: of attention weights, layers and resizers.
        head_dropout: of the hidden layers of the start-end and foreground heads.
        recompute: compute the encoder's activations again in the backward pass instead of keeping them.
        match: whether the decoder starts from the match of each frame with the query, and the foreground adds
            to it. Not part of the published network.
    """

    visual_dim: int = 2048
    grid: tuple[int, int] = (7, 12)
    audio_dim: int = 0
    audio_tokens: int = 1
    query_dims: dict[str, int] = field(default_factory=lambda: {"image": 2048, "text": 768, "label": 768})
    dim: int = 256
    heads: int = 8
    mlp_dim: int = 2048
    encoder_depth: int = 6
    decoder_depth: int = 6
    dropout: float = 0.1
    head_dropout: float = 0.2
    recompute: bool = False
    match: bool = False

    def __post_init__(self) -> None:
        require(self.visual_dim > 0 or self.audio_dim > 0, "the model takes neither video nor audio")
        require(len(self.query_dims) > 0, "the model takes no kind of query", "set data.kinds")
        require(
            self.dim % self.heads == 0 and self.dim % 4 == 0,
            f"a width of {self.dim} cannot be divided among {self.heads} heads, or into four for positions",
        )
        require(self.encoder_depth > 0 and self.decoder_depth > 0, "the model needs a layer of each kind")
        require(min(self.grid) > 0 and self.audio_tokens > 0, "a frame needs a token of each modality")


class LocalisationOutput(NamedTuple):
    """What the network computes of windows, of each layer of the decoder.

    Attributes:
        boxes: (N, B, T, 4) centre x, centre y, width, height in [0, 1] of the frame.
        start_end: (N, B, T, 2) logits of the first and last frame of the segment.
        foreground: (N, B, T) logits of frames inside it.
        attention: (N, B, T, T) temporal attention, mean over the heads; None by default.
        match: (B, T) of the frames with the query; None without `match`.
        pairs: (B, B, T) of each query with the frames of each window; None by default.
    """

    boxes: Tensor
    start_end: Tensor
    foreground: Tensor
    attention: Tensor | None = None
    match: Tensor | None = None
    pairs: Tensor | None = None
