"""DeepViT: attention maps mixed across heads, so that deep blocks do not all attend alike.

Zhou et al.: DeepViT: Towards Deeper Vision Transformer. 2021, section 4.2; stem, scales and the blocks with
re-attention as in the authors' code.
"""

from timm.models.vision_transformer import Block
from torch import Tensor, nn

from avtool.models.zoo.members.vision_transformer import PATCH, vision_transformer

_STEM = 64


class ReAttention(nn.Module):
    """Attention whose maps are mixed by a learned H x H matrix, and normalised over the heads.

    Args:
        dim: width of the tokens.
        num_heads: H.
        map_scale: of the mixed maps; None for 1 / √(width of a head).
    """

    def __init__(self, dim: int, num_heads: int, map_scale: float | None = None) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.scale = (dim // num_heads) ** -0.5
        self.map_scale = self.scale if map_scale is None else map_scale
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.mix, self.norm = nn.Conv2d(num_heads, num_heads, 1), nn.BatchNorm2d(num_heads)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, N, D) → the same shape."""
        batch, count, dim = tokens.shape
        heads = self.qkv(tokens).reshape(batch, count, 3, self.num_heads, -1).permute(2, 0, 3, 1, 4)
        query, key, value = heads.unbind(0)
        maps = (query * self.scale @ key.transpose(-2, -1)).softmax(dim=-1)
        maps = self.norm(self.mix(maps)) * self.map_scale
        mixed: Tensor = self.proj((maps @ value).transpose(1, 2).reshape(batch, count, dim))
        return mixed


class ScaledBlock(Block):
    """timm's block with its branches multiplied, as DeepViT's are by 2.

    Attributes:
        branch_scale: of both branches.
    """

    branch_scale: float = 2.0

    def forward(self, x: Tensor, attn_mask: Tensor | None = None, is_causal: bool = False) -> Tensor:  # noqa: ARG002
        """(B, N, D) → the same shape."""
        x = x + self.branch_scale * self.drop_path1(self.attn(self.norm1(x)))
        changed: Tensor = self.drop_path2(self.mlp(self.norm2(x)))
        return x + self.branch_scale * changed


def convolutional_stem(in_channels: int, embed_dim: int) -> nn.Sequential:
    """Two convolutions at half the resolution, then patches of 8 x 8: (B, C, H, W) → (B, D, H/16, W/16)."""
    return nn.Sequential(
        nn.Conv2d(in_channels, _STEM, 7, stride=2, padding=3, bias=False),
        nn.BatchNorm2d(_STEM),
        nn.ReLU(),
        nn.Conv2d(_STEM, _STEM, 3, padding=1, bias=False),
        nn.BatchNorm2d(_STEM),
        nn.ReLU(),
        nn.Conv2d(_STEM, embed_dim, PATCH // 2, stride=PATCH // 2),
    )


def deepvit(
    *,
    num_classes: int = 1000,
    in_channels: int = 3,
    image_size: tuple[int, int] = (224, 224),
    embed_dim: int = 396,
    depth: int = 16,
    num_heads: int = 12,
    plain: int = 11,
    scaled_maps: bool = True,
) -> nn.Module:
    """DeepViT.

    Args:
        num_classes: of the last layer; 0 for none.
        in_channels: of the images.
        image_size: height and width, multiples of 16.
        embed_dim: width of the tokens.
        depth: blocks.
        num_heads: of each block.
        plain: the first blocks, which have plain attention; all behind them have re-attention.
        scaled_maps: divide mixed maps by √(width of a head), as DeepViT-S does and DeepViT-L does not.
    """
    network = vision_transformer(
        image_size, num_classes, in_channels,
        embed_dim=embed_dim, depth=depth, num_heads=num_heads, mlp_ratio=3.0, block_fn=ScaledBlock,
    )  # fmt: skip
    network.patch_embed.proj = convolutional_stem(in_channels, embed_dim)
    for block in list(network.blocks)[plain:]:
        block.attn = ReAttention(embed_dim, num_heads, None if scaled_maps else 1.0)
    return network
