"""Where every process holds a part of the weights (FSDP), a checkpoint holds the whole and gives it back."""

import copy
from collections.abc import Iterator

import pytest
import torch
import torch.distributed as dist
from torch import nn

from avtool.training.checkpoints import Progress
from avtool.training.net import Net
from avtool.training.optimizers import MAIN, Optimizers
from avtool.training.recipe import OptimizationRecipe
from avtool.training.state import TrainingState
from avtool.training.weight_average import WeightAverage

torch.set_num_threads(1)


@pytest.fixture
def process_group() -> Iterator[None]:
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield
    dist.destroy_process_group()


def make_state(seed: int) -> TrainingState:
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    torch.manual_seed(seed)
    net = Net(nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 2)), lambda model, batch: {})
    fully_shard(net, mesh=init_device_mesh("cpu", (1,)))
    return TrainingState(net, Optimizers(net, OptimizationRecipe()), WeightAverage(net), None, sharded=True)


def train(state: TrainingState, step: int) -> float:
    torch.manual_seed(step)
    loss = state.net(lambda model: model(torch.randn(3, 4)).square().mean())
    loss.backward()
    state.optimizers[MAIN].step()
    state.optimizers[MAIN].zero_grad()
    state.move_average(0.3)
    return float(loss.detach())


@pytest.mark.usefixtures("process_group")
def test_a_restored_sharded_state_goes_on_exactly() -> None:
    undisturbed = make_state(seed=0)
    for step in range(3):
        train(undisturbed, step)
    tensors, numbers = undisturbed.tensors(undisturbed.used_weights())
    assert {type(tensor) for tensor in tensors.weights.values()} == {torch.Tensor}
    restored = make_state(seed=7)
    restored.restore(Progress(step=3, updates=3, optimizer=numbers), copy.deepcopy(tensors))
    for step in range(3, 6):
        assert train(restored, step) == train(undisturbed, step)
    ours, theirs = restored.used_weights(), undisturbed.used_weights()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    restored.need_finite(6)
