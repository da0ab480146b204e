"""Weights for any masked model, whoever wrote them."""

from collections.abc import Mapping

from torch import nn

from avtool.models.masked.audio_mae import AudioMAESettings
from avtool.models.masked.audio_mae_weights import load_audio_mae
from avtool.models.masked.autoencoder import MaskedAutoencoder, MaskedClassifier
from avtool.models.masked.mae_weights import load_mae
from avtool.models.masked.mavil import MAViL, MAViLClassifier
from avtool.models.masked.mavil_weights import load_mavil
from avtool.models.masked.video_mae import VideoMAESettings
from avtool.models.masked.video_mae_weights import load_video_mae
from avtool.models.published.report import LoadReport


def load_masked(
    model: nn.Module, checkpoint: Mapping[str, object], *, fit_positions: bool = False
) -> LoadReport | None:
    """Loads weights into a masked autoencoder or a classifier over its encoder, by the model's family.

    Returns:
        What came of it, or None where the model is of no masked family.

    Raises:
        BadInputError: the grids differ and `fit_positions` is off, or another size differs.
    """
    if isinstance(model, MAViL | MAViLClassifier):
        return load_mavil(model, checkpoint, fit_positions=fit_positions)
    if not isinstance(model, MaskedAutoencoder | MaskedClassifier):
        return None
    if isinstance(model.settings, AudioMAESettings):
        return load_audio_mae(model, checkpoint, fit_positions=fit_positions)
    if isinstance(model.settings, VideoMAESettings):
        return load_video_mae(model, checkpoint, fit_positions=fit_positions)
    return load_mae(model, checkpoint, fit_positions=fit_positions)
