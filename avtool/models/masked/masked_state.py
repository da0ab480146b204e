"""Loading of renamed tensors into masked autoencoders and their classifiers."""

import math
from collections.abc import Iterable

import torch
from torch import Tensor

from avtool.core.errors import BadInputError
from avtool.models.layers.position import Grid, interpolate_position_grid
from avtool.models.masked.autoencoder import MaskedAutoencoder, MaskedClassifier
from avtool.models.masked.patch_encoder import PatchEncoder
from avtool.models.masked.patch_grid import PatchGrid
from avtool.models.published.image_vit import format_grid
from avtool.models.published.report import LoadReport, State, copy_into, drop_mismatched_head
from avtool.models.published.transformers_names import from_transformers

HEAD = ("head.weight", "head.bias")


def load_renamed(
    model: MaskedAutoencoder | MaskedClassifier,
    state: State,
    changes: list[str],
    *,
    interpolate: bool,
) -> LoadReport:
    """Copies tensors under our names into a model, without what only the other kind of model has.

    Raises:
        BadInputError: the grids differ and `interpolate` is off, another size differs, or the weights are
            of something else.
    """
    if "encoder.patch_embed.proj.weight" not in state:
        raise BadInputError(
            "the weights hold no encoder of patches", "take those of an MAE, an Audio-MAE or a VideoMAE"
        )
    if isinstance(model, MaskedClassifier):
        drop_prefixes(state, ("decoder.", "encoder.norm."), "which only pretraining has", changes)
        drop_mismatched_head(state, model, HEAD, changes)
    else:
        drop_prefixes(state, ("fc_norm.", "head."), "which only a classifier has", changes)
    fit_encoder_positions(state, "encoder.", model.encoder, changes, allowed=interpolate)
    if "decoder.pos_embed" in state and isinstance(model, MaskedAutoencoder):
        grid, special = model.encoder.grid, model.decoder.num_special
        fit_table(state, "decoder.pos_embed", grid, model.decoder.pos_embed, special, changes, interpolate)
    return copy_into(model, state, changes)


def drop_prefixes(state: State, prefixes: tuple[str, ...], why: str, changes: list[str]) -> None:
    """Takes tensors out of the state, with a line for each prefix."""
    for prefix in prefixes:
        names = [name for name in state if name.startswith(prefix)]
        for name in names:
            del state[name]
        if names:
            changes.append(f"`{prefix.rstrip('.')}` skipped ({len(names)} tensors), {why}")


def fit_encoder_positions(
    state: State, prefix: str, encoder: PatchEncoder, changes: list[str], *, allowed: bool
) -> None:
    """See `fit_table`, for the table of an encoder, where the state has one."""
    name = f"{prefix}pos_embed"
    if name in state:
        fit_table(state, name, encoder.grid, encoder.pos_embed, encoder.num_special, changes, allowed)


def fit_table(
    state: State, name: str, grid: PatchGrid, own: Tensor, special: int, changes: list[str], allowed: bool
) -> None:
    """Makes a position table of another grid one of the model's, in the state.

    Of spectrograms and videos the last sides (frequencies, or rows and columns) are taken to be as many. A
    first side (times) that shrinks keeps its beginning, so that a shorter clip is the beginning of a long
    one; one that grows is interpolated. Images are taken to be squares.

    Args:
        state: changed in place.
        name: of the table, (1, special + L, D).
        grid: of the model.
        own: the model's table.
        special: tokens before the patches.
        changes: gets a line.
        allowed: whether tables may be changed at all.

    Raises:
        BadInputError: the tables differ in length and may not be changed, or cannot be.
    """
    table = state[name]
    if table.shape == own.shape or table.shape[-1] != own.shape[-1]:
        return  # another width is refused with the other shapes
    new = (grid.shape[0], grid.num_tokens // grid.shape[0])
    count = table.shape[1] - special
    rows, rest = divmod(count, new[1])
    old = (rows, new[1])
    if grid.modality == "image":  # both sides of an image follow its size
        side = math.isqrt(count)
        old, rest = (side, side), count - side * side
    if rest:
        raise BadInputError(
            f"the weights have {table.shape[1] - special} positions, which do not fill the model's rows of "
            f"{new[1]} patches",
            "build the model with the mel bins, or the image size, of the weights",
        )
    if not allowed:
        raise BadInputError(
            f"the position grid of the weights is {format_grid(old)} and the model's is {format_grid(new)}",
            "interpolate the positions (--interpolate-pos), or build the model for the same size",
        )
    changes.append(f"positions: {format_grid(old)} → {format_grid(new)}")
    state[name] = torch.cat([table[:, :special], _resized(table[0, special:], old, new)[None]], dim=1)


def _resized(patches: Tensor, old: Grid, new: Grid) -> Tensor:
    if new[0] <= old[0] and new[1] == old[1]:
        return patches[: new[0] * new[1]]
    return interpolate_position_grid(patches, old, new)


def move(state: State, renames: Iterable[tuple[str, str]]) -> State:
    """Renames prefixes, old to new; the first pair that matches wins."""
    pairs = list(renames)
    moved = {}
    for name, tensor in state.items():
        old, new = next(((old, new) for old, new in pairs if name.startswith(old)), ("", ""))
        moved[new + name.removeprefix(old)] = tensor
    return moved


def from_hub(state: State, encoder: str) -> State:
    """The blocks and embeddings of transformers' masked autoencoders under our names; the rest as it is.

    Args:
        state: names of transformers, before or since version 5.
        encoder: their prefix of the encoder, such as "vit.".
    """
    renamed: State = {}
    parts = ((encoder, "", "encoder."), ("decoder.decoder_layers.", "layers.", "decoder."))
    for prefix, inner, target in parts:
        found = {inner + name.removeprefix(prefix): state[name] for name in state if name.startswith(prefix)}
        renamed |= {target + name: tensor for name, tensor in from_transformers(found).items()}
    rest = {name: state[name] for name in state if not name.startswith(tuple(part[0] for part in parts))}
    return {**rest, **renamed}


def join_bias(state: State, query: str, value: str, key: str) -> State:
    """Adds the zero bias that the keys of a model without one have, which changes no output.

    Args:
        state: tensors by name.
        query: the end of the name of a query bias.
        value: likewise.
        key: how the key bias shall end.
    """
    added = dict(state)
    for name, tensor in state.items():
        other = name.removesuffix(query) + key
        if name.endswith(query) and name.removesuffix(query) + value in state and other not in state:
            added[other] = torch.zeros_like(tensor)
    return added
