"""Reconstructions of a masked autoencoder as images: the input, its visible patches, the reconstruction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from avtool.core.errors import BadInputError
from avtool.data.inputs.spec import InputSpec
from avtool.data.items import Item
from avtool.inference.windows import spaced_windows

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from avtool.models.masked.targets import TargetKind

_NOISE_STREAM = 2
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
            zeros = output[name]._replace(prediction=torch.zeros_like(output[name].prediction))
            trivial = None if kind == "values" else float(score(zeros, grid))
            found.append(Reconstruction(name, rows, loss, trivial, kind != "values"))
    return found


def first_windows(
    items: Sequence[Item], inputs: InputSpec, model: "nn.Module", seed: int, device: "torch.device"
) -> "dict[str, Tensor]":
    """The first window of each file, and the noise of its masks.

    Args:
        items: the files.
        inputs: of the model.
        model: a masked autoencoder.
        seed: of the masks.
        device: of the model.

    Raises:
        BadInputError: a file cannot be read, or lacks an input.
    """
    import torch

    windows = [spaced_windows(item, inputs, 1)[0] for item in items]
    for item, window in zip(items, windows, strict=True):
        if lacking := [one.noun for one in inputs if one.name not in window.values]:
            message = f"`{item.path}` has no {lacking[0]}"
            raise BadInputError(
                message, f"the model reconstructs {' and '.join(inputs.names)}: choose other files"
            )
    batch = inputs.batch(windows, device)
    grids: Any = model.grids
    for name, grid in grids.items():
        for view in ("", "2"):  # the second mask is not decoded, but the joint model wants it
            noise = [
                np.random.default_rng([seed, number, _NOISE_STREAM]).random(grid.num_tokens, np.float32)
                for number in range(len(items))
            ]
            batch[f"{name}_noise{view}"] = torch.from_numpy(np.stack(noise)).to(device)
    return batch


def set_mask_ratio(model: "nn.Module", ratio: float) -> None:
    """Masks another ratio of the patches than in training."""
    masked: Any = model
    if hasattr(masked, "maskings"):
        masked.maskings = {name: replace(mask, ratio=ratio) for name, mask in masked.maskings.items()}
    else:
        masked.masking = replace(masked.masking, ratio=ratio)


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
