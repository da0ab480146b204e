"""The logits of clips: every window of a clip is scored, and its windows are averaged."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.utils.data import DataLoader

from avtool.data.inputs.collate import collate
from avtool.inference.predictor import logits_of
from avtool.tasks.classification.batch_transform import BatchTransform
from avtool.tasks.classification.samples import ClipDataset

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
