"""Weights for AST: AST's own (the original project's, transformers', ours), and image ViTs."""

import math
from collections.abc import Mapping

import torch

from avtool.core.errors import BadInputError
from avtool.models.ast.ast import AST, NUM_SPECIAL
from avtool.models.ast.ast_mm import ASTMM
from avtool.models.layers.position import Grid, crop_or_interpolate_position_grid
from avtool.models.published.image_vit import format_grid, is_of_images, read_image_vit, square_grid
from avtool.models.published.report import LoadReport, State, copy_into, drop_mismatched_head, unwrap
from avtool.models.published.transformers_names import from_transformers, is_transformers

_AST, _OF_FRAMES = "ast.", ("clip_embed.", "type_embed")
HEAD = ("head.1.weight", "head.1.bias")


def load_any(model: AST, checkpoint: Mapping[str, object], *, interpolate: bool = False) -> LoadReport:
    """Loads AST weights as `load_ast`, or those of an image ViT as `load_image_vit`.

    Raises:
        BadInputError: the weights do not fit.
    """
    if is_of_images(unwrap(checkpoint)):
        return load_image_vit(model, checkpoint)
    return load_ast(model, checkpoint, interpolate=interpolate)


def load_ast_mm(model: ASTMM, checkpoint: Mapping[str, object], *, interpolate: bool = False) -> LoadReport:
    """Loads weights of an AST-MM, or starts its AST; the embedding of frames then keeps its initial values.

    Args:
        model: changed in place.
        checkpoint: of an AST-MM of avtool, or any that an AST starts from.
        interpolate: interpolate the position embeddings where the weights were trained on another length.

    Raises:
        BadInputError: the weights do not fit.
    """
    state = unwrap(checkpoint)
    own = {name.removeprefix(_AST): tensor for name, tensor in state.items() if name.startswith(_AST)}
    report = load_any(model.ast, own or state, interpolate=interpolate)
    missing = tuple(_AST + name for name in report.missing)
    frames = {name: tensor for name, tensor in state.items() if name.startswith(_OF_FRAMES)}
    rest = tuple(name for name in model.state_dict() if name.startswith(_OF_FRAMES) and name not in frames)
    changes = list(report.changes)
    if not frames:
        return LoadReport((*missing, *rest), report.unexpected, report.changes)
    whole = {**{_AST + name: value for name, value in model.ast.state_dict().items()}, **frames}
    found = copy_into(model, whole, changes)
    return LoadReport((*missing, *found.missing), report.unexpected, tuple(changes))


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
