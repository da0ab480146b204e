"""Optimizers by name and by part, and the rates of their groups."""

from typing import Any

import pytest
import torch
from torch import nn

from avtool.core.errors import BadInputError
from avtool.models.registry import create
from avtool.training.learning_rates import LearningRates
from avtool.training.optimizers import MAIN, NamedOptimizer, Optimizers
from avtool.training.parameter_groups import ParameterGroup
from avtool.training.plan import Plan
from avtool.training.recipe import (
    GroupRecipe,
    LoopRecipe,
    OptimizationRecipe,
    OptimizerRecipe,
    ScheduleRecipe,
)
from avtool.training.schedules import cosine
from avtool.training.step_rule import Phase, StepRule

torch.set_num_threads(1)


def make(module: nn.Module, **settings: Any) -> torch.optim.Optimizer:
    return Optimizers(module, settings_of(**settings))[MAIN]


def settings_of(schedule: ScheduleRecipe | None = None, **settings: Any) -> OptimizationRecipe:
    return OptimizationRecipe(
        optimizer=OptimizerRecipe(**settings), schedule=schedule or ScheduleRecipe(name="constant")
    )


def plan_of(steps: int = 100) -> Plan:
    return Plan.of(LoopRecipe(batch_size=1, max_steps=steps), 10, processes=1)


@pytest.mark.parametrize(
    ("name", "kind"), [("adamw", torch.optim.AdamW), ("adam", torch.optim.Adam), ("sgd", torch.optim.SGD)]
)
def test_names_stand_for_optimizers(name: str, kind: type) -> None:
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
    optimizers = Optimizers(create("vgg_tiny"), settings_of(layer_decay=0.5, lr=0.2))
    LearningRates(optimizers, [], plan_of(), validates=False).apply(0)
    assert sorted({group["lr"] for group in optimizers[MAIN].param_groups}) == [0.05, 0.1, 0.2]


def test_frozen_parameters_are_left_out() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[0].requires_grad_(False)
    grouped = [parameter for group in make(model).param_groups for parameter in group["params"]]
    assert {id(parameter) for parameter in grouped} == {id(parameter) for parameter in model[1].parameters()}
    with pytest.raises(BadInputError, match="every parameter of the model is frozen"):
        make(model.requires_grad_(False))


class Towers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.vision, self.text, self.critic = (nn.Linear(2, 2) for _ in range(3))


def test_optimizers_share_out_the_parameters() -> None:
    model = Towers()
    others = [NamedOptimizer("critic", [model.critic], settings_of(name="sgd", lr=0.3))]
    optimizers = Optimizers(model, settings_of(), others)
    assert list(optimizers) == [MAIN, "critic"]
    assert isinstance(optimizers["critic"], torch.optim.SGD)
    assert {id(p) for p in optimizers.parameters("critic")} == {id(p) for p in model.critic.parameters()}
    assert len(optimizers.parameters(MAIN)) == 4
    with optimizers.only(["critic"]):
        trained = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
        assert trained == ["critic.weight", "critic.bias"]
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_rates_of_optimizers_and_groups_are_closed_forms() -> None:
    model = Towers()
    falling, stairs = ScheduleRecipe(name="linear", warmup_steps=4), ScheduleRecipe(name="step", gamma=0.1)
    groups = [
        ParameterGroup("text", [model.text], GroupRecipe(rate=0.5, schedule=falling)),
        ParameterGroup("vision", [model.vision.weight], GroupRecipe(rate=0.2)),
    ]
    others = [NamedOptimizer("critic", [model.critic], settings_of(ScheduleRecipe(), lr=0.01))]
    optimizers = Optimizers(model, settings_of(stairs, lr=0.1), others, groups)
    rates = LearningRates(optimizers, groups, plan_of(), validates=False)
    for step in (0, 3, 9, 10, 57, 99):
        main = 0.1 * 0.1 ** (step // 10)
        rising = min(1, (step + 1) / 4) * (1 - max(0, step - 4) / 96)
        expected = {
            "lr/vision": 0.2 * main,
            "lr": main,
            "lr/text": 0.5 * 0.1 * rising,
            "lr/critic": 0.01 * cosine(step / 100),
        }
        assert rates.at(step) == pytest.approx(expected)
        rates.apply(step)
        found = {group["group"]: group["lr"] for group in optimizers[MAIN].param_groups}
        assert found == pytest.approx({"text": rates.at(step)["lr/text"], "vision": 0.2 * main, "": main})
    assert rates.longest_warmup == 4


def test_a_group_of_two_optimizers_is_refused() -> None:
    model = Towers()
    groups = [ParameterGroup("both", [model], GroupRecipe())]
    others = [NamedOptimizer("critic", [model.critic], settings_of())]
    optimizers = Optimizers(model, settings_of(), others, groups)
    with pytest.raises(AssertionError, match="the group both spreads over two optimisers"):
        LearningRates(optimizers, groups, plan_of(), validates=False)


@pytest.mark.parametrize("loop", [{}, {"validate_every": "never"}])
def test_a_plateau_without_validations_is_refused(loop: dict[str, Any]) -> None:
    optimizers = Optimizers(Towers(), settings_of(ScheduleRecipe(name="plateau")))
    plan = Plan.of(LoopRecipe(**loop), 10, processes=1)
    with pytest.raises(BadInputError, match="the plateau schedule needs validations"):
        LearningRates(optimizers, [], plan, validates=bool(loop))


def test_a_scaled_rate_above_one_is_refused_once_the_batch_is_known() -> None:
    optimizers = Optimizers(Towers(), settings_of(base_lr=0.5))
    plan = Plan.of(LoopRecipe(batch_size=1024), 4096, processes=1)
    with pytest.raises(BadInputError, match="base_lr gives a rate of 2 for steps of 1024 samples"):
        LearningRates(optimizers, [], plan, validates=False)


def names(phases: list[Phase]) -> list[str]:
    return [phase.name for phase in phases]


def test_phases_follow_one_another_alternate_or_join_later() -> None:
    together = StepRule([], [MAIN, "critic"])
    assert [phase.optimizers for phase in together.of(7)] == [(MAIN, "critic")]
    turns = StepRule(
        [Phase("a", [MAIN], every=2), Phase("b", ["critic"], every=2, first=1)], [MAIN, "critic"]
    )
    assert [names(turns.of(step)) for step in range(4)] == [["a"], ["b"], ["a"], ["b"]]
    late = StepRule([Phase("a"), Phase("b", ["critic"], every=3, first=2)], [MAIN, "critic"])
    assert [names(late.of(step)) for step in range(6)] == [["a"], ["a"], ["a", "b"], ["a"], ["a"], ["a", "b"]]


@pytest.mark.parametrize(
    ("phases", "message"),
    [
        ([Phase("a", every=2), Phase("b", ["critic"], every=2)], "a step without a phase"),
        ([Phase("a")], "phases move"),
        ([Phase("a", ["other"])], "phases move"),
    ],
)
def test_impossible_rules_are_refused(phases: list[Phase], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        StepRule(phases, [MAIN, "critic"])
