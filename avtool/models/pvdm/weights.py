"""PVDM's published weights: names of the original project, and its order of queries, keys and values."""

import re
from collections.abc import Sequence

import torch
from torch import Tensor

from avtool.models.published.report import LoadReport, State, copy_into
from avtool.models.pvdm.autoencoder import VideoAutoencoder
from avtool.models.pvdm.planes import PLANES
from avtool.models.pvdm.unet import PlaneUNet

_PARALLEL = re.compile(r"^(?:module\.)?(?:diffusion_model\.)?")
_BLOCK_PARTS = ("time", "space", "mlp")
_IN_BLOCK = {
    "fn.to_qkv.weight": "attn.qkv.weight",
    "fn.to_out.0.weight": "attn.proj.weight",
    "fn.to_out.0.bias": "attn.proj.bias",
}
_TABLES = re.compile(r"(?:^coords$|rot_emb\.(?:inv_freqs|scales)$|^zeros$)")
_AUTOENCODER = {
    "encoder.to_patch_embedding": "embed_patches",
    "to_pixel.1": "to_pixels",
    **{f"pre_{plane}": f"projectors.{plane}.to_latent" for plane in PLANES},
    **{f"post_{plane}": f"from_latent.{plane}" for plane in PLANES},
}
_RESIDUAL = {
    "in_layers.0": "norm1", "in_layers.2": "conv1", "emb_layers.1": "time", "out_layers.0": "norm2",
    "out_layers.3": "conv2", "skip_connection": "skip",
}  # fmt: skip
_ATTENTION = {"norm": "norm", "qkv": "qkv", "proj_out": "proj"}
_UNET = {
    "time_embed.0": "time_embed.0", "time_embed.2": "time_embed.2", "input_blocks.0.0": "conv_in",
    "out.0": "norm_out", "out.2": "conv_out",
}  # fmt: skip
_STEP = re.compile(r"^(?P<side>input|output)_blocks\.(?P<step>\d+)\.(?P<place>\d+)\.(?P<rest>.+)$")
_CROSS = re.compile(r"^(?P<side>input|output)_attns\.(?P<step>\d+)\.(?P<rest>.+)$")
_MIDDLE = re.compile(r"^middle_block\.(?P<place>\d+)\.(?P<rest>.+)$")


def load_autoencoder(model: VideoAutoencoder, state: State) -> LoadReport:
    """Loads the autoencoder's published weights, or avtool's own.

    Raises:
        BadInputError: the weights do not fit.
    """
    changes: list[str] = []
    plain = {_PARALLEL.sub("", name): value for name, value in state.items()}
    if "encoder.to_patch_embedding.weight" in plain:
        wanted = model.state_dict()
        plain = {
            name: _reshape(value, wanted.get(name))
            for name, value in ((_autoencoder_name(key), value) for key, value in plain.items())
            if name is not None
        }
        changes.append("names of the original project")
    return copy_into(model, plain, changes)


def load_unet(model: PlaneUNet, state: State) -> LoadReport:
    """Loads the U-Net's published weights, small or large, or avtool's own.

    Raises:
        BadInputError: the weights do not fit.
    """
    changes: list[str] = []
    plain = {_PARALLEL.sub("", name): value for name, value in state.items()}
    if "input_blocks.0.0.weight" in plain:
        wanted, renamed = model.state_dict(), {}
        for key, value in plain.items():
            name = _unet_name(key)
            if name is None:
                continue
            heads_first = name.endswith((".qkv.weight", ".qkv.bias"))
            ordered = _by_kind(value, model.settings.heads) if heads_first else value
            renamed[name] = _reshape(ordered, wanted.get(name))
        plain = renamed
        changes.append("names of the original project; queries, keys and values gathered from their heads")
    return copy_into(model, plain, changes)


def _autoencoder_name(name: str) -> str | None:
    """Our name of a published tensor; None for tables that are computed."""
    if _TABLES.search(name):
        return None
    stem, _, leaf = name.rpartition(".")
    if stem in _AUTOENCODER:
        return f"{_AUTOENCODER[stem]}.{leaf}"
    if found := re.match(r"^(xy|yt|xt)_(token|pos_embedding)$", name):
        return f"projectors.{found[1]}.{'token' if found[2] == 'token' else 'pos_embed'}"
    if found := re.match(r"^(xy|yt|xt)_quant_attn\.layers\.(\d+)\.([01])\.(.+)$", name):
        plane, block, place, rest = found.groups()
        names = {"norm": f"norm{int(place) + 1}", "fn.net.0": "mlp.fc1", "fn.net.3": "mlp.fc2"}
        return _within(f"projectors.{plane}.blocks.{block}", rest, names, _IN_BLOCK)
    if found := re.match(r"^(encoder|decoder)\.layers\.(\d+)\.([012])\.(.+)$", name):
        side, block, place, rest = found.groups()
        part = _BLOCK_PARTS[int(place)]
        names = {"norm": f"{part}_norm", "fn.net.0": "mlp.fc1", "fn.net.3": "mlp.fc2"}
        whole = {key: f"{part}_{value}" for key, value in _IN_BLOCK.items()}
        return _within(f"{side}.blocks.{block}", rest, names, whole)
    return name


def _unet_name(name: str) -> str | None:
    """Our name of a published tensor; None for the zeros of an absent condition."""
    if _TABLES.search(name):
        return None
    stem, _, leaf = name.rpartition(".")
    if stem in _UNET:
        return f"{_UNET[stem]}.{leaf}"
    if found := _CROSS.match(name):
        return _within(_step(found["side"], found["step"]) + ".cross", found["rest"], _ATTENTION)
    if name.startswith("mid_attn."):
        return _within("middle.cross", name.removeprefix("mid_attn."), _ATTENTION)
    if found := _MIDDLE.match(name):
        part = ("res1", "attn", "res2")[min(int(found["place"]), 2)]
        names = _ATTENTION if part == "attn" else _RESIDUAL
        return _within(f"middle.{part}", found["rest"], names)
    if found := _STEP.match(name):
        prefix, rest = _step(found["side"], found["step"]), found["rest"]
        if found["place"] == "0":
            return _within(f"{prefix}.res", rest, _RESIDUAL)
        attention = rest.split(".")[0] in _ATTENTION
        return _within(
            f"{prefix}.{'attn' if attention else 'up'}", rest, _ATTENTION if attention else _RESIDUAL
        )
    return name


def _step(side: str, step: str) -> str:
    """The step's place; the first step of the published input blocks is the first convolution."""
    return f"down.{int(step) - 1}" if side == "input" else f"up.{step}"


def _within(prefix: str, rest: str, *names: dict[str, str]) -> str:
    """`rest` under the names of a table, of tensors or of their layers."""
    for table in names:
        if rest in table:
            return f"{prefix}.{table[rest]}"
        stem, _, leaf = rest.rpartition(".")
        if stem in table:
            return f"{prefix}.{table[stem]}.{leaf}"
    return f"{prefix}.{rest}"


def _by_kind(rows: Tensor, heads: int) -> Tensor:
    """Rows that lie head by head, each with its queries, keys and values, as all queries, keys and values."""
    if len(rows) % (3 * heads):
        return rows  # of another number of heads: the shape is refused where it is copied
    return torch.unflatten(rows, 0, (heads, 3, -1)).transpose(0, 1).flatten(0, 2)


def _reshape(value: Tensor, wanted: Tensor | None) -> Tensor:
    """1x1 convolutions as linear layers."""
    if (
        wanted is None
        or value.dim() <= wanted.dim()
        or _without_ones(value.shape) != _without_ones(wanted.shape)
    ):
        return value
    return value.reshape(wanted.shape)


def _without_ones(shape: Sequence[int]) -> list[int]:
    return [size for size in shape if size != 1]
