"""timm's ViT as the members take it: pre-norm blocks over patches of 16 x 16, which they then change."""

from typing import Any

from timm.models.vision_transformer import VisionTransformer
from torch import Tensor

PATCH = 16


def vision_transformer(
    image_size: tuple[int, int], num_classes: int, in_channels: int, **settings: Any
) -> VisionTransformer:
    """A ViT of timm with random weights.

    Args:
        image_size: height and width, multiples of 16.
        num_classes: of the last layer; 0 for none.
        in_channels: of the images.
        **settings: of timm's class: `embed_dim`, `depth`, `num_heads`, ….

    Raises:
        ValueError: a side is no multiple of 16.
    """
    if any(side % PATCH for side in image_size):
        raise ValueError(f"{image_size[0]}x{image_size[1]} is no multiple of {PATCH}")
    return VisionTransformer(
        img_size=image_size, patch_size=PATCH, num_classes=num_classes, in_chans=in_channels, **settings
    )


def to_maps(tokens: Tensor, grid: tuple[int, int]) -> Tensor:
    """(B, H · W, D) → (B, D, H, W)."""
    return tokens.transpose(1, 2).reshape(tokens.shape[0], tokens.shape[2], *grid)
