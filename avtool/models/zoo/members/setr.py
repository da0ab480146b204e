"""SETR: a ViT without downsampling as the encoder of a segmenter, with three convolutional decoders.

Zheng et al.: Rethinking Semantic Segmentation from a Sequence-to-Sequence Perspective with Transformers.
CVPR 2021, section 3.3; widths and auxiliary heads as in the published configurations.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from avtool.models.zoo.members.vision_transformer import vision_transformer

Decoder = Literal["naive", "pup", "mla"]
_WIDTH = 256


class UpsamplingHead(nn.Module):
    """Convolutions, each with upsampling behind it, over one map: SETR-Naïve, and PUP with several.

    Args:
        dim: channels of the map.
        num_classes: of the logits.
        convolutions: how many.
        kernel: their side.
        scale: of each upsampling.
    """

    def __init__(self, dim: int, num_classes: int, convolutions: int, kernel: int, scale: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        widths = [dim, *[_WIDTH] * convolutions]
        self.steps = nn.Sequential(
            *(
                nn.Sequential(
                    convolution(before, after, kernel), nn.Upsample(scale_factor=scale, mode="bilinear")
                )
                for before, after in pairwise(widths)
            )
        )
        self.classify = nn.Conv2d(_WIDTH, num_classes, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """(B, D, H, W) → logits (B, classes, H · scale^n, W · scale^n)."""
        normed = self.norm(maps.movedim(1, -1)).movedim(-1, 1)
        logits: Tensor = self.classify(self.steps(normed))
        return logits


class MultiLevelHead(nn.Module):
    """Maps of four depths, reduced and summed from the deepest upwards, then joined: SETR-MLA.

    Args:
        dim: channels of the maps.
        num_classes: of the logits.
    """

    def __init__(self, dim: int, num_classes: int) -> None:
        super().__init__()
        half = _WIDTH // 2
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(4))
        self.reduce = nn.ModuleList(convolution(dim, _WIDTH, 1) for _ in range(4))
        self.smooth = nn.ModuleList(convolution(_WIDTH, _WIDTH, 3) for _ in range(4))
        self.heads = nn.ModuleList(
            nn.Sequential(convolution(_WIDTH, half, 3), convolution(half, half, 3)) for _ in range(4)
        )
        self.classify = nn.Conv2d(4 * half, num_classes, 1)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Four of (B, D, H, W), the deepest last → logits (B, classes, 4 H, 4 W)."""
        total: Tensor | None = None
        levels = []
        for index in reversed(range(4)):
            normed = self.norms[index](maps[index].movedim(1, -1)).movedim(-1, 1)
            reduced = self.reduce[index](normed)
            total = reduced if total is None else total + reduced
            level = self.heads[index](self.smooth[index](total))
            levels.append(functional.interpolate(level, scale_factor=4, mode="bilinear"))
        logits: Tensor = self.classify(torch.cat(levels, dim=1))
        return logits


class SETR(nn.Module):
    """A ViT, a decoder of its maps at four depths, and auxiliary heads for training.

    Args:
        encoder: timm's ViT.
        head: of the deepest map, or of all.
        auxiliary: one head for each of the other maps, or none.
        depths: the blocks whose outputs are decoded.
    """

    def __init__(
        self, encoder: nn.Module, head: nn.Module, auxiliary: Sequence[nn.Module], depths: Sequence[int]
    ) -> None:
        super().__init__()
        self.encoder, self.head, self.depths = encoder, head, list(depths)
        self.auxiliary = nn.ModuleList(auxiliary)

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, H, W) → logits (B, classes, H, W)."""
        return self._decode(self.maps(images), images)

    def forward_all(self, images: Tensor) -> list[Tensor]:
        """(B, C, H, W) → logits (B, classes, H, W) of `forward`, and of each auxiliary head, for the loss."""
        maps = self.maps(images)
        more = [head(one) for head, one in zip(self.auxiliary, maps, strict=False)]
        size = images.shape[-2:]
        return [
            self._decode(maps, images),
            *(functional.interpolate(one, size=size, mode="bilinear") for one in more),
        ]

    def maps(self, images: Tensor) -> list[Tensor]:
        """The maps (B, D, H / 16, W / 16) behind the blocks of `depths`."""
        found: list[Tensor] = self.encoder.forward_intermediates(  # type: ignore[operator]
            images, indices=self.depths, intermediates_only=True
        )
        return found

    def _decode(self, maps: list[Tensor], images: Tensor) -> Tensor:
        logits = self.head(maps if isinstance(self.head, MultiLevelHead) else maps[-1])
        return functional.interpolate(logits, size=images.shape[-2:], mode="bilinear")


def convolution(in_channels: int, out_channels: int, kernel: int) -> nn.Sequential:
    """A convolution without bias that keeps the size, a batch norm, and a ReLU."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
    )


def setr(
    *,
    num_classes: int = 150,
    in_channels: int = 3,
    image_size: tuple[int, int] = (512, 512),
    decoder: Decoder = "naive",
    embed_dim: int = 1024,
    depth: int = 24,
    auxiliary: bool = True,
) -> nn.Module:
    """SETR with patches of 16 x 16.

    Args:
        num_classes: of the masks.
        in_channels: of the images.
        image_size: height and width, multiples of 16.
        decoder: naive, pup (progressive upsampling) or mla (multi-level aggregation).
        embed_dim: width of the encoder, a multiple of 64.
        depth: its blocks, a multiple of 4.
        auxiliary: heads for training, which prediction does not run.
    """
    encoder = vision_transformer(
        image_size, 0, in_channels, embed_dim=embed_dim, depth=depth, num_heads=embed_dim // 64
    )
    if decoder == "mla":
        depths = [depth * quarter // 4 - 1 for quarter in range(1, 5)]
        more = [UpsamplingHead(embed_dim, num_classes, 1, 1, 4) for _ in range(3)] if auxiliary else []
        return SETR(encoder, MultiLevelHead(embed_dim, num_classes), more, depths)
    depths = [round(depth * part) - 1 for part in (10 / 24, 15 / 24, 20 / 24, 1)]
    kernel = 1 if decoder == "naive" else 3
    head = UpsamplingHead(embed_dim, num_classes, *((1, 1, 4) if decoder == "naive" else (4, 3, 2)))
    more = [UpsamplingHead(embed_dim, num_classes, 1, kernel, 4) for _ in range(3)] if auxiliary else []
    return SETR(encoder, head, more, depths)
