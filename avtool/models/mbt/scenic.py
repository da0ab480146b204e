"""MBT's published checkpoints (Scenic, Flax): their names, layouts and kernels as ours."""

import math
import re
from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from avtool.core.errors import BadInputError
from avtool.models.layers.position import crop_or_interpolate_position_grid
from avtool.models.mbt.mbt import MBT, MBTSettings
from avtool.models.published.image_vit import format_grid
from avtool.models.published.report import LoadReport, State, copy_into, drop_mismatched_head

_BLOCK = re.compile(r"Transformer/encoderblock_(?P<layer>\d+)(?P<of_audio>_spectrogram)?/(?P<part>.+)$")
_ATTENTION, _MLP = "MultiHeadDotProductAttention_0", "MlpBlock_0"
_PARTS = {
    "LayerNorm_0/scale": "norm1.weight", "LayerNorm_0/bias": "norm1.bias",
    "LayerNorm_1/scale": "norm2.weight", "LayerNorm_1/bias": "norm2.bias",
    f"{_MLP}/Dense_0/kernel": "mlp.fc1.weight", f"{_MLP}/Dense_0/bias": "mlp.fc1.bias",
    f"{_MLP}/Dense_1/kernel": "mlp.fc2.weight", f"{_MLP}/Dense_1/bias": "mlp.fc2.bias",
    f"{_ATTENTION}/out/kernel": "attn.proj.weight", f"{_ATTENTION}/out/bias": "attn.proj.bias",
}  # fmt: skip
_QKV = re.compile(rf"{_ATTENTION}/(?P<which>query|key|value)/(?P<leaf>kernel|bias)$")
_TOP = {
    "Transformer/encoder_norm/scale": "norm.weight", "Transformer/encoder_norm/bias": "norm.bias",
    "output_projection/kernel": "head.weight", "output_projection/bias": "head.bias",
    "bottleneck": "bottleneck",
    "embedding/kernel": "stems.video.patch_embed.proj.weight",
    "embedding/bias": "stems.video.patch_embed.proj.bias",
    "embedding_spectrogram/kernel": "stems.audio.patch_embed.proj.weight",
    "embedding_spectrogram/bias": "stems.audio.patch_embed.proj.bias",
    "Transformer/posembed_input/pos_embedding": "stems.video.pos_embed",
    "Transformer/posembed_input_spectrogram/pos_embedding": "stems.audio.pos_embed",
    "clsspectrogram": "stems.audio.cls_token",
}  # fmt: skip
_OF_VIDEO, _OF_AUDIO = "embedding/kernel", "embedding_spectrogram/kernel"
_DEVIATION_RATIO = 2.0
"""Published spectrograms are standardised to a deviation of 1, ours to one half."""


def is_scenic(state: State) -> bool:
    """Whether tensors have the names of Scenic's MBT."""
    return any(_BLOCK.match(name) for name in state) and (_OF_VIDEO in state or _OF_AUDIO in state)


def load_scenic(model: MBT, state: State, *, interpolate: bool = False) -> LoadReport:
    """Loads a published checkpoint, of one modality or of both.

    The kernels of a spectrogram's three equal channels are summed, and doubled, as published spectrograms
    have twice the deviation of ours.

    Args:
        model: changed in place.
        state: the parameters by their paths in the checkpoint.
        interpolate: interpolate the position embeddings where the weights were trained on another length or
            side.

    Raises:
        BadInputError: the weights do not fit.
    """
    changes: list[str] = []
    renamed = _renamed(model, state)
    kernel = renamed.get(_TOP[_OF_AUDIO])
    if kernel is not None:
        renamed[_TOP[_OF_AUDIO]] = _DEVIATION_RATIO * kernel.sum(dim=1, keepdim=True)
        changes.append("spectrogram kernels summed over the channels, and doubled for half the deviation")
    _check_tokens(model, renamed)
    for name in model.modalities:
        _fit_positions(model.settings, name, renamed, changes, allowed=interpolate)
    drop_mismatched_head(renamed, model, ("head.weight", "head.bias"), changes)
    return copy_into(model, renamed, changes)


def _renamed(model: MBT, state: State) -> State:
    """Published names and layouts as ours; tensors that the model has no place for keep their names."""
    with_audio, with_video = _OF_AUDIO in state, _OF_VIDEO in state
    owned = any(match and match["of_audio"] for match in map(_BLOCK.match, state))
    shared = ("audio", "video") if with_audio and not owned else ("video",)
    top = {**_TOP, "cls": "stems.video.cls_token" if with_video else "stems.audio.cls_token"}
    renamed: State = {}
    projections: dict[str, State] = {}
    for name, tensor in state.items():
        match = _BLOCK.match(name)
        if match is None:
            renamed[top.get(name, name)] = _as_torch(tensor, name)
            continue
        owners = ("audio",) if match["of_audio"] else shared
        places = list(_places(model, owners, int(match["layer"])))
        for place in places:
            if match["part"] in _PARTS:
                renamed[f"{place}.{_PARTS[match['part']]}"] = _as_torch(tensor, name)
            else:
                projections.setdefault(place, {})[match["part"]] = tensor
        if not places:
            renamed[name] = tensor
    for place, parts in projections.items():
        renamed |= _joined_projections(place, parts)
    return renamed


def _places(model: MBT, owners: Iterable[str], layer: int) -> Iterable[str]:
    """Our blocks that a published block becomes."""
    num_own = model.settings.fusion_layer if len(model.common_blocks) else model.settings.depth
    if layer >= num_own and len(model.common_blocks):
        yield f"common_blocks.{layer - num_own}"
    else:
        yield from (f"blocks.{owner}.{layer}" for owner in owners if owner in model.blocks)


def _as_torch(tensor: Tensor, name: str) -> Tensor:
    """Kernels (in, out) as (out, in); (…, channels in, out) of patches as (out, in, …)."""
    if not name.endswith("/kernel"):
        return tensor
    if f"{_ATTENTION}/out/" in name:
        return tensor.flatten(0, 1).T  # (heads, width of a head, D)
    return tensor.movedim((-1, -2), (0, 1))


def _joined_projections(place: str, parts: State) -> State:
    """Queries, keys and values, kernels (D, heads, width of a head), as one linear layer.

    Raises:
        BadInputError: one of them is absent.
    """
    found = {(match["which"], match["leaf"]): parts[name] for name in parts if (match := _QKV.match(name))}
    joined: State = {}
    for leaf, target in (("kernel", "weight"), ("bias", "bias")):
        three = [found.get((which, leaf)) for which in ("query", "key", "value")]
        if any(one is None for one in three):
            raise BadInputError(f"the weights lack an attention {leaf} of `{place}`", "get the file again")
        flat = [one.flatten(1).T if leaf == "kernel" else one.flatten() for one in three if one is not None]
        joined[f"{place}.attn.qkv.{target}"] = torch.cat(flat)
    others = {name: parts[name] for name in parts if not _QKV.match(name)}
    return {**joined, **{f"{place}/{name}": tensor for name, tensor in others.items()}}


def _check_tokens(model: MBT, renamed: State) -> None:
    """Refuses weights with other special tokens than the model's: the settings have names, not widths."""
    own = dict(model.named_parameters())
    theirs, ours = renamed.get("bottleneck"), own.get("bottleneck")
    if theirs is not None and ours is not None and theirs.shape[1] != ours.shape[1]:
        message = f"the weights have {theirs.shape[1]} bottleneck tokens and the model has {ours.shape[1]}"
        raise BadInputError(message, f"--set model.arguments.num_bottlenecks={theirs.shape[1]}")
    tokens = any(name in renamed for name in ("stems.video.cls_token", "stems.audio.cls_token"))
    if tokens != (model.settings.pooling == "cls"):
        pooling = "cls" if tokens else "gap"
        message = f"the weights have {'a' if tokens else 'no'} class token, and the model pools otherwise"
        raise BadInputError(message, f"--set 'model.arguments.pooling=\"{pooling}\"'")


def _fit_positions(
    settings: MBTSettings, name: str, state: State, changes: list[str], *, allowed: bool
) -> None:
    """Fits the positions of another length or side; mel bins are taken to be the same."""
    key = f"stems.{name}.pos_embed"
    new: tuple[int, ...] = settings.audio_grid if name == "audio" else settings.video_grid
    special = int(settings.pooling == "cls")
    if key not in state or state[key].shape[1] == special + math.prod(new):
        return
    patches = state[key][0, special:]
    old = _grid_of(len(patches), new)
    if old is None:
        message = f"{len(patches)} positions of {name} in the weights fit no grid like {format_grid(new)}"
        raise BadInputError(message, "build the model with the sizes of the weights")
    if not allowed:
        raise BadInputError(
            f"the {name} positions of the weights are {format_grid(old)} and the model's {format_grid(new)}",
            "interpolate the positions (--interpolate-pos), or build the model for the same sizes",
        )
    if len(old) == 2 and len(new) == 2:
        fitted = crop_or_interpolate_position_grid(patches, old, new)
    else:
        volume = patches.T.reshape(1, -1, *old)
        fitted = F.interpolate(volume, new, mode="trilinear", align_corners=True)[0].flatten(1).T
    state[key] = torch.cat([state[key][:, :special], fitted[None]], dim=1)
    changes.append(f"{name} positions: {format_grid(old)} → {format_grid(new)}")


def _grid_of(count: int, new: tuple[int, ...]) -> tuple[int, ...] | None:
    """The grid of so many positions that differs from another in its length, or else in its side."""
    length, rest = divmod(count, math.prod(new[1:]))
    if not rest and length:
        return (length, *new[1:])
    area, rest = divmod(count, new[0])
    side = math.isqrt(area)
    return (new[0], side, side) if len(new) == 3 and not rest and side and side * side == area else None
