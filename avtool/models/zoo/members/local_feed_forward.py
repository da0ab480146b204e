"""LocalViT: a depthwise convolution inside the feed-forward network of a ViT.

Li et al.: LocalViT: Bringing Locality to Vision Transformers. 2021, section 3.2; h-swish and
squeeze-and-excitation as in its tables.
"""

import torch
from timm.layers.squeeze_excite import SqueezeExcite
from timm.models.vision_transformer import Block
from torch import Tensor, nn

from avtool.models.zoo.members.vision_transformer import PATCH, to_maps, vision_transformer


class LocalFeedForward(nn.Module):
    """1 x 1, depthwise 3 x 3 and 1 x 1 convolutions over the grid of tokens; the class token bypasses them.

    Args:
        dim: width of the tokens.
        hidden_width: width between the convolutions.
        grid: height and width in tokens.
    """

    def __init__(self, dim: int, hidden_width: int, grid: tuple[int, int]) -> None:
        super().__init__()
        self.grid = grid
        self.expand, self.expand_norm = (
            nn.Conv2d(dim, hidden_width, 1, bias=False),
            nn.BatchNorm2d(hidden_width),
        )
        self.expand_act: nn.Module = nn.Hardswish()
        self.depthwise = nn.Conv2d(hidden_width, hidden_width, 3, padding=1, groups=hidden_width, bias=False)
        self.depthwise_norm: nn.Module = nn.BatchNorm2d(hidden_width)
        self.depthwise_act: nn.Module = nn.Hardswish()
        self.squeeze: nn.Module = SqueezeExcite(
            hidden_width, rd_channels=hidden_width // dim, gate_layer="hard_sigmoid"
        )
        self.reduce, self.reduce_norm = nn.Conv2d(hidden_width, dim, 1, bias=False), nn.BatchNorm2d(dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """The change of (B, 1 + H · W, D) tokens; that of the class token is 0."""
        maps = to_maps(tokens[:, 1:], self.grid)
        maps = self.expand_act(self.expand_norm(self.expand(maps)))
        maps = self.squeeze(self.depthwise_act(self.depthwise_norm(self.depthwise(maps))))
        maps = self.reduce_norm(self.reduce(maps)).flatten(2).transpose(1, 2)
        return torch.cat([torch.zeros_like(tokens[:, :1]), maps], dim=1)


def localvit(
    *,
    num_classes: int = 1000,
    in_channels: int = 3,
    image_size: tuple[int, int] = (224, 224),
    embed_dim: int = 192,
    depth: int = 12,
    num_heads: int = 4,
    mlp_ratio: float = 4.0,
) -> nn.Module:
    """LocalViT.

    Args:
        num_classes: of the last layer; 0 for none.
        in_channels: of the images.
        image_size: height and width, multiples of 16.
        embed_dim: width of the tokens.
        depth: blocks.
        num_heads: of each block.
        mlp_ratio: hidden width of the feed-forward networks, in widths.
    """
    network = vision_transformer(
        image_size, num_classes, in_channels, embed_dim=embed_dim, depth=depth, num_heads=num_heads
    )
    grid = (image_size[0] // PATCH, image_size[1] // PATCH)
    for block in network.blocks:
        assert isinstance(block, Block)
        block.norm2 = nn.Identity()
        block.mlp = LocalFeedForward(embed_dim, round(embed_dim * mlp_ratio), grid)
    return network
