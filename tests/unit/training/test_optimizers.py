"""Optimisers by name, and the rates of their groups."""

from typing import Any

import pytest
import torch
from torch import nn

from avtool.core.errors import BadInputError
from avtool.models.registry import create
from avtool.training.optimizers import make_optimizer, set_rate
from avtool.training.recipe import OptimizerRecipe

torch.set_num_threads(1)


def make(module: nn.Module, **settings: Any) -> torch.optim.Optimizer:
    return make_optimizer(module, OptimizerRecipe(**settings))


@pytest.mark.parametrize(
    ("name", "kind"), [("adamw", torch.optim.AdamW), ("adam", torch.optim.Adam), ("sgd", torch.optim.SGD)]
)
def test_names_stand_for_optimisers(name: str, kind: type) -> None:
    assert type(make(nn.Linear(2, 2), name=name, lr=0.1)) is kind


def test_lars_adapts_the_rates_of_matrices_alone() -> None:
    layer = nn.Linear(2, 2)
    before = layer.weight.detach().clone(), layer.bias.detach().clone()
    optimizer = make(layer, name="lars", lr=1.0, weight_decay=0.0, momentum=0.0)
    for parameter in layer.parameters():
        parameter.grad = torch.full_like(parameter, 3.0)
    optimizer.step()
    rate = 0.001 * before[0].norm() / layer.weight.grad.norm()
    torch.testing.assert_close(layer.weight.detach(), before[0] - rate * 3.0)
    torch.testing.assert_close(layer.bias.detach(), before[1] - 3.0)


def test_each_parameter_is_in_one_group() -> None:
    model = create("mbt_tiny")
    optimizer = make(model, layer_decay=0.5)
    grouped = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    assert len(grouped) == len(set(grouped)) == len(list(model.parameters()))


def test_decay_shrinks_matrices_alone() -> None:
    layer = nn.Linear(2, 2)
    before = layer.weight.detach().clone(), layer.bias.detach().clone()
    optimizer = make(layer, name="adamw", lr=0.1, weight_decay=0.5)
    for parameter in layer.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    torch.testing.assert_close(layer.weight.detach(), 0.95 * before[0])
    assert torch.equal(layer.bias.detach(), before[1])


def test_the_rate_is_set_group_by_group() -> None:
    optimizer = make(create("vgg_tiny"), layer_decay=0.5)
    set_rate(optimizer, 0.2)
    assert sorted({group["lr"] for group in optimizer.param_groups}) == [0.05, 0.1, 0.2]


def test_frozen_parameters_are_left_out() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[0].requires_grad_(False)
    grouped = [parameter for group in make(model).param_groups for parameter in group["params"]]
    assert {id(parameter) for parameter in grouped} == {id(parameter) for parameter in model[1].parameters()}
    with pytest.raises(BadInputError, match="every parameter of the model is frozen"):
        make(model.requires_grad_(False))
