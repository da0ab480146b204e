"""The logits of a batch, with test-time augmentation by rotations in time."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn


def logits_of(model: nn.Module, batch: Mapping[str, Tensor], rolls: int = 1) -> Tensor:
    """The model's answer (B, classes) to a batch: it gets the entries that it takes.

    Args:
        model: its `inputs` name them.
        batch: what there is.
        rolls: evenly spaced rotations of the sound in time, whose logits are averaged; what was trained with
            rotations takes a whole window for a circle, and each beginning shows it from another side.
    """
    inputs: tuple[str, ...] = model.inputs  # type: ignore[assignment]
    taken = {name: batch[name] for name in inputs if name in batch}
    if rolls == 1 or "audio" not in taken:
        return _logits(model, taken)
    audio = taken["audio"]
    shifts = [turn * audio.shape[1] // rolls for turn in range(rolls)]
    answers = [_logits(model, {**taken, "audio": audio.roll(-shift, dims=1)}).float() for shift in shifts]
    return torch.stack(answers).mean(dim=0)


def _logits(model: nn.Module, taken: Mapping[str, Tensor]) -> Tensor:
    logits: Tensor = model(**taken).logits
    return logits
