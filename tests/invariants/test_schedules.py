"""Learning-rate schedules against their closed forms, torch's own, and what must hold of all of them."""

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from avtool.training.recipe import ScheduleRecipe
from avtool.training.schedules import Plateau, make_schedule

TOTAL, EPOCH = 120, 10


def factors(total: int = TOTAL, **settings: Any) -> list[float]:
    schedule = make_schedule(ScheduleRecipe(**settings), total, EPOCH)
    return [schedule(step) for step in range(total)]


@pytest.mark.parametrize("name", ["cosine", "linear", "step", "constant"])
def test_warm_up_is_a_straight_line_to_the_peak(name: str) -> None:
    found = factors(name=name, warmup_steps=8, step_from=20)
    assert found[:8] == pytest.approx([(step + 1) / 8 for step in range(8)])
    assert max(found) == 1


def test_warm_up_in_epochs_is_warm_up_in_steps() -> None:
    assert factors(warmup_epochs=2.5) == factors(warmup_steps=25)


def test_cosine_falls_by_half_a_cosine_after_the_warm_up() -> None:
    found = factors(name="cosine", warmup_steps=20, floor=0.1)
    expected = [0.1 + 0.9 * (1 + math.cos(math.pi * (step - 20) / 100)) / 2 for step in range(20, 120)]
    assert found[20:] == pytest.approx(expected)


def test_cosine_from_the_start_is_multiplied_by_the_warm_up() -> None:
    found = factors(name="cosine", warmup_epochs=2.5, decay_from="start")
    expected = [min(1, (step + 1) / 25) * (1 + math.cos(math.pi * step / 120)) / 2 for step in range(TOTAL)]
    assert found == pytest.approx(expected)


def test_linear_falls_by_a_straight_line() -> None:
    assert factors(name="linear") == pytest.approx([1 - step / 120 for step in range(TOTAL)])


def test_step_is_that_of_ast_on_esc_50() -> None:
    """x 0.85 after the 5th epoch and after each one that follows (Gong et al., 2021)."""
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    theirs = torch.optim.lr_scheduler.MultiStepLR(optimizer, list(range(5, 26)), gamma=0.85)
    expected = []
    for _ in range(TOTAL // EPOCH):
        expected += [optimizer.param_groups[0]["lr"]] * EPOCH
        optimizer.step()
        theirs.step()
    assert factors(name="step", gamma=0.85, step_from=5) == pytest.approx(expected)


def test_step_is_that_of_ast_on_the_balanced_audioset() -> None:
    found = factors(total=250, name="step", gamma=0.5, step_from=10, step_every=5)
    assert found[::50] == [1, 1, 0.5, 0.25, 0.125]


@pytest.mark.parametrize("rise", [0.1, 0.3, 0.5])
def test_one_cycle_is_that_of_torch(rise: float) -> None:
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 1.0, total_steps=TOTAL, pct_start=rise, cycle_momentum=False
    )
    expected = []
    for _ in range(TOTAL):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if len(expected) < TOTAL:
            theirs.step()
    assert factors(name="one-cycle", rise=rise) == pytest.approx(expected)


@given(
    name=st.sampled_from(["cosine", "linear", "step", "constant", "one-cycle"]),
    total=st.integers(1, 300),
    epoch=st.integers(1, 50),
    warmup=st.integers(0, 400),
)
def test_every_factor_is_positive_and_at_most_one(name: Any, total: int, epoch: int, warmup: int) -> None:
    recipe = ScheduleRecipe(name=name, warmup_steps=0 if name == "one-cycle" else warmup)
    schedule = make_schedule(recipe, total, epoch)
    assert all(0 <= schedule(step) <= 1 for step in range(total))
    assert schedule(0) > 0


@given(
    values=st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0, math.nan]), max_size=40),
    patience=st.integers(0, 3),
    maximise=st.booleans(),
    resumed=st.integers(0, 40),
)
def test_plateau_is_that_of_torch_and_goes_on_after_a_resume(
    values: list[float], patience: int, maximise: bool, resumed: int
) -> None:
    recipe = ScheduleRecipe(name="plateau", gamma=0.5, patience=patience, floor=0.1)
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer,
        "max" if maximise else "min",
        factor=0.5,
        patience=patience,
        threshold=0,
        min_lr=0.1,
    )
    ours = Plateau.of(recipe)
    assert ours is not None
    for index, value in enumerate(values):
        if index == resumed:
            state = ours.state()
            ours = Plateau(0.5, patience, 0.1)
            ours.restore(state)
        ours.observe(value, maximise=maximise)
        theirs.step(value)
        assert ours.factor == optimizer.param_groups[0]["lr"]


@pytest.mark.parametrize(
    ("peak", "warmup", "epochs", "values"),
    [
        (0.01, 10, 60, {0: 1e-5, 9: 1e-5, 10: 0.01, 35: 0.006294, 59: 0.000807}),
        (0.002, 1, 50, {0: 1e-5, 1: 0.002, 25: 0.001063, 49: 8e-6}),
    ],
)
def test_a_constant_warmup_and_a_cosine_by_epochs(
    peak: float, warmup: int, epochs: int, values: dict[int, float]
) -> None:
    recipe = ScheduleRecipe(warmup_epochs=warmup, warmup_rate=1e-5, by_epoch=True)
    schedule = make_schedule(recipe, epochs * 3, 3, peak)
    for epoch, expected in values.items():
        for step in range(3 * epoch, 3 * epoch + 3):
            assert peak * schedule(step) == pytest.approx(expected, abs=5e-7)
