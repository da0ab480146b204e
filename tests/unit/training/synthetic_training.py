"""A training on synthetic clips that draws at random wherever a training can: in clips, batches, layers."""

import json
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset, default_collate

from avtool.core.reporter import Silent
from avtool.models.frozen import FrozenWeights
from avtool.models.layers.output import ClassifierOutput
from avtool.models.model_folder import ModelDescription, save_model
from avtool.models.registry import create
from avtool.models.start import freeze_encoder, load_start
from avtool.objectives.classification import CRITERIA, Classification
from avtool.training.loop import fit
from avtool.training.optimizers import NamedOptimizer
from avtool.training.recipe import OptimizationRecipe, OptimizerRecipe, ScheduleRecipe, TrainRecipe
from avtool.training.step_rule import Phase
from avtool.training.task import Batch, Training

NUM_CLIPS, NUM_CLASSES = 24, 10
DESCRIPTION = ModelDescription("cnn_tiny", {}, {"sample_rate": 16000, "labels": ["a", "b"]})

SETTINGS: dict[str, Any] = {
    "seed": 3,
    "ema": {"decay": 0.9},
    "loop": {
        "epochs": 3,
        "batch_size": 3,
        "accumulate": 2,
        "log_every": 5,
        "checkpoint_every": "3 steps",
        "workers": 0,
        "tensorboard": False,
    },
    "runtime": {"device": "cpu", "precision": "fp32"},
}
"""Four steps an epoch and twelve in all; log, checkpoints and validations fall on different steps."""


def recipe(**tables: Mapping[str, Any]) -> TrainRecipe:
    """The recipe of the synthetic training with some tables' keys changed."""
    values = {name: dict(value) if isinstance(value, dict) else value for name, value in SETTINGS.items()}
    for name, table in tables.items():
        values[name] = {**values.get(name, {}), **table} if isinstance(table, Mapping) else table
    return TrainRecipe.model_validate(values)


class NoisyClips(Dataset):
    """Each class is a band in noise; the noise comes from every generator that a data set might use."""

    def __init__(self, noise: float = 0.3) -> None:
        self.noise = noise
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return NUM_CLIPS

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        label = index % NUM_CLASSES
        audio = torch.zeros(16, 32)
        audio[:, 3 * label : 3 * label + 3] = 1 + 0.1 * self.epoch
        if self.noise:
            audio += self.noise * torch.randn(16, 32) + random.random()
            audio += self.noise * torch.from_numpy(np.random.standard_normal((16, 32))).float()  # noqa: NPY002
        return {"audio": audio, "label": torch.tensor(label)}


def add_noise(batch: dict[str, torch.Tensor], generator: torch.Generator) -> dict[str, torch.Tensor]:
    """A batch transform that draws from its own generator and from torch's."""
    noise = torch.randn(batch["audio"].shape, generator=generator) + torch.rand(())
    return {**batch, "audio": batch["audio"] + 0.1 * noise}


def validate(model: torch.nn.Module, device: torch.device) -> dict[str, float]:
    """Accuracy and loss on clean clips; it draws at random, which must not disturb the training."""
    torch.rand(3)
    batch = default_collate([NoisyClips(noise=0)[index] for index in range(NUM_CLASSES)])
    logits = model(batch["audio"].to(device)).logits.cpu()
    loss = torch.nn.functional.cross_entropy(logits, batch["label"])
    return {"loss": float(loss), "accuracy": float((logits.argmax(1) == batch["label"]).float().mean())}


def make_task(objective: Callable[..., dict[str, torch.Tensor]] | None = None, **changes: Any) -> Training:
    """The synthetic task with a model of fixed start, whose batch norm and dropout are on."""
    torch.manual_seed(0)
    model = create("cnn_tiny")
    values: dict[str, Any] = {
        "model": model,
        "objective": objective or Classification(("audio",), CRITERIA["single-label"]),
        "samples": NoisyClips(),
        "collate": default_collate,
        "description": DESCRIPTION,
        "transform": add_noise,
        "validate": validate,
        "metric": "loss",
        "labels": [[index % NUM_CLASSES] for index in range(NUM_CLIPS)],
        "groups": [index // 5 for index in range(NUM_CLIPS)],
    }
    return Training(**{**values, **changes})


class Bands(torch.nn.Module):
    """A linear model of the mean spectrum, without dropout and batch statistics."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.head = torch.nn.Linear(32, NUM_CLASSES)

    def forward(self, audio: torch.Tensor) -> ClassifierOutput:
        return ClassifierOutput(self.head(audio.mean(dim=1)), {})


def quiet_task() -> Training:
    """A task in which nothing is random but the order of the clips."""
    return make_task(model=Bands(), samples=NoisyClips(noise=0), transform=None)


HOST = {"num_frames": 16, "num_mel_bins": 32, "num_classes": NUM_CLASSES}
"""An AST of 5.4 M parameters for the synthetic clips."""


def save_host(
    folder: Path, name: str = "ast_deit_tiny", arguments: Mapping[str, Any] = HOST, seed: int = 0
) -> Path:
    """A model folder whose weights may be frozen."""
    torch.manual_seed(seed)
    save_model(folder, create(name, **arguments).state_dict(), ModelDescription(name, arguments))
    return folder


def frozen_task(host: Path, objective: Any = None) -> Training:
    """The last layer of a model, trained on the frozen rest of it."""
    model = create("ast_deit_tiny", **HOST)
    load_start(model, "ast_deit_tiny", host, Silent())
    freeze_encoder(model, "ast_deit_tiny")
    frozen = [FrozenWeights.of(model, "ast_deit_tiny", host)]
    description = ModelDescription("ast_deit_tiny", HOST, frozen=frozen)
    return make_task(objective, model=model, description=description, validate=None)


class Adversary(torch.nn.Module):
    """The loss of a generator of spectra, with the critic that it is trained against."""

    def __init__(self, *, noise: bool = True) -> None:
        super().__init__()
        self.noise = noise
        self.critic = torch.nn.Sequential(
            torch.nn.Linear(32, 32),
            torch.nn.LeakyReLU(),
            torch.nn.Dropout(0.1 if noise else 0),
            torch.nn.Linear(32, 1),
        )

    def forward(self, model: torch.nn.Module, batch: Batch, phase: str) -> dict[str, torch.Tensor]:
        real = batch["audio"].mean(dim=1)
        made = model(torch.randn(len(real), 4) if self.noise else real[:, :4])
        if phase == "generator":
            return {"loss": -self.critic(made).mean(), "distance": (made - real).norm(dim=1).mean()}
        margins = torch.relu(1 - self.critic(real)) + torch.relu(1 + self.critic(made))
        return {"loss": margins.mean() / 2}


PHASES = (Phase("generator"), Phase("critic", ["critic"]))


def adversarial_task(
    phases: Sequence[Phase] = PHASES,
    *,
    objective: Callable[..., Adversary] = Adversary,
    noise: bool = True,
    **changes: Any,
) -> Training:
    """A generator and a critic, each with an optimizer, a schedule and a step of its own."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.LeakyReLU(), torch.nn.Linear(16, 32))
    adversary = objective(noise=noise)
    critic = OptimizationRecipe(
        optimizer=OptimizerRecipe(name="adam", lr=2e-3, betas=(0.5, 0.9), clip_norm=0),
        schedule=ScheduleRecipe(name="constant"),
    )
    values = {
        "model": model,
        "objective": adversary,
        "samples": NoisyClips(noise=0.3 if noise else 0),
        "transform": add_noise if noise else None,
        "validate": None,
        "optimizers": [NamedOptimizer("critic", [adversary.critic], critic)],
        "phases": phases,
    }
    return make_task(**{**values, **changes})


if __name__ == "__main__":  # a process of a launcher: TASK, FOLDER, and tables of settings as JSON
    torch.set_num_threads(1)
    tasks = {"quiet": quiet_task, "adversarial": partial(adversarial_task, noise=False)}
    fit(tasks[sys.argv[1]](), recipe(**json.loads(sys.argv[3])), Path(sys.argv[2]))
