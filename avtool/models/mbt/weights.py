"""Weights for MBT: one image ViT starts the encoders of both modalities."""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from avtool.models.layers.position import interpolate_position_grid
from avtool.models.mbt.mbt import MBT
from avtool.models.published.image_vit import format_grid, read_image_vit, square_grid
from avtool.models.published.pixel_statistics import PixelStatistics, fold_into_kernels
from avtool.models.published.report import LoadReport, State, copy_into

_BLOCK = re.compile(r"blocks\.(\d+)\.(.+)$")


def load_image_vit(
    model: MBT, checkpoint: Mapping[str, object], statistics: PixelStatistics | None = None
) -> LoadReport:
    """Starts an MBT from an image ViT or DeiT (names of timm or transformers).

    Audio: kernels are summed over the colours; the position grid is interpolated to (time, mel).
    Video: the kernel stands at the middle frame of the tubelet, zeros at the others; the grid is interpolated
    to the frame and repeated in time. Bottleneck and classifier keep their initial values.

    Args:
        model: changed in place.
        checkpoint: of the image model.
        statistics: that its pixels were standardised by; None for [-1, 1]. Those of spectrograms are not.
    """
    changes: list[str] = []
    vit = read_image_vit(checkpoint, changes)
    of_pixels = dict(vit)
    if statistics is not None and "video" in model.modalities:
        of_pixels, notes = fold_into_kernels(vit, statistics)
        changes += notes
    state: State = {name: vit.pop(name) for name in ("norm.weight", "norm.bias") if name in vit}
    of_audio = vit.pop("patch_embed.proj.weight"), vit.pop("patch_embed.proj.bias")
    class_token, positions = vit.pop("cls_token"), vit.pop("pos_embed")
    num_special = 2 if "dist_token" in vit else 1
    for name in model.modalities:
        stem, (kernel, bias) = f"stems.{name}.", of_audio
        if name == "audio":
            state[stem + "patch_embed.proj.weight"] = kernel.sum(dim=1, keepdim=True)
        else:
            kernel, bias = of_pixels["patch_embed.proj.weight"], of_pixels["patch_embed.proj.bias"]
            state[stem + "patch_embed.proj.weight"] = central_frame(kernel, model.settings.tubelet_frames)
        state[stem + "patch_embed.proj.bias"] = bias
        with_class = model.settings.pooling == "cls"
        if with_class:
            state[stem + "cls_token"] = class_token
        state[stem + "pos_embed"] = _positions(model, name, positions, num_special, with_class, changes)
    for name in list(vit):
        match = _BLOCK.match(name)
        if match:
            tensor = vit.pop(name)
            for target in _block_names(model, int(match[1]), match[2]):
                state[target] = tensor
    return copy_into(model, {**state, **vit}, changes)


def central_frame(kernel: Tensor, num_frames: int) -> Tensor:
    """(D, 3, P, P) → (D, 3, num_frames, P, P): the image kernel at the middle frame, zeros around it."""
    tubelet = kernel.new_zeros(*kernel.shape[:2], num_frames, *kernel.shape[2:])
    tubelet[:, :, num_frames // 2] = kernel
    return tubelet


def _positions(
    model: MBT, name: str, positions: Tensor, num_special: int, with_class: bool, changes: list[str]
) -> Tensor:
    patches = positions[0, num_special:]
    old, settings = square_grid(len(patches)), model.settings
    new = settings.audio_grid if name == "audio" else settings.video_grid[1:]
    fitted = interpolate_position_grid(patches, old, new, align_corners=True)
    note = f"{name} positions: {format_grid(old)} → {format_grid(new)}"
    if name == "video":
        fitted = fitted.repeat(settings.video_grid[0], 1)
        note += f", repeated {settings.video_grid[0]} times"
    changes.append(note)
    return torch.cat([positions[:, : int(with_class)], fitted[None]], dim=1)


def _block_names(model: MBT, layer: int, parameter: str) -> list[str]:
    """Where a parameter of an encoder's layer goes: to each modality's block, or to the one they share."""
    num_own = model.settings.fusion_layer if len(model.common_blocks) else model.settings.depth
    if layer < num_own:
        return [f"blocks.{owner}.{layer}.{parameter}" for owner in model.blocks]
    return [f"common_blocks.{layer - num_own}.{parameter}"]
