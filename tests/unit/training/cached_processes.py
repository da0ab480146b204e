"""A step of MAViL on sixteen clips, in batches of any size; `main` is a process of two."""

import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset, default_collate

from avtool.models.model_folder import ModelDescription
from avtool.models.registry import create
from avtool.objectives.masked.mavil import ContrastWeights, MAViLStage1, MAViLStage2
from avtool.training.loop import fit
from avtool.training.recipe import TrainRecipe
from avtool.training.task import Training
from tests.unit.objectives.masked_processes import clips

CLIPS = 16
HEAVY = ContrastWeights(alpha=3.0, beta=2.0)


class Clips(Dataset):
    def __len__(self) -> int:
        return CLIPS

    def __getitem__(self, key: Any) -> dict[str, Tensor]:
        index = key[0] if isinstance(key, tuple) else key
        return {name: value[index] for name, value in clips(CLIPS).items()}


def training(stage: int = 1) -> Training:
    torch.manual_seed(1)
    teacher = create("mavil_tiny_pretrain")
    torch.manual_seed(0)
    arguments = {"predicts": "features"} if stage == 2 else {}
    model = create("mavil_tiny_pretrain", **arguments)
    objective = MAViLStage1(HEAVY) if stage == 1 else MAViLStage2(teacher, HEAVY)
    description = ModelDescription("mavil_tiny_pretrain", arguments)
    return Training(model, objective, Clips(), default_collate, description)


def recipe(batch_size: int, accumulate: int = 1, *, cached: bool = False) -> TrainRecipe:
    """One step of plain gradient descent at rate 1: the change of the weights is the gradient."""
    loop = {
        "max_steps": 1, "batch_size": batch_size, "accumulate": accumulate, "cached_gradients": cached,
        "workers": 0, "tensorboard": False, "log_every": 1,
    }  # fmt: skip
    optimizer = {"name": "sgd", "lr": 1.0, "momentum": 0.0, "weight_decay": 0.0, "clip_norm": 0.0}
    runtime = {"device": "cpu", "precision": "fp32", "threads": 1}
    values = {"optimizer": optimizer, "schedule": {"name": "constant"}, "loop": loop, "runtime": runtime}
    return TrainRecipe.model_validate(values)


def main(run: Path) -> None:
    """Two batches of four clips in each of two processes."""
    fit(training(), recipe(4, 2, cached=True), run)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
