"""The three-plane U-Net of PVDM, which predicts the noise in latents (Yu et al., 2023, section 3.3).

Shapes: B clips, C channels of the latents, N their length.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from avtool.models.layers.settings import require
from avtool.models.pvdm.planes import PLANES, PlaneGrid, join
from avtool.models.pvdm.unet_blocks import (
    GROUPS,
    FloatGroupNorm,
    MiddleBlock,
    PlaneBlock,
    Planes,
    share,
    timestep_embedding,
    zero,
)


@dataclass(frozen=True)
class PlaneUNetSettings:
    """Settings of the U-Net; the defaults are those of the published large one.

    Attributes:
        frames, rows, columns: the grid of the autoencoder: S, H' and W'.
        latent_channels: C.
        channels: of the first level, a multiple of 32.
        multipliers: channels of each level, over those of the first; each level halves the sides.
        blocks: residual blocks of a level.
        attention: factors of downsampling (1, 2, 4, …) at which positions of a plane attend to each other.
        heads: attention heads.
        dropout: of the residual blocks.
        conditional: whether it takes the latents of the clip before.
        plane_embed: add a learned embedding of the plane; without, the planes `yt` and `xt` are alike.
        recompute: recompute activations in backward, to save memory.
    """

    frames: int = 16
    rows: int = 32
    columns: int = 32
    latent_channels: int = 4
    channels: int = 256
    multipliers: tuple[int, ...] = (1, 2, 4, 4)
    blocks: int = 2
    attention: tuple[int, ...] = (1, 2, 4)
    heads: int = 8
    dropout: float = 0.0
    conditional: bool = True
    plane_embed: bool = False
    recompute: bool = False

    def __post_init__(self) -> None:
        least = min(self.frames, self.rows, self.columns, self.latent_channels, self.blocks)
        require(least >= 1, "frames, rows, columns, latent_channels and blocks are at least 1")
        require(bool(self.multipliers) and min(self.multipliers) >= 1, "multipliers are at least 1")
        wide = self.channels >= 1 and self.channels % GROUPS == 0
        require(wide, f"channels = {self.channels} is no multiple of {GROUPS}, the groups of its norms")
        fits = self.heads >= 1 and self.channels % self.heads == 0
        require(fits, f"{self.heads} heads do not divide channels = {self.channels}")
        require(0 <= self.dropout < 1, f"dropout = {self.dropout} is no probability below 1")

    @property
    def grid(self) -> PlaneGrid:
        """The sizes of the planes."""
        return PlaneGrid(self.frames, self.rows, self.columns)


class PlaneUNet(nn.Module):
    """ADM's U-Net over each plane with shared weights, and attention across the planes after every step.

    Attributes:
        settings: as built.
        grid: of the latents that it takes.
        inputs: what `forward` takes.
        channels_last_on_cpu: whether that layout is faster there; group norms and attention between the
            convolutions make it slower by a quarter to a third.
    """

    inputs = ("latents", "latents_timestep", "latents_condition")
    channels_last_on_cpu = False

    def __init__(self, settings: PlaneUNetSettings) -> None:
        super().__init__()
        self.settings, self.grid = settings, settings.grid
        width, time_dim = settings.channels, 4 * settings.channels
        shared = {"time_dim": time_dim, "heads": settings.heads, "dropout": settings.dropout}
        self.time_embed = nn.Sequential(nn.Linear(width, time_dim), nn.SiLU(), nn.Linear(time_dim, time_dim))
        self.conv_in = nn.Conv2d(settings.latent_channels * (1 + settings.conditional), width, 3, padding=1)
        self.plane_embed = nn.Parameter(torch.zeros(len(PLANES), width)) if settings.plane_embed else None
        skips, channels = [width], width
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        last = len(settings.multipliers) - 1
        for level, multiplier in enumerate(settings.multipliers):
            out, attends = multiplier * width, 2**level in settings.attention
            for _ in range(settings.blocks):
                self.down.append(PlaneBlock(channels, out, **shared, attends=attends))  # type: ignore[arg-type]
                channels = out
                skips.append(channels)
            if level < last:
                lower = PlaneBlock(channels, channels, **shared, attends=False, resample="down")  # type: ignore[arg-type]
                self.down.append(lower)
                skips.append(channels)
        self.middle = MiddleBlock(channels, **shared)  # type: ignore[arg-type]
        for level, multiplier in reversed(list(enumerate(settings.multipliers))):
            out, attends = multiplier * width, 2**level in settings.attention
            for number in range(settings.blocks + 1):
                resample = "up" if level and number == settings.blocks else "none"
                block = PlaneBlock(channels + skips.pop(), out, **shared, attends=attends, resample=resample)  # type: ignore[arg-type]
                self.up.append(block)
                channels = out
        self.norm_out = FloatGroupNorm(channels)
        self.conv_out = zero(nn.Conv2d(channels, settings.latent_channels, 3, padding=1))

    def forward(
        self, latents: Tensor, latents_timestep: Tensor, latents_condition: Tensor | None = None
    ) -> Tensor:
        """The noise in latents.

        Args:
            latents: (B, C, N), noisy.
            latents_timestep: (B,) times of diffusion, from 0, little noise, to 999.
            latents_condition: (B, C, N) latents of the clip before; zeros, or None, for a first clip.

        Returns:
            (B, C, N).
        """
        if self.settings.conditional:
            before = torch.zeros_like(latents) if latents_condition is None else latents_condition
            latents = torch.cat([latents, before], dim=1)
        time = self.time_embed(timestep_embedding(latents_timestep, self.settings.channels).to(latents.dtype))
        planes = share(self.grid.split(latents), lambda maps, _: self.conv_in(maps))
        if self.plane_embed is not None:
            marks = self.plane_embed[:, :, None, None]
            planes = tuple(plane + mark for plane, mark in zip(planes, marks, strict=True))
        skips = [planes]
        for block in self.down:
            planes = self._run(block, planes, time)
            skips.append(planes)
        planes = self._run(self.middle, planes, time)
        for block in self.up:
            planes = tuple(torch.cat(pair, dim=1) for pair in zip(planes, skips.pop(), strict=True))
            sizes = [plane.shape[2:] for plane in skips[-1]] if skips else []
            planes = self._run(block, planes, time, sizes)
        return join(share(planes, lambda maps, _: self.conv_out(F.silu(self.norm_out(maps)))))

    def _run(self, block: nn.Module, *arguments: Planes | Tensor | list[torch.Size]) -> Planes:
        if self.settings.recompute and torch.is_grad_enabled():
            planes: Planes = checkpoint(block, *arguments, use_reentrant=False)
        else:
            planes = block(*arguments)
        return planes
