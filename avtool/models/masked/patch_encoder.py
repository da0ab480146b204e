"""The Vision Transformer over visible patches."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from avtool.models.layers.block import TransformerBlock, run_block
from avtool.models.layers.patch_embed import PatchEmbed, TubeletEmbed
from avtool.models.layers.settings import require
from avtool.models.layers.stochastic_depth import linear_schedule
from avtool.models.masked.initialize import xavier_uniform
from avtool.models.masked.patch_grid import PatchGrid, take

MLP_RATIO = 4
"""Hidden width of a block's MLP in widths of the tokens."""

NORM_EPS = 1e-6
"""Of every layer norm."""


@dataclass(frozen=True)
class VitSettings:
    """The size of an encoder.

    Attributes:
        embed_dim: width D.
        depth: number of blocks.
        num_heads: attention heads.
        drop_path: stochastic depth of the last block, growing linearly from 0.
        recompute: trade time for memory in the backward pass.
    """

    embed_dim: int = 768
    depth: int = 12
    num_heads: int = 12
    drop_path: float = 0.0
    recompute: bool = False

    def __post_init__(self) -> None:
        require(
            self.embed_dim % self.num_heads == 0,
            f"{self.num_heads} heads do not divide a width of {self.embed_dim}",
        )
        require(0 <= self.drop_path < 1, f"drop path {self.drop_path:g} is not in [0, 1)")


class PatchEncoder(nn.Module):
    """A Vision Transformer over some of a clip's patches.

    Shapes: B batch, L patches of a clip, V of them visible, K values of a patch, D width.

    Args:
        grid: of the patches.
        settings: the size.
        positions: (L, D), fixed; saved with the weights, since published tables differ.
        class_token: put a learned token before the patches.
        final_norm: whether `norm` does anything; a classifier norms the mean of the tokens instead.
    """

    def __init__(
        self,
        grid: PatchGrid,
        settings: VitSettings,
        positions: Tensor,
        *,
        class_token: bool = True,
        final_norm: bool = True,
    ) -> None:
        super().__init__()
        dim = settings.embed_dim
        self.grid = grid
        self.recompute = settings.recompute
        self.patch_embed: PatchEmbed | TubeletEmbed
        if grid.modality == "video":
            self.patch_embed = TubeletEmbed(grid.channels, dim, grid.box[0], grid.box[1])
        else:
            sides = (grid.box[0], grid.box[1])
            self.patch_embed = PatchEmbed(grid.channels, dim, sides, sides)
        self.num_special = int(class_token)
        self.cls_token = nn.Parameter(torch.empty(1, 1, dim).normal_(std=0.02)) if class_token else None
        self.register_buffer("pos_embed", with_class_row(positions)[None] if class_token else positions[None])
        self.pos_embed: Tensor
        self.blocks = make_blocks(
            dim, settings.num_heads, linear_schedule(settings.drop_path, settings.depth)
        )
        self.norm = nn.LayerNorm(dim, eps=NORM_EPS) if final_norm else nn.Identity()
        self.apply(xavier_uniform)

    def parameter_layers(self) -> Sequence[Sequence[nn.Module | nn.Parameter]]:
        """From input to output, for layer-wise decay of the learning rate."""
        embeddings: list[nn.Module | nn.Parameter] = [self.patch_embed]
        if self.cls_token is not None:
            embeddings.append(self.cls_token)
        return [embeddings, *([block] for block in self.blocks)]

    def forward(self, patches: Tensor, visible: Tensor | None = None) -> Tensor:
        """Patches (B, L, K) → tokens before the last norm, (B, [class token +] V, D).

        Args:
            patches: of whole clips.
            visible: (B, V) places of the visible ones; None for all, in order.
        """
        return self.run_blocks(self.make_tokens(patches, visible))

    def make_tokens(self, patches: Tensor, visible: Tensor | None = None) -> Tensor:
        """The input (B, N, D) of the first block; arguments as of `forward`."""
        positions = self.pos_embed[:, self.num_special :]
        if visible is not None:  # chosen before the embedding: masked patches cost nothing
            patches = take(patches, visible)
            positions = take(positions.expand(patches.shape[0], -1, -1), visible)
        tokens = self._project(patches) + positions
        if self.cls_token is None:
            return tokens
        special = (self.cls_token + self.pos_embed[:, :1]).expand(tokens.shape[0], -1, -1)
        return torch.cat([special, tokens], dim=1)

    def run_blocks(self, tokens: Tensor) -> Tensor:
        """(B, N, D) behind all blocks, without the last norm."""
        for block in self.blocks:
            tokens = run_block(block, tokens, recompute=self.recompute)
        return tokens

    def _project(self, patches: Tensor) -> Tensor:
        """The convolution as a matrix product, since the patches are cut out already."""
        kernel = self.patch_embed.proj.weight.movedim(1, -1).flatten(1)  # channels last, as patches have them
        return F.linear(patches, kernel, self.patch_embed.proj.bias)

    def pool(self, tokens: Tensor) -> Tensor:
        """The mean of the tokens of patches, (B, D)."""
        return tokens[:, self.num_special :].mean(dim=1)

    def pool_statistics(self, tokens: Tensor) -> Tensor:
        """Mean and standard deviation of the tokens of patches, (B, 2 D)."""
        variance, mean = torch.var_mean(tokens[:, self.num_special :].float(), dim=1, correction=0)
        return torch.cat([mean, (variance + NORM_EPS).sqrt()], dim=1)


def make_blocks(dim: int, num_heads: int, drop_paths: list[float]) -> nn.ModuleList:
    """Pre-norm blocks with the exact GELU, one for each skip probability."""
    return nn.ModuleList(
        TransformerBlock(dim, num_heads, MLP_RATIO * dim, norm_eps=NORM_EPS, drop_path=drop_path)
        for drop_path in drop_paths
    )


def with_class_row(positions: Tensor) -> Tensor:
    """(L, D) → (1 + L, D): the class token stands nowhere."""
    return torch.cat([torch.zeros_like(positions[:1]), positions])
