"""Segmenter: class tokens that a small Transformer decodes together with a ViT's patches.

Strudel et al.: Segmenter: Transformer for Semantic Segmentation. ICCV 2021, section 3.2 (mask transformer).
"""

import torch
from timm.layers.weight_init import trunc_normal_
from timm.models.vision_transformer import Block
from torch import Tensor, nn
from torch.nn import functional

from avtool.models.zoo.members.vision_transformer import PATCH, to_maps, vision_transformer


class MaskTransformer(nn.Module):
    """Two blocks over patches and class tokens; a mask is the similarity of patches with a class token.

    Args:
        dim: width of the tokens.
        num_classes: class tokens.
        depth: blocks.
    """

    def __init__(self, dim: int, num_classes: int, depth: int = 2) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.proj_in = nn.Linear(dim, dim)
        self.class_tokens = nn.Parameter(torch.zeros(1, num_classes, dim))
        self.blocks = nn.Sequential(*(Block(dim, dim // 64, qkv_bias=True) for _ in range(depth)))
        self.norm = nn.LayerNorm(dim)
        self.proj_patches = nn.Linear(dim, dim, bias=False)
        self.proj_classes = nn.Linear(dim, dim, bias=False)
        self.mask_norm = nn.LayerNorm(num_classes)
        trunc_normal_(self.class_tokens, std=0.02)

    def forward(self, patches: Tensor, grid: tuple[int, int]) -> Tensor:
        """(B, H · W, D) → logits (B, classes, H, W)."""
        tokens = torch.cat([self.proj_in(patches), self.class_tokens.expand(len(patches), -1, -1)], dim=1)
        tokens = self.norm(self.blocks(tokens))
        parts = tokens[:, : -self.num_classes], tokens[:, -self.num_classes :]
        found = functional.normalize(self.proj_patches(parts[0]), dim=-1)
        classes = functional.normalize(self.proj_classes(parts[1]), dim=-1)
        masks: Tensor = self.mask_norm(found @ classes.transpose(1, 2))
        return to_maps(masks, grid)


class Segmenter(nn.Module):
    """A ViT and a mask transformer.

    Args:
        encoder: timm's ViT with a class token.
        decoder: of its patches.
        grid: height and width in patches.
    """

    def __init__(self, encoder: nn.Module, decoder: MaskTransformer, grid: tuple[int, int]) -> None:
        super().__init__()
        self.encoder, self.decoder, self.grid = encoder, decoder, grid

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, H, W) → logits (B, classes, H, W)."""
        tokens = self.encoder.forward_features(images)  # type: ignore[operator]
        masks = self.decoder(tokens[:, 1:], self.grid)
        return functional.interpolate(masks, size=images.shape[-2:], mode="bilinear")


def segmenter(
    *,
    num_classes: int = 150,
    in_channels: int = 3,
    image_size: tuple[int, int] = (512, 512),
    embed_dim: int = 384,
    depth: int = 12,
) -> nn.Module:
    """Segmenter with patches of 16 x 16.

    Args:
        num_classes: of the masks.
        in_channels: of the images.
        image_size: height and width, multiples of 16.
        embed_dim: width of the tokens, a multiple of 64.
        depth: blocks of the encoder.
    """
    encoder = vision_transformer(
        image_size, 0, in_channels, embed_dim=embed_dim, depth=depth, num_heads=embed_dim // 64
    )
    grid = (image_size[0] // PATCH, image_size[1] // PATCH)
    return Segmenter(encoder, MaskTransformer(embed_dim, num_classes), grid)
