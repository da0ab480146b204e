"""The video autoencoder of PVDM: a clip as three planes of latents, and back (Yu et al., 2023, section 3.2).

Shapes: B clips, S frames, H x W pixels, H' x W' patches, D width, C channels of the latents.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from avtool.models.layers.settings import require
from avtool.models.pvdm.planes import PLANES, PlaneGrid, join
from avtool.models.pvdm.projector import Projector, Readout
from avtool.models.pvdm.timesformer import Rotary, TimeSformer


@dataclass(frozen=True)
class VideoAutoencoderSettings:
    """Settings of the autoencoder; the defaults are those of the published weights.

    Attributes:
        frames: S of a clip.
        height, width: H and W of a frame in pixels; multiples of `patch`.
        patch: side of a patch in pixels.
        dim: width D of encoder and decoder.
        depth: blocks of the encoder, and of the decoder.
        heads, head_dim: attention heads of both and their channels, a multiple of 4.
        projector_depth, projector_heads, projector_mlp: of the projectors.
        projector_head_dim: channels of their heads; 0: D / 8.
        latent_channels: C.
        readout: which position of a projector is read; `first` fits the published weights.
        rotary: the layout of time's angles; `halves` fits the published weights.
        recompute: recompute activations in backward, to save memory.
    """

    frames: int = 16
    height: int = 256
    width: int = 256
    patch: int = 8
    dim: int = 384
    depth: int = 8
    heads: int = 8
    head_dim: int = 64
    projector_depth: int = 4
    projector_heads: int = 4
    projector_head_dim: int = 0
    projector_mlp: int = 512
    latent_channels: int = 4
    readout: Readout = "first"
    rotary: Rotary = "halves"
    recompute: bool = False

    def __post_init__(self) -> None:
        least = min(self.frames, self.height, self.width, self.patch, self.depth, self.latent_channels)
        require(least >= 1, "frames, height, width, patch, depth and latent_channels are at least 1")
        for name, pixels in (("height", self.height), ("width", self.width)):
            fitting = max(round(pixels / self.patch), 1) * self.patch
            hint = f"{name} = {fitting} fits, or another patch"
            require(pixels % self.patch == 0, f"patches of {self.patch} do not fit {name} = {pixels}", hint)
        require(self.head_dim % 4 == 0, f"head_dim = {self.head_dim} is no multiple of 4")

    @property
    def grid(self) -> PlaneGrid:
        """The patches of a clip."""
        return PlaneGrid(self.frames, self.height // self.patch, self.width // self.patch)


class VideoAutoencoder(nn.Module):
    """TimeSformer, a projector for each plane; the planes' sum along their missing axes, TimeSformer.

    Attributes:
        settings: as built.
        inputs: what `forward` takes.
    """

    inputs = ("video",)

    def __init__(self, settings: VideoAutoencoderSettings) -> None:
        super().__init__()
        self.settings, self.grid = settings, settings.grid
        dim, channels = settings.dim, settings.latent_channels
        self.embed_patches = nn.Linear(3 * settings.patch**2, dim)
        self.encoder, self.decoder = (
            TimeSformer(
                dim,
                settings.depth,
                settings.heads,
                settings.head_dim,
                settings.rotary,
                recompute=settings.recompute,
            )
            for _ in range(2)
        )
        axes = (settings.frames, self.grid.rows, self.grid.columns)
        self.projectors = nn.ModuleDict(
            {
                name: Projector(
                    length,
                    dim,
                    depth=settings.projector_depth,
                    heads=settings.projector_heads,
                    head_dim=settings.projector_head_dim or max(dim // 8, 1),
                    mlp_dim=settings.projector_mlp,
                    channels=channels,
                    readout=settings.readout,
                )
                for name, length in zip(PLANES, axes, strict=True)
            }
        )
        self.from_latent = nn.ModuleDict({name: nn.Linear(channels, dim) for name in PLANES})
        self.to_pixels = nn.ConvTranspose2d(dim, 3, settings.patch, settings.patch)

    def encode(self, video: Tensor) -> Tensor:
        """Latents of clips.

        Args:
            video: (B, 3, S, H, W) in [-1, 1].

        Returns:
            (B, C, H'W' + SW' + SH') in (-1, 1).
        """
        patch, grid = self.settings.patch, self.grid
        boxes = video.reshape(len(video), 3, grid.frames, grid.rows, patch, grid.columns, patch)
        tokens = self.encoder(self.embed_patches(boxes.permute(0, 2, 3, 5, 4, 6, 1).flatten(4)))
        return join(
            [
                self.projectors["xy"](tokens.permute(0, 2, 3, 1, 4)),
                self.projectors["yt"](tokens.permute(0, 1, 3, 2, 4)),
                self.projectors["xt"](tokens),
            ]
        )

    def decode(self, latents: Tensor) -> Tensor:
        """Clips of latents.

        Args:
            latents: (B, C, H'W' + SW' + SH') in (-1, 1).

        Returns:
            (B, 3, S, H, W) in (-1, 1).
        """
        xy, yt, xt = (
            self.from_latent[name](plane.permute(0, 2, 3, 1))
            for name, plane in zip(PLANES, self.grid.split(latents), strict=True)
        )
        tokens = self.decoder(xy[:, None] + yt[:, :, None] + xt[:, :, :, None])
        frames = self.to_pixels(tokens.flatten(0, 1).permute(0, 3, 1, 2))
        video: Tensor = 2 * frames.sigmoid() - 1
        return torch.unflatten(video, 0, (len(latents), -1)).transpose(1, 2)

    def forward(self, video: Tensor) -> Tensor:
        """Reconstructions of clips (B, 3, S, H, W) in [-1, 1], of the same shape and range."""
        return self.decode(self.encode(video))
