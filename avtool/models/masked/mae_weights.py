"""Weights for MAE: the original project's, transformers', ours; in pretraining or fine-tuned."""

from collections.abc import Mapping

from avtool.models.masked.autoencoder import MaskedAutoencoder, MaskedClassifier
from avtool.models.masked.masked_state import from_hub, load_renamed, move
from avtool.models.published.report import LoadReport, State, unwrap

_ORIGINAL = [
    ("decoder_", "decoder."),
    ("mask_token", "decoder.mask_token"),
    ("cls_token", "encoder.cls_token"),
    ("pos_embed", "encoder.pos_embed"),
    ("patch_embed.", "encoder.patch_embed."),
    ("blocks.", "encoder.blocks."),
    ("norm.", "encoder.norm."),
]
_HUB = [("classifier.", "head."), ("decoder.decoder_", "decoder.")]


def load_mae(
    model: MaskedAutoencoder | MaskedClassifier,
    checkpoint: Mapping[str, object],
    *,
    interpolate: bool = False,
) -> LoadReport:
    """Loads MAE weights in any of the layouts; tensors of the other kind of model are skipped and reported.

    Args:
        model: changed in place.
        checkpoint: of the original project, of transformers, or of avtool.
        interpolate: interpolate the position embeddings where the weights have another number of rows.

    Raises:
        BadInputError: the grids differ and `interpolate` is off, or another size differs.
    """
    return load_renamed(model, rename_mae(unwrap(checkpoint)), [], interpolate=interpolate)


def is_ours(state: State) -> bool:
    """Whether weights have avtool's names, and so take pixels in [-1, 1]."""
    return any(name.startswith("encoder.") for name in state)


def rename_mae(state: State) -> State:
    """Parameter names of the original project or of transformers to ours."""
    if any(name.startswith("vit.") for name in state):
        return move(from_hub(state, "vit."), _HUB)
    if is_ours(state):
        return dict(state)
    return move(state, _ORIGINAL)
