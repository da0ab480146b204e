"""Weights for VideoMAE: the original project's, transformers', ours; in pretraining or fine-tuned."""

from collections.abc import Mapping

import torch

from avtool.models.masked.autoencoder import MaskedAutoencoder, MaskedClassifier
from avtool.models.masked.masked_state import from_hub, join_bias, load_renamed, move
from avtool.models.published.report import LoadReport, State, unwrap

_PRETRAINING = [
    ("encoder_to_decoder.", "decoder.embed."),
    ("mask_token", "decoder.mask_token"),
    ("decoder.head.", "decoder.pred."),
]
_FINE_TUNED = [
    ("patch_embed.", "encoder.patch_embed."),
    ("blocks.", "encoder.blocks."),
    ("norm.", "encoder.norm."),
]


def load_video_mae(
    model: MaskedAutoencoder | MaskedClassifier,
    checkpoint: Mapping[str, object],
    *,
    interpolate: bool = False,
) -> LoadReport:
    """Loads VideoMAE weights in any of the layouts.

    The published model has no bias on its keys: ours gets zeros there, which is equivalent. Its position
    tables are no part of its files, and stay as built.

    Args:
        model: changed in place.
        checkpoint: of the original project, of transformers (before or since version 5), or of avtool.
        interpolate: interpolate the position embeddings where our weights have another number of frames.

    Raises:
        BadInputError: the grids differ and `interpolate` is off, or another size differs.
    """
    state = rename_video_mae(unwrap(checkpoint))
    for part in ("encoder", "decoder"):
        name = f"{part}.pos_embed"
        owner = getattr(model, part, None)
        if name not in state and owner is not None:
            state[name] = owner.pos_embed
    return load_renamed(model, state, [], interpolate=interpolate)


def is_ours(state: State) -> bool:
    """Whether weights are avtool's, and so take pixels in [-1, 1]; the original project shares some names."""
    theirs = any(name.endswith(".q_bias") or name.startswith("encoder_to_decoder.") for name in state)
    return not theirs and any(name.startswith("encoder.") for name in state)


def rename_video_mae(state: State) -> State:
    """Parameter names of the original project or of transformers to ours."""
    if any(name.startswith("videomae.") for name in state):
        attention = "attention.attention."
        for kind in ("query", "value"):
            state = {
                name.replace(f"{attention}{kind[0]}_bias", f"{attention}{kind}.bias"): t
                for name, t in state.items()
            }
        state = join_bias(state, "query.bias", "value.bias", "key.bias")
        return move(from_hub(state, "videomae."), [("classifier.", "head."), *_PRETRAINING])
    state = _join_original_bias(state)
    if any(name.startswith("encoder.") for name in state):
        return move(state, _PRETRAINING)
    return move(state, _FINE_TUNED)


def _join_original_bias(state: State) -> State:
    """`q_bias` and `v_bias` of the original project as one bias with zeros for the keys."""
    joined = {}
    for name, tensor in state.items():
        if name.endswith(".q_bias"):
            value = state[name.removesuffix("q_bias") + "v_bias"]
            joined[name.removesuffix("q_bias") + "qkv.bias"] = torch.cat(
                [tensor, torch.zeros_like(value), value]
            )
        elif not name.endswith(".v_bias"):
            joined[name] = tensor
    return joined
