"""The logits of clips: every window of a clip is scored, and its windows are averaged."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader

from avtool.data.tensors.clip_dataset import ClipDataset, collate
from avtool.training.classifier.batch_transform import BatchTransform

Logits = NDArray[np.float32]


def score_clips(
    model: nn.Module,
    clips: ClipDataset,
    transform: BatchTransform,
    device: torch.device,
    *,
    batch_size: int,
    workers: int = 0,
    rolls: int = 1,
) -> Logits:
    """The logits of all clips, (clips, classes), in their order.

    Args:
        model: in evaluation mode; its `inputs` name what it takes of a batch.
        clips: with `windows` parts each, whose logits are averaged (MBT averages logits, not probabilities).
        transform: scales the batches; it is used in evaluation mode.
        device: where the model is.
        batch_size: windows at a time.
        workers: processes that load them.
        rolls: rotations of each window in time, whose logits are averaged.
    """
    was_training = transform.training
    transform.eval().to(device)
    loader = DataLoader(clips, batch_size, collate_fn=collate, num_workers=workers)
    parts = []
    try:
        with torch.no_grad():
            for batch in loader:
                moved = {name: value.to(device, non_blocking=True) for name, value in batch.items()}
                parts.append(logits_of(model, transform(moved), rolls).float().cpu())
    finally:
        transform.train(was_training)
    windows = torch.cat(parts).reshape(len(clips.manifest), clips.windows, -1)
    logits: Logits = windows.mean(dim=1).numpy()
    return logits


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
