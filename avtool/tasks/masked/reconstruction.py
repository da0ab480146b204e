"""Reconstructions of a masked autoencoder as images: the input, its visible patches, the reconstruction."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from avtool.core.report.page import data_uri
from avtool.training.report import Section

if TYPE_CHECKING:
    from markupsafe import Markup
    from torch import Tensor, nn

    from avtool.models.masked.targets import TargetKind

VIEWS = ("original", "visible patches", "reconstruction")
_GAP = 2

Pixels = NDArray[np.uint8]
"""(H, W, 3) RGB."""


@dataclass(frozen=True)
class Reconstruction:
    """One modality of some clips.

    Attributes:
        modality: `audio`, `image` or `video`.
        rows: for each clip its `VIEWS`.
        loss: of the masked patches, as training computes it.
        trivial: the loss of always predicting 0, an upper bound for a useful model; None where targets are
            not normalised.
        normalised: whether targets are normalised patches: for the image, the true mean and contrast of each
            patch were put back, as the model predicts neither.
    """

    modality: str
    rows: list[tuple[Pixels, Pixels, Pixels]]
    loss: float
    trivial: float | None
    normalised: bool


def reconstruct_batch(
    model: "nn.Module", batch: "Mapping[str, Tensor]", kind: "TargetKind"
) -> list[Reconstruction]:
    """Reconstructs the masked patches of a batch, by modality.

    Args:
        model: a masked autoencoder, on the batch's device.
        batch: clips, and the noise of their masks.
        kind: the targets that the model was trained for.
    """
    import torch

    from avtool.models.masked.audio_video import MaskedPair
    from avtool.models.masked.reconstruct import reconstruct
    from avtool.models.masked.targets import trivial_loss
    from avtool.objectives.masked.reconstruction import MaskedReconstruction, masked_inputs

    autoencoder: Any = model.eval()
    score = MaskedReconstruction(kind).score
    found = []
    with torch.no_grad():
        inputs = masked_inputs(model, batch)
        output = autoencoder(**inputs)
        if isinstance(output, MaskedPair):
            output = output.predictions
        for name, grid in autoencoder.grids.items():
            views = reconstruct(grid, inputs[name], output[name], kind)
            originals, masked, filled = (view.float().cpu().numpy() for view in views)
            rows = [_panels(name, *clip) for clip in zip(originals, masked, filled, strict=True)]
            loss = float(score(output[name], grid))
            trivial = trivial_loss(kind, grid.num_values, grid.channels)
            found.append(Reconstruction(name, rows, loss, trivial, kind != "values"))
    return found


def reconstruction_sections(found: Sequence[Reconstruction], *, held_out: bool) -> list[Section]:
    """Reconstructions as sections of a run's page, a row a clip; the frames of a video lie side by side.

    Args:
        found: by modality.
        held_out: whether the clips are validation clips.
    """
    clips = "Validation clips" if held_out else "Training clips"
    sections = []
    for item in found:
        note = f"{clips}; loss of these clips {item.loss:.4g}"
        if item.trivial is not None:
            note += f", of predicting nothing {item.trivial:.4g}"
        if item.normalised:
            note += (
                ". Targets are normalised patches: for this image each masked patch was given the true mean "
                "and contrast, so only the detail inside it is predicted"
            )
        figures = [
            (view, _image(pixels, view)) for row in item.rows for view, pixels in zip(VIEWS, row, strict=True)
        ]
        columns = 1 if item.modality == "video" else len(VIEWS)
        sections.append(Section(f"Reconstruction: {item.modality}", f"{note}.", figures, columns))
    return sections


def _image(pixels: Pixels, title: str) -> "Markup":
    from markupsafe import Markup
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", optimize=True)
    return Markup('<img src="{}" alt="{}">').format(data_uri(buffer.getvalue(), "image/png"), title)


def _panels(modality: str, *views: NDArray[np.float32]) -> tuple[Pixels, Pixels, Pixels]:
    """The three views of one clip on one scale."""
    if modality == "audio":
        low, high = np.percentile(views[0], (1, 99))
        original, masked, filled = (_spectrogram(view, float(low), float(high)) for view in views)
    else:
        original, masked, filled = (_frames(view) for view in views)
    return original, masked, filled


def _spectrogram(values: NDArray[np.float32], low: float, high: float) -> Pixels:
    """(T, F) as an image, time to the right and low frequencies below."""
    from matplotlib import colormaps

    scaled = np.clip((values.T[::-1] - low) / max(high - low, 1e-6), 0, 1)
    pixels: Pixels = (colormaps["magma"](scaled)[..., :3] * 255).astype(np.uint8)
    return pixels


def _frames(values: NDArray[np.float32]) -> Pixels:
    """(3, H, W), or (3, T, H, W) side by side, of values in [-1, 1]."""
    frames = values[:, None] if values.ndim == 3 else values
    pixels = ((np.clip(frames, -1, 1) + 1) * 127.5).round().astype(np.uint8).transpose(1, 2, 3, 0)
    gap = np.full((pixels.shape[1], _GAP, 3), 255, np.uint8)
    parts = [part for frame in pixels for part in (frame, gap)][:-1]
    return np.concatenate(parts, axis=1)
