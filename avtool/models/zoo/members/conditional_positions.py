"""CPVT: positions from a depthwise convolution over the tokens (PEG), instead of learned ones.

Chu et al.: Conditional Positional Encodings for Vision Transformers. 2021, sections 3.2 and 3.3 (GAP).
"""

from torch import Tensor, nn

from avtool.models.zoo.members.vision_transformer import PATCH, to_maps, vision_transformer


class PositionGenerator(nn.Module):
    """A depthwise 3 x 3 convolution of the grid of tokens, beside a skip; its zero padding gives positions.

    Args:
        dim: width of the tokens.
        grid: height and width in tokens.
    """

    def __init__(self, dim: int, grid: tuple[int, int]) -> None:
        super().__init__()
        self.grid = grid
        self.proj = nn.Conv2d(dim, dim, 3, padding=1, groups=dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, H · W, D) → the same shape."""
        maps = to_maps(tokens, self.grid)
        changed: Tensor = self.proj(maps).flatten(2).transpose(1, 2)
        return tokens + changed


def cpvt(
    *,
    num_classes: int = 1000,
    in_channels: int = 3,
    image_size: tuple[int, int] = (224, 224),
    embed_dim: int = 192,
    depth: int = 12,
    num_heads: int = 3,
    generators: int = 1,
) -> nn.Module:
    """CPVT-GAP: no class token, no learned positions, the mean of all tokens for the last layer.

    Args:
        num_classes: of the last layer; 0 for none.
        in_channels: of the images.
        image_size: height and width, multiples of 16.
        embed_dim: width of the tokens.
        depth: blocks.
        num_heads: of each block.
        generators: the first so many blocks have a PEG behind them.
    """
    network = vision_transformer(
        image_size, num_classes, in_channels,
        embed_dim=embed_dim, depth=depth, num_heads=num_heads,
        class_token=False, global_pool="avg", fc_norm=False, pos_embed="none",
    )  # fmt: skip
    grid = (image_size[0] // PATCH, image_size[1] // PATCH)
    for place in range(generators):
        network.blocks[place] = nn.Sequential(network.blocks[place], PositionGenerator(embed_dim, grid))
    return network
