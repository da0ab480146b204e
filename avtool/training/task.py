"""A training as the loop takes it, and its outcome."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from avtool.models.model_folder import ModelDescription

Batch = dict[str, Any]
Objective = Callable[[nn.Module, Batch], Mapping[str, Tensor]]
"""(model, batch) → `loss`, a scalar to minimise, and other scalars to log, of the same names in every step.
An `nn.Module` may have parameters of its own (a temperature): they are trained and checkpointed too, but are
no part of the saved model."""


@dataclass(frozen=True)
class Training:
    """A model, its objective and its samples: all that the loop needs.

    Attributes:
        model: the network to train and to save; trained in place.
        objective: scores a batch.
        samples: what is learned from, by index. Its method `set_epoch`, where it has one, gets the epoch
            before each sample, in the process that loads it, for other augmentations in each.
        collate: makes a batch, a dictionary, of a list of clips.
        description: how the saved model is built and fed.
        transform: changes a batch on its device (mixup, masks); its generator, and torch's global one, are
            seeded anew for each batch.
        validate: scores the model in evaluation mode, as a dictionary of metrics; every process calls it. It
            raises FloatingPointError where the model's outputs are not finite.
        metric: which of these metrics says what is best.
        maximise: whether more of it is better.
        labels: the labels of each clip, for the class-balanced sampler.
        groups: the film or recording of each clip, for the grouped sampler.
        clip_ids: the clips' names, for messages.
    """

    model: nn.Module
    objective: Objective
    samples: Dataset[Any]
    collate: Callable[[list[Any]], Batch]
    description: ModelDescription
    transform: Callable[[Batch, torch.Generator], Batch] | None = None
    validate: Callable[[nn.Module, torch.device], Mapping[str, float]] | None = None
    metric: str = "loss"
    maximise: bool = False
    labels: Sequence[Sequence[Hashable]] | None = None
    groups: Sequence[Hashable] | None = None
    clip_ids: Sequence[str] | None = None


@dataclass(frozen=True)
class TrainOutcome:
    """What a run came to.

    Attributes:
        model: the saved model's folder.
        steps: optimiser steps done in all.
        resumed_from: the step at which this process took over, 0 at the run's begin.
        metrics: the validation of the saved model; empty without one.
        best_step: the checkpoint with the best metric, or None without validation.
        seconds: wall time of this process's share.
        clips_per_second: its rate, validation and checkpoints included; 0 when nothing was left to do.
    """

    model: Path
    steps: int
    resumed_from: int
    metrics: Mapping[str, float] = field(default_factory=dict)
    best_step: int | None = None
    seconds: float = 0.0
    clips_per_second: float = 0.0
