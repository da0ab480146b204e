"""One loss scale for several optimisers: what is clipped, stepped and skipped."""

import math

import pytest
import torch
from accelerate import Accelerator
from torch import nn
from torch.amp.grad_scaler import GradScaler

from avtool.training.optimizers import MAIN, NamedOptimizer, Optimizers
from avtool.training.recipe import OptimizationRecipe, OptimizerRecipe
from avtool.training.update import Updater

torch.set_num_threads(1)


def sgd(clip_norm: float) -> OptimizationRecipe:
    return OptimizationRecipe(
        optimizer=OptimizerRecipe(name="sgd", lr=1.0, momentum=0.0, weight_decay=0.0, clip_norm=clip_norm)
    )


@pytest.fixture
def layers() -> nn.ModuleDict:
    layers = nn.ModuleDict({name: nn.Linear(2, 1, bias=False) for name in ("body", "head")})
    for parameter in layers.parameters():
        nn.init.zeros_(parameter)
    return layers


@pytest.fixture
def optimizers(layers: nn.ModuleDict) -> Optimizers:
    return Optimizers(layers, sgd(0.0), [NamedOptimizer("head", [layers["head"]], sgd(0.5))])


def scaled(optimizers: Optimizers, layers: nn.Module) -> tuple[Updater, GradScaler]:
    accelerator = Accelerator(cpu=True)
    accelerator.scaler = GradScaler("cpu", init_scale=8.0)
    return Updater(accelerator, layers, optimizers), accelerator.scaler


def test_gradients_are_unscaled_once_and_clipped_by_their_own_optimizer(
    layers: nn.ModuleDict, optimizers: Optimizers
) -> None:
    updater, scaler = scaled(optimizers, layers)
    value = torch.tensor([[3.0, 4.0]])
    scaler.scale(layers["body"](value) + layers["head"](value)).sum().backward()
    norms = updater.update([MAIN, "head"])
    assert {name: float(norm) for name, norm in norms.items()} == pytest.approx({"grad_norm/head": 5.0})
    torch.testing.assert_close(layers["body"].weight.detach(), -value)
    torch.testing.assert_close(layers["head"].weight.detach(), -0.1 * value)
    assert all(parameter.grad is None for parameter in layers.parameters())
    assert not updater.skipped
    assert scaler.get_scale() == 8


def test_gradients_that_overflow_are_skipped_and_halve_the_scale_once(
    layers: nn.ModuleDict, optimizers: Optimizers
) -> None:
    updater, scaler = scaled(optimizers, layers)
    for factor, skipped in ((math.inf, True), (1.0, False)):
        scaler.scale(
            layers["body"](torch.full((1, 2), factor)) + layers["head"](torch.ones(1, 2))
        ).sum().backward()
        updater.update([MAIN, "head"])
        assert updater.skipped == skipped
        assert scaler.get_scale() == 4
    torch.testing.assert_close(layers["body"].weight.detach(), -torch.ones(1, 2))
