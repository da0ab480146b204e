"""AST, the Audio Spectrogram Transformer (Gong, Chung, Glass: Interspeech 2021).

A log-mel spectrogram is cut into overlapping patches, which a ViT with two special tokens reads.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from avtool.models.layers.block import TransformerBlock, run_block
from avtool.models.layers.initialize import truncated_normal
from avtool.models.layers.output import ClassifierOutput
from avtool.models.layers.patch_embed import PatchEmbed, count_patches
from avtool.models.layers.position import Grid
from avtool.models.layers.settings import require
from avtool.models.layers.stochastic_depth import linear_schedule

NUM_SPECIAL = 2
"""The class and the distillation token stand before the patches."""


@dataclass(frozen=True)
class ASTSettings:
    """The settings of an AST.

    Attributes:
        num_classes: width of the output.
        num_frames: frames T of the spectrogram; clips are padded or cut to it.
        num_mel_bins: mel bins F.
        patch_size: side of the square patches.
        frequency_stride: step between patches in mel bins.
        time_stride: step between patches in frames.
        embed_dim: width D.
        depth: number of blocks.
        num_heads: attention heads.
        mlp_dim: hidden width of the blocks' MLP.
        norm_eps: epsilon of the layer norms (timm's; `transformers` uses 1e-12).
        head_norm_eps: epsilon of the head's layer norm (the original keeps PyTorch's).
        dropout: probability, in the blocks.
        drop_path: stochastic depth of the last block, growing linearly from 0.
        recompute: trade time for memory in the backward pass.
    """

    num_classes: int = 527
    num_frames: int = 1024
    num_mel_bins: int = 128
    patch_size: int = 16
    frequency_stride: int = 10
    time_stride: int = 10
    embed_dim: int = 768
    depth: int = 12
    num_heads: int = 12
    mlp_dim: int = 3072
    norm_eps: float = 1e-6
    head_norm_eps: float = 1e-5
    dropout: float = 0.0
    drop_path: float = 0.0
    recompute: bool = False

    def __post_init__(self) -> None:
        require(self.num_classes >= 1, f"a classifier needs classes, not {self.num_classes}")
        require(self.depth >= 1, f"a depth of {self.depth} blocks is too little")
        require(
            min(self.num_frames, self.num_mel_bins) >= self.patch_size,
            f"a spectrogram of {self.num_frames} frames x {self.num_mel_bins} mel bins holds no patch of "
            f"{self.patch_size} x {self.patch_size}",
        )

    @property
    def grid(self) -> Grid:
        """Patches along (frequency, time)."""
        return (
            count_patches(self.num_mel_bins, self.patch_size, self.frequency_stride),
            count_patches(self.num_frames, self.patch_size, self.time_stride),
        )


class AST(nn.Module):
    """The Audio Spectrogram Transformer.

    Shapes: B batch, T frames, F mel bins, N patches, D width, C classes.

    Args:
        settings: of the network.
    """

    inputs = ("audio",)

    def __init__(self, settings: ASTSettings) -> None:
        super().__init__()
        self.settings = settings
        dim = settings.embed_dim
        rows, columns = settings.grid
        strides = (settings.frequency_stride, settings.time_stride)
        self.patch_embed = PatchEmbed(1, dim, settings.patch_size, strides)
        self.cls_token = nn.Parameter(torch.empty(1, 1, dim))
        self.dist_token = nn.Parameter(torch.empty(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.empty(1, NUM_SPECIAL + rows * columns, dim))
        self.blocks = nn.ModuleList(
            TransformerBlock(
                dim,
                settings.num_heads,
                settings.mlp_dim,
                norm_eps=settings.norm_eps,
                dropout=settings.dropout,
                drop_path=drop_path,
            )
            for drop_path in linear_schedule(settings.drop_path, settings.depth)
        )
        self.norm = nn.LayerNorm(dim, eps=settings.norm_eps)
        self.head = nn.Sequential(
            nn.LayerNorm(dim, eps=settings.head_norm_eps), nn.Linear(dim, settings.num_classes)
        )
        self.apply(truncated_normal)
        for table in (self.cls_token, self.dist_token, self.pos_embed):
            nn.init.trunc_normal_(table, std=0.02)

    def parameter_layers(self) -> Sequence[Sequence[nn.Module | nn.Parameter]]:
        """From input to output, for layer-wise decay of the learning rate."""
        tokens = (self.cls_token, self.dist_token, self.pos_embed)
        return [(self.patch_embed, *tokens), *((block,) for block in self.blocks)]

    def forward(self, audio: Tensor) -> ClassifierOutput:
        """Scores normalised log-mel spectrograms (B, T, F)."""
        return ClassifierOutput(self.head(self.summarise(self.tokenize(audio))), {})

    def embed(self, audio: Tensor) -> dict[str, Tensor]:
        """The feature (B, D) that the head reads: the mean of the two special tokens."""
        return {"audio": self.summarise(self.tokenize(audio))}

    def tokenize(self, audio: Tensor) -> Tensor:
        """(B, T, F) → (B, 2 + N, D): class, distillation, then patches with frequency as the slower axis."""
        expected = (self.settings.num_frames, self.settings.num_mel_bins)
        require(
            audio.dim() == 3 and audio.shape[1:] == expected,
            f"the model takes spectrograms of (batch, {expected[0]} frames, {expected[1]} mel bins), "
            f"not {tuple(audio.shape)}",
            "pad or cut to `num_frames`, or build the model for this length",
        )
        patches = self.patch_embed(audio.transpose(1, 2)[:, None])
        special = [token.expand(audio.shape[0], -1, -1) for token in (self.cls_token, self.dist_token)]
        return torch.cat([*special, patches], dim=1) + self.pos_embed

    def encode(self, tokens: Tensor, key_mask: Tensor | None = None) -> Tensor:
        """Runs the blocks and the last norm; `key_mask` (B, tokens) is True for keys of the attention."""
        for block in self.blocks:
            tokens = run_block(block, tokens, key_mask=key_mask, recompute=self.settings.recompute)
        normed: Tensor = self.norm(tokens)
        return normed

    def summarise(self, tokens: Tensor, key_mask: Tensor | None = None) -> Tensor:
        """(B, tokens, D) → (B, D): the mean of the two special tokens, as `encode` gives them.

        The last block's output of the patches is not computed, since nothing reads it.
        """
        *blocks, last = self.blocks
        for block in blocks:
            tokens = run_block(block, tokens, key_mask=key_mask, recompute=self.settings.recompute)
        special, others = torch.split(tokens, [NUM_SPECIAL, tokens.shape[1] - NUM_SPECIAL], dim=1)
        if key_mask is not None:
            key_mask = key_mask.roll(-NUM_SPECIAL, dims=1)  # a block's context comes first
        special = run_block(last, special, others, key_mask, recompute=self.settings.recompute)
        summary: Tensor = self.norm(special).mean(dim=1)
        return summary
