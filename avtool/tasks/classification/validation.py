"""Validation of a classifier: the logits of clips, averaged over windows, and their metrics."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.utils.data import DataLoader

from avtool.data.inputs.collate import collate
from avtool.data.labels import Targets
from avtool.evaluation.metrics.multi_label import Unlabelled
from avtool.inference.predictor import logits_of
from avtool.objectives.classification import Criterion
from avtool.tasks.classification.batch_transform import BatchTransform
from avtool.tasks.classification.metrics import clip_metrics
from avtool.tasks.classification.samples import ClipDataset

Logits = NDArray[np.float32]


@dataclass(frozen=True)
class ClipValidation:
    """Scores validation clips.

    Attributes:
        clips: with `windows` parts each, whose logits are averaged (MBT averages logits, not probabilities).
        transform: scales the batches; it is used in evaluation mode.
        batch_size: windows at a time.
        workers: loader processes.
        criterion: the loss without label smoothing, to compare with that of training.
        unlabelled: of several labels a clip, what clips without any are in the metrics.
        shifts: test-time augmentation: circular shifts of each window in time, whose logits are averaged.
    """

    clips: ClipDataset
    transform: BatchTransform
    batch_size: int
    workers: int
    criterion: Criterion
    shifts: int
    unlabelled: Unlabelled = "skip"

    @property
    def targets(self) -> Targets:
        """The labels of the clips."""
        assert self.clips.targets is not None, "the clips have labels"
        return self.clips.targets

    def __call__(self, model: nn.Module, device: torch.device) -> Mapping[str, float]:
        logits = self.logits(model, device)
        if not np.isfinite(logits).all():
            raise FloatingPointError("the logits of the validation clips are not finite")
        targets = self.targets
        labels = torch.from_numpy(np.stack([targets.target(clip) for clip in range(len(targets))]))
        loss = float(self.criterion(torch.from_numpy(logits), labels).mean())
        return {**clip_metrics(logits, targets, self.unlabelled), "loss": loss}

    def logits(self, model: nn.Module, device: torch.device) -> Logits:
        """The logits of all clips, (clips, classes), in their order.

        Args:
            model: in evaluation mode; its `inputs` name what it takes of a batch.
            device: where the model is.
        """
        was_training = self.transform.training
        self.transform.eval().to(device)
        loader = DataLoader(self.clips, self.batch_size, collate_fn=collate, num_workers=self.workers)
        parts = []
        try:
            with torch.no_grad():
                for batch in loader:
                    moved = {name: value.to(device, non_blocking=True) for name, value in batch.items()}
                    parts.append(logits_of(model, self.transform(moved), self.shifts).float().cpu())
        finally:
            self.transform.train(was_training)
        windows = torch.cat(parts).reshape(len(self.clips.manifest), self.clips.windows, -1)
        logits: Logits = windows.mean(dim=1).numpy()
        return logits
