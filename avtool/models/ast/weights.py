"""Weights for AST: AST's own (the original project's, transformers', ours), and image ViTs."""

import math
from collections.abc import Mapping

import torch

from avtool.core.errors import BadInputError
from avtool.models.ast.ast import AST, NUM_SPECIAL
from avtool.models.layers.position import Grid, crop_or_interpolate_position_grid
from avtool.models.published.image_vit import format_grid, read_image_vit, square_grid
from avtool.models.published.report import LoadReport, State, copy_into, drop_mismatched_head, unwrap
from avtool.models.published.transformers_names import from_transformers, is_transformers

HEAD = ("head.1.weight", "head.1.bias")


def load_ast(model: AST, checkpoint: Mapping[str, object], *, interpolate: bool = False) -> LoadReport:
    """Loads AST weights in any of the three layouts.

    Args:
        model: changed in place.
        checkpoint: of the original project, of transformers, or of avtool.
        interpolate: interpolate the position embeddings where the weights were trained on another length.

    Raises:
        BadInputError: the grids differ and `interpolate` is off, or another size differs.
    """
    state, changes = rename_ast(unwrap(checkpoint)), list[str]()
    _fit_grid(model, state, changes, allowed=interpolate)
    drop_mismatched_head(state, model, HEAD, changes)
    return copy_into(model, state, changes)


def rename_ast(state: State) -> State:
    """Parameter names of the original project (`v.`, `mlp_head.`) or of transformers to ours."""
    if is_transformers(state):
        return from_transformers(state)
    renamed = {}
    for name, tensor in state.items():
        if name.startswith("v.head"):
            renamed[name] = tensor  # the image classifiers, which the project keeps and never uses
        else:
            renamed[name.removeprefix("v.").replace("mlp_head.", "head.", 1)] = tensor
    return renamed


def load_image_vit(model: AST, checkpoint: Mapping[str, object]) -> LoadReport:
    """Starts an AST from an image ViT or DeiT (names of timm or transformers).

    Kernels are summed over the colours, as one channel stands for three equal ones. The position grid keeps
    its middle where it shrinks and is interpolated where it grows. A ViT without distillation token lends its
    class token twice.
    """
    changes: list[str] = []
    state = read_image_vit(checkpoint, changes)
    state["patch_embed.proj.weight"] = state["patch_embed.proj.weight"].sum(dim=1, keepdim=True)
    positions = state["pos_embed"]
    if "dist_token" not in state:
        state["dist_token"] = state["cls_token"]
        positions = torch.cat([positions[:, :1], positions], dim=1)
        changes.append("no distillation token in the weights: the class token serves twice")
    old, new = square_grid(positions.shape[1] - NUM_SPECIAL), model.settings.grid
    state["pos_embed"] = _resized(positions, old, new)
    changes.append(f"positions: {format_grid(old)} → {format_grid(new)}; colours summed")
    return copy_into(model, state, changes)


def _fit_grid(model: AST, state: State, changes: list[str], allowed: bool) -> None:
    """Fits the positions of another length: the mel bins, and so the rows, are taken to be the same."""
    positions, new = state.get("pos_embed"), model.settings.grid
    if positions is None or positions.shape[1] == NUM_SPECIAL + math.prod(new):
        return
    columns, rest = divmod(positions.shape[1] - NUM_SPECIAL, new[0])
    if rest:
        raise BadInputError(
            f"the weights have {positions.shape[1] - NUM_SPECIAL} patch positions, which do not fill "
            f"the model's {new[0]} rows of mel bins",
            "build the model with the mel bins and frequency stride of the weights",
        )
    old = (new[0], columns)
    if not allowed:
        raise BadInputError(
            f"the position grid of the weights is {format_grid(old)} and the model's is {format_grid(new)}",
            "interpolate the positions (--interpolate-pos), or build the model for the same number of frames",
        )
    state["pos_embed"] = _resized(positions, old, new)
    changes.append(f"positions: {format_grid(old)} → {format_grid(new)}")


def _resized(positions: torch.Tensor, old: Grid, new: Grid) -> torch.Tensor:
    special, patches = positions[:, :NUM_SPECIAL], positions[0, NUM_SPECIAL:]
    return torch.cat([special, crop_or_interpolate_position_grid(patches, old, new)[None]], dim=1)
