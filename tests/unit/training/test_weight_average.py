"""The averages of weights in closed form."""

from pathlib import Path

import pytest
import torch
from torch import nn

from avtool.models.model_folder import load_tensors
from avtool.training.loop import fit
from avtool.training.weight_average import WeightAverage, ema_decay
from tests.unit.training.synthetic_training import quiet_task, recipe

torch.set_num_threads(1)


def constant(value: float) -> nn.Module:
    module = nn.BatchNorm1d(2)
    with torch.no_grad():
        for tensor in (module.weight, module.bias, module.running_mean, module.running_var):
            tensor.fill_(value)
    return module


def set_to(module: nn.Module, value: float) -> None:
    module.load_state_dict({**constant(value).state_dict(), "num_batches_tracked": torch.tensor(7)})


def test_an_exponential_average_forgets_its_start_geometrically() -> None:
    module = constant(0.0)
    average = WeightAverage(module)
    set_to(module, 1.0)
    for _ in range(5):
        average.update(1 - 0.8)
    with average.swapped_in():
        for tensor in (module.weight, module.bias, module.running_mean, module.running_var):
            torch.testing.assert_close(tensor.detach(), torch.full((2,), 1 - 0.8**5))
        assert int(module.num_batches_tracked) == 7
    assert torch.equal(module.weight.detach(), torch.ones(2))


def test_the_ramp_lets_early_weights_go() -> None:
    assert [ema_decay(n, 0.999, ramp=True) for n in (0, 8, 90)] == [0.1, 0.5, 0.91]
    assert ema_decay(100_000, 0.999, ramp=True) == 0.999
    assert ema_decay(0, 0.999, ramp=False) == 0.999


def test_the_mean_of_epochs_is_their_mean() -> None:
    module = constant(0.0)
    average = WeightAverage(module)
    for count, value in enumerate([3.0, 5.0, 10.0], start=1):
        set_to(module, value)
        average.update(1 / count)
    with average.swapped_in():
        torch.testing.assert_close(module.weight.detach(), torch.full((2,), 6.0))


def test_an_error_inside_gives_the_weights_back() -> None:
    module = constant(1.0)
    average = WeightAverage(module)
    set_to(module, 2.0)
    with pytest.raises(ZeroDivisionError), average.swapped_in():
        1 / (module.weight[0].detach() - 1).item()  # 1 / 0 only with the average's weights
    assert float(module.weight[0].detach()) == 2


def test_frozen_weights_are_not_kept_twice() -> None:
    module = nn.Sequential(nn.Linear(2, 2).requires_grad_(False), nn.Linear(2, 2))
    average = WeightAverage(module)
    assert sum(len(tensors) for tensors in average._mean) == 2


def test_a_run_averages_the_ends_of_its_chosen_epochs(tmp_path: Path) -> None:
    chosen = recipe(
        ema={"decay": 0},
        average={"first_epoch": 2, "last_epoch": 4},
        optimizer={"lr": 0.1},
        loop={"epochs": 5, "checkpoint_every": "1 epoch", "keep": 9},
    )
    outcome = fit(quiet_task(), chosen, tmp_path)
    weights = [
        load_tensors(tmp_path / "checkpoints" / f"step-{step:06d}" / "state" / "weights.safetensors")
        for step in (8, 12, 16)
    ]
    mean = torch.stack([tensors["model.head.weight"] for tensors in weights]).mean(dim=0)
    saved = load_tensors(outcome.model / "model.safetensors")["head.weight"]
    torch.testing.assert_close(saved, mean)
    assert not torch.allclose(saved, weights[-1]["model.head.weight"])


def test_a_queue_is_not_averaged() -> None:
    module = nn.Module()
    module.register_buffer("queue", torch.zeros(2))
    module.register_buffer("running_mean", torch.zeros(2))
    average = WeightAverage(module, exclude=("queue",))
    module.queue.fill_(1)
    module.running_mean.fill_(1)
    with average.swapped_in():
        assert module.queue.tolist() == [1, 1]
        assert module.running_mean.tolist() == [0, 0]
