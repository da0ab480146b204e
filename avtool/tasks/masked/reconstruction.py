"""What a masked autoencoder rebuilds, as pictures: the clip, what was seen of it, what became of the rest."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from avtool.tasks.pretraining_report import Pixels, Rebuilding

if TYPE_CHECKING:
    from torch import Tensor, nn

    from avtool.models.masked.targets import TargetKind


_GAP = 2


def rebuild(model: "nn.Module", batch: "Mapping[str, Tensor]", kind: "TargetKind") -> list[Rebuilding]:
    """Lets a model rebuild the hidden patches of a batch.

    Args:
        model: a masked autoencoder, on the batch's device.
        batch: clips, and the noise of their masks.
        kind: what the model was trained for.
    """
    import torch

    from avtool.models.masked.audio_video import MaskedPair
    from avtool.models.masked.paint import paint
    from avtool.models.masked.targets import trivial_loss
    from avtool.objectives.masked.reconstruction import MaskedReconstruction, masked_inputs

    autoencoder: Any = model.eval()
    score = MaskedReconstruction(kind).score
    found = []
    with torch.no_grad():
        inputs = masked_inputs(model, batch)
        output = autoencoder(**inputs)
        if isinstance(output, MaskedPair):
            output = output.rebuilt
        for name, grid in autoencoder.grids.items():
            views = paint(grid, inputs[name], output[name], kind)
            originals, masked, filled = (view.float().cpu().numpy() for view in views)
            rows = [_panels(name, *clip) for clip in zip(originals, masked, filled, strict=True)]
            loss = float(score(output[name], grid))
            trivial = trivial_loss(kind, grid.num_values, grid.channels)
            found.append(Rebuilding(name, rows, loss, trivial, kind != "values"))
    return found


def _panels(modality: str, *views: NDArray[np.float32]) -> tuple[Pixels, Pixels, Pixels]:
    """The three views of one clip on one scale."""
    if modality == "audio":
        low, high = np.percentile(views[0], (1, 99))
        original, masked, filled = (_spectrogram(view, float(low), float(high)) for view in views)
    else:
        original, masked, filled = (_frames(view) for view in views)
    return original, masked, filled


def _spectrogram(values: NDArray[np.float32], low: float, high: float) -> Pixels:
    """(T, F) as a picture, time to the right and low frequencies below."""
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
