"""The estimate of a step's memory, beside what a step keeps."""

import pytest
import torch
from torch import nn

from avtool.models.registry import create
from avtool.training.memory import estimate_memory
from avtool.training.recipe import TrainRecipe


def recipe(name: str = "adamw", **more) -> TrainRecipe:
    return TrainRecipe.model_validate({"optimizer": {"name": name}, **more})


def test_states_are_copies_of_the_weights() -> None:
    model = nn.Linear(1024, 1024, bias=False)  # 4 MiB
    for name, expected in (("adamw", 16.0), ("sgd", 12.0)):
        assert estimate_memory(recipe(name), model, lambda: model, lambda: None).state == expected
    averaged = estimate_memory(recipe(ema={"decay": 0.9}), model, lambda: model, lambda: None)
    assert averaged.state == 20.0
    model.requires_grad_(False)
    frozen = estimate_memory(recipe(), model, lambda: model, lambda: None)
    assert (frozen.state, frozen.activations) == (4.0, None)


def test_activations_are_what_a_real_pass_keeps() -> None:
    """A linear layer keeps its input; a ReLU its output."""

    def build() -> nn.Module:
        return nn.Sequential(nn.Linear(256, 512), nn.ReLU(), nn.Linear(512, 128), nn.ReLU())

    class Wrapped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = build()

        def forward(self, audio: torch.Tensor) -> torch.Tensor:
            return self.net(audio)

    found = estimate_memory(recipe(), Wrapped(), Wrapped, lambda: {"audio": torch.zeros(1024, 256)})
    assert found.activations == pytest.approx(4 * 1024 * (256 + 512 + 128) / 2**20, abs=0.06)


def test_a_builder_that_reads_a_value_of_a_tensor() -> None:
    class Reads(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            width = int(torch.linspace(0, 512, 2, device="cpu")[-1].item())
            self.net = nn.Sequential(nn.Linear(256, width), nn.ReLU(), nn.Linear(width, 128), nn.ReLU())

        def forward(self, audio: torch.Tensor) -> torch.Tensor:
            return self.net(audio)

    found = estimate_memory(recipe(), Reads(), Reads, lambda: {"audio": torch.zeros(1024, 256)})
    assert found.activations == pytest.approx(4 * 1024 * (256 + 512 + 128) / 2**20, abs=0.06)


def test_attention_keeps_no_matrix_of_weights() -> None:
    """Twice the tokens keep about twice as much, not four times."""

    def activations(frames: int) -> float:
        def build() -> nn.Module:
            return create("audio_mae_tiny", num_frames=frames)

        found = estimate_memory(recipe(), build(), build, lambda: {"audio": torch.zeros(4, frames, 32)})
        assert found.activations is not None
        return found.activations

    assert activations(2048) / activations(1024) == pytest.approx(2, abs=0.1)
