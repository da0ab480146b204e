"""Weights for Audio-MAE: the original project's, ours, and those of an image MAE."""

from collections.abc import Mapping

from avtool.models.masked.autoencoder import MaskedAutoencoder, MaskedClassifier
from avtool.models.masked.mae_weights import rename_mae
from avtool.models.masked.masked_state import load_renamed
from avtool.models.published.report import LoadReport, State, unwrap

_SMALLEST_TAU = 0.01


def load_audio_mae(
    model: MaskedAutoencoder | MaskedClassifier,
    checkpoint: Mapping[str, object],
    *,
    interpolate: bool = False,
) -> LoadReport:
    """Loads weights of Audio-MAE, in pretraining or fine-tuned, or the encoder of an image MAE.

    The position tables come with the weights: the published ones lie over (frequency, time), see
    `transposed_positions`. An image's kernels are summed over the colours, and its tables are skipped.

    Args:
        model: changed in place.
        checkpoint: of the original project, of avtool, or of an MAE in any layout of `load_mae`.
        interpolate: interpolate the position embeddings where the weights have another number of frames.

    Raises:
        BadInputError: the grids differ and `interpolate` is off, or another size differs.
    """
    changes: list[str] = []
    state = rename_temperature(rename_mae(unwrap(checkpoint)))
    kernel = state.get("encoder.patch_embed.proj.weight")
    if kernel is not None and kernel.shape[1] == 3:
        state = {name: tensor for name, tensor in state.items() if name.startswith("encoder.")}
        state["encoder.patch_embed.proj.weight"] = kernel.sum(dim=1, keepdim=True)
        state.pop("encoder.pos_embed", None)
        changes.append("weights of images: colours summed; positions and decoder keep their initial values")
    return load_renamed(model, state, changes, interpolate=interpolate)


def rename_temperature(state: State) -> State:
    """The temperature τ of the original windows as the logarithm of a scale, ln(1 / τ)."""
    return {
        name.replace(".attn.tau", ".attn.logit_scale"): (
            -tensor.clamp(min=_SMALLEST_TAU).log() if name.endswith(".attn.tau") else tensor
        )
        for name, tensor in state.items()
    }
