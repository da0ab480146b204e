"""T2T-ViT: soft splits that join neighbouring tokens, with attention between them, before a narrow ViT.

Yuan et al.: Tokens-to-Token ViT. ICCV 2021, section 3.1.
"""

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from avtool.models.zoo.members.vision_transformer import to_maps, vision_transformer

Mixer = Literal["performer", "transformer"]
_EPSILON = 1e-8
_SPLITS = ((7, 4, 2), (3, 2, 1), (3, 2, 1))
"""Kernel, stride and padding of the three soft splits."""


class TokenAttention(nn.Module):
    """Attention of one head that changes the width of tokens, with a skip from its values, then an MLP.

    Args:
        dim: width of the tokens in.
        width: of the tokens out.
    """

    def __init__(self, dim: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(width)
        self.qkv = nn.Linear(dim, 3 * width, bias=False)
        self.proj = nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, N, dim) → (B, N, width)."""
        query, key, value = self.qkv(self.norm1(tokens)).chunk(3, dim=-1)
        mixed = functional.scaled_dot_product_attention(query[:, None], key[:, None], value[:, None])[:, 0]
        found: Tensor = value + self.proj(mixed)
        changed: Tensor = self.mlp(self.norm2(found))
        return found + changed


class TokenPerformer(TokenAttention):
    """The same with attention by positive random features, linear in the number of tokens.

    Args:
        dim: width of the tokens in.
        width: of the tokens out; half as many random features.
    """

    features: Tensor

    def __init__(self, dim: int, width: int) -> None:
        super().__init__(dim, width)
        self.qkv = nn.Linear(dim, 3 * width)
        count = width // 2
        features = torch.empty(count, width)
        if features.device.type != "meta":
            nn.init.orthogonal_(features)
        self.register_buffer("features", features * math.sqrt(count))

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, N, dim) → (B, N, width)."""
        key, query, value = self.qkv(self.norm1(tokens)).chunk(3, dim=-1)
        key, query = self._kernel(key), self._kernel(query)
        total = query @ key.sum(dim=1)[:, :, None]  # (B, N, 1)
        mixed = query @ (key.transpose(1, 2) @ value) / (total + _EPSILON)
        found: Tensor = value + self.proj(mixed)
        changed: Tensor = self.mlp(self.norm2(found))
        return found + changed

    def _kernel(self, tokens: Tensor) -> Tensor:
        """exp(w x − |x|² / 2) / √m for m random features w: (B, N, width) → (B, N, m)."""
        lengths = tokens.square().sum(dim=-1, keepdim=True) / 2
        return torch.exp(tokens @ self.features.T - lengths) / math.sqrt(len(self.features))


_MIXERS = {"performer": TokenPerformer, "transformer": TokenAttention}


class TokensToToken(nn.Module):
    """Three soft splits with attention after the first two: (B, C, H, W) → (B, H / 16 · W / 16, D).

    Args:
        image_size: height and width, multiples of 16.
        in_channels: of the images.
        embed_dim: D.
        mixer: attention between the splits.
        width: of the tokens there.
    """

    def __init__(
        self, image_size: tuple[int, int], in_channels: int, embed_dim: int, mixer: Mixer, width: int = 64
    ) -> None:
        super().__init__()
        self.grid_size = (image_size[0] // 16, image_size[1] // 16)
        self.num_patches = self.grid_size[0] * self.grid_size[1]
        dims = [in_channels, width, width]
        kinds = zip(dims[:-1], _SPLITS[:-1], strict=True)
        self.attentions = nn.ModuleList(
            _MIXERS[mixer](dim * kernel**2, width) for dim, (kernel, _, _) in kinds
        )
        self.project = nn.Linear(dims[-1] * _SPLITS[-1][0] ** 2, embed_dim)

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, H, W) → (B, N, D)."""
        maps = images
        for (kernel, stride, padding), attention in zip(_SPLITS, [*self.attentions, None], strict=True):
            height, width = (side // stride for side in maps.shape[-2:])
            tokens = functional.unfold(maps, kernel, stride=stride, padding=padding).transpose(1, 2)
            if attention is None:
                break
            maps = to_maps(attention(tokens), (height, width))
        projected: Tensor = self.project(tokens)
        return projected

    def dynamic_feat_size(self, image_size: tuple[int, int]) -> tuple[int, int]:
        """Height and width in tokens, as timm's ViT wants them."""
        return image_size[0] // 16, image_size[1] // 16


def sine_positions(count: int, dim: int) -> Tensor:
    """Sines and cosines of positions: (1, count, dim)."""
    rates = torch.pow(10000.0, -2 * torch.div(torch.arange(dim), 2, rounding_mode="floor") / dim)
    angles = torch.arange(count)[:, None] * rates
    table = torch.where(torch.arange(dim) % 2 == 0, angles.sin(), angles.cos())
    return table[None]


def t2t_vit(
    *,
    num_classes: int = 1000,
    in_channels: int = 3,
    image_size: tuple[int, int] = (224, 224),
    embed_dim: int = 384,
    depth: int = 14,
    num_heads: int = 6,
    mlp_ratio: float = 3.0,
    mixer: Mixer = "performer",
) -> nn.Module:
    """T2T-ViT; with `mixer="transformer"` it is T2T-ViT_t.

    Args:
        num_classes: of the last layer; 0 for none.
        in_channels: of the images.
        image_size: height and width, multiples of 16.
        embed_dim: width of the ViT's tokens.
        depth: its blocks.
        num_heads: its heads.
        mlp_ratio: hidden width of its MLPs, in widths.
        mixer: attention between the soft splits.
    """
    network = vision_transformer(
        image_size, num_classes, in_channels,
        embed_dim=embed_dim, depth=depth, num_heads=num_heads, mlp_ratio=mlp_ratio, qkv_bias=False,
    )  # fmt: skip
    split = TokensToToken(image_size, in_channels, embed_dim, mixer)
    positions = sine_positions(split.num_patches + 1, embed_dim)
    network.patch_embed = split
    del network.pos_embed
    network.register_buffer("pos_embed", positions, persistent=False)
    return network
