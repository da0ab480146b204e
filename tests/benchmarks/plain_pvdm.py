"""PVDM as its published code computes it, from the same weights: plane by plane, attention by softmax.

A plain transcription for `bench_generate`: three launches of every shared layer, scores of attention in
memory, queries, keys and values as views, and each attention of the U-Net computed again in backward.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from avtool.models.pvdm.autoencoder import VideoAutoencoder
from avtool.models.pvdm.planes import PLANES, join
from avtool.models.pvdm.timesformer import RotaryAttention, Table, rotate, space_table, time_table
from avtool.models.pvdm.unet import PlaneUNet
from avtool.models.pvdm.unet_blocks import MapAttention, MiddleBlock, PlaneBlock, timestep_embedding

Planes = list[Tensor]


def attend(layer: RotaryAttention, tokens: Tensor, table: Table | None) -> Tensor:
    """Softmax attention of (B, N, D)."""
    count, length, _ = tokens.shape
    query, key, value = (
        part.reshape(count, length, layer.heads, -1).transpose(1, 2)
        for part in layer.qkv(tokens).chunk(3, -1)
    )
    if table is not None:
        query, key = rotate(query, table), rotate(key, table)
    scores = torch.einsum("bhid,bhjd->bhij", query * query.shape[-1] ** -0.5, key)
    attended = torch.einsum("bhij,bhjd->bhid", scores.softmax(-1), value)
    return layer.proj(attended.transpose(1, 2).reshape(count, length, -1))


def transform(tokens: Tensor, network: torch.nn.Module, grid: Sequence[int]) -> Tensor:
    """The TimeSformer of (B, S, N, D)."""
    batch, frames, patches, dim = tokens.shape
    time = time_table(frames, network.head_dim, network.rotary, tokens.device)
    space = space_table(*grid, network.head_dim, tokens.device)
    for block in network.blocks:
        lines = block.time_norm(tokens).transpose(1, 2).reshape(batch * patches, frames, dim)
        lines = attend(block.time_attn, lines, time).reshape(batch, patches, frames, dim)
        tokens = tokens + lines.transpose(1, 2)
        images = block.space_norm(tokens).reshape(batch * frames, patches, dim)
        tokens = tokens + attend(block.space_attn, images, space).reshape(batch, frames, patches, dim)
        tokens = tokens + block.mlp(block.mlp_norm(tokens))
    return tokens


def reconstruct(model: VideoAutoencoder, video: Tensor) -> Tensor:
    """`model(video)`."""
    settings, grid = model.settings, model.grid
    batch, patch, rows, columns = len(video), settings.patch, grid.rows, grid.columns
    boxes = video.reshape(batch, 3, grid.frames, rows, patch, columns, patch).permute(0, 2, 3, 5, 4, 6, 1)
    tokens = model.embed_patches(boxes.reshape(batch, grid.frames, rows * columns, -1))
    tokens = transform(tokens, model.encoder, (rows, columns))
    tokens = tokens.reshape(batch, grid.frames, rows, columns, -1)
    planes = []
    for name, order in zip(PLANES, ((0, 2, 3, 1, 4), (0, 1, 3, 2, 4), (0, 1, 2, 3, 4)), strict=True):
        projector, axes = model.projectors[name], tokens.permute(*order)
        line = axes.reshape(-1, *axes.shape[3:])
        line = torch.cat([line, projector.token.expand(len(line), -1, -1)], dim=1) + projector.pos_embed
        for block in projector.blocks:
            line = line + attend(block.attn, block.norm1(line), None)
            line = line + block.mlp(block.norm2(line))
        planes.append(torch.tanh(projector.to_latent(line[:, 0])).reshape(*axes.shape[:3], -1))
    xy, yt, xt = (model.from_latent[name](plane) for name, plane in zip(PLANES, planes, strict=True))
    tokens = xy[:, None] + yt[:, :, None] + xt[:, :, :, None]
    tokens = transform(tokens.reshape(batch, grid.frames, rows * columns, -1), model.decoder, (rows, columns))
    maps = tokens.reshape(batch * grid.frames, rows, columns, -1).permute(0, 3, 1, 2)
    frames = 2 * model.to_pixels(maps).sigmoid() - 1
    return frames.reshape(batch, grid.frames, *frames.shape[1:]).transpose(1, 2)


def attend_map(layer: MapAttention, maps: Tensor) -> Tensor:
    """Attention of positions, computed again in backward as the published code always does."""

    def attended(flat: Tensor) -> Tensor:
        count, channels, length = flat.shape
        tokens = layer.norm(flat).transpose(1, 2)
        query, key, value = (
            part.reshape(count, length, layer.heads, -1).permute(0, 2, 3, 1)
            for part in layer.qkv(tokens).chunk(3, -1)
        )
        scale = query.shape[2] ** -0.25
        scores = torch.einsum("bhct,bhcs->bhts", query * scale, key * scale).softmax(-1)
        moved = torch.einsum("bhts,bhcs->bhct", scores, value).reshape(count, channels, length)
        return flat + layer.proj(moved.transpose(1, 2)).transpose(1, 2)

    flat = maps.flatten(2)
    found = checkpoint(attended, flat, use_reentrant=False) if torch.is_grad_enabled() else attended(flat)
    return found.reshape(maps.shape)


def step(
    block: PlaneBlock | MiddleBlock, planes: Planes, time: Tensor, sizes: Sequence[torch.Size]
) -> Planes:
    """A step of the U-Net, one plane after the other."""
    found = []
    for number, plane in enumerate(planes):
        if isinstance(block, MiddleBlock):
            plane = block.res2(attend_map(block.attn, block.res1(plane, time)), time)
        else:
            plane = block.res(plane, time)
            if block.attn is not None:
                plane = attend_map(block.attn, plane)
            if block.up is not None:
                plane = block.up(plane, time)[:, :, : sizes[number][0], : sizes[number][1]]
        found.append(plane)
    lengths = [plane.shape[2:].numel() for plane in found]
    joined = attend_map(block.cross, torch.cat([plane.flatten(2) for plane in found], dim=-1))
    parts = joined.split(lengths, dim=-1)
    return [part.reshape(plane.shape) for part, plane in zip(parts, found, strict=True)]


def predict(model: PlaneUNet, latents: Tensor, times: Tensor, condition: Tensor) -> Tensor:
    """`model(latents, times, condition)`."""
    embedding = model.time_embed(timestep_embedding(times, model.settings.channels))
    planes = [model.conv_in(plane) for plane in model.grid.split(torch.cat([latents, condition], dim=1))]
    skips = [planes]
    for block in model.down:
        planes = step(block, planes, embedding, ())
        skips.append(planes)
    planes = step(model.middle, planes, embedding, ())
    for block in model.up:
        planes = [torch.cat(pair, dim=1) for pair in zip(planes, skips.pop(), strict=True)]
        planes = step(block, planes, embedding, [plane.shape[2:] for plane in skips[-1]] if skips else ())
    return join([model.conv_out(F.silu(model.norm_out(plane))) for plane in planes])
