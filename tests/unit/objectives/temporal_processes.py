"""Two steps of each objective, by one process or by several that share the batch; a script for a launcher.

Batch norm holds its statistics, as each process would take them of its own rows.
"""

import sys
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from avtool.models.registry import create
from avtool.objectives.distributed import rank, world_size
from avtool.objectives.temporal.memory_bank import MemoryBank
from avtool.objectives.temporal.mining import MiningSettings
from avtool.objectives.temporal.objective import METHODS, TemporalSettings, make_temporal_objective
from avtool.training.accelerator import leave_process_group
from avtool.training.net import Net
from tests.unit.objectives.synthetic_films import film_batch

ROWS = 8
MINING = MiningSettings(top=3, num_negatives=5, exclude=0.1)


def two_steps(method: str) -> dict[str, Tensor]:
    """Gradients and losses of two steps, and the memory after them."""
    torch.manual_seed(0)
    model = create("avt_tiny", num_mel_bins=32)
    settings = TemporalSettings(method=method, mining=MINING, queue=24)  # type: ignore[arg-type]
    objective = make_temporal_objective(
        settings, num_clips=40, batch=ROWS, total_batches=5, projection_dim=16
    )
    net: nn.Module = Net(model, objective)
    model.eval()
    if world_size() > 1:
        net = DistributedDataParallel(net)
    kept = {}
    for step in range(2):
        whole = film_batch(ROWS, seed=step)
        whole["video_speed_weight"][: ROWS // 2] = 0  # the processes answer different numbers of questions
        whole["audio_present"] = torch.arange(ROWS) != 2
        part = {name: torch.tensor_split(rows, world_size())[rank()] for name, rows in whole.items()}
        net.zero_grad()
        told = net(partial(_score, objective, part))
        told["loss"].backward()
        kept[f"loss-{step}"] = told["loss"].detach()
        kept |= {f"{step}-{name}": p.grad for name, p in model.named_parameters() if p.grad is not None}
    for memory in (module for module in objective.modules() if isinstance(module, MemoryBank)):
        memory.check_same_everywhere()
    kept |= {name: value.double() for name, value in objective.state_dict().items()}
    return kept


def _score(objective: nn.Module, batch: dict[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    told: dict[str, Tensor] = objective(model, batch)
    return told


if __name__ == "__main__":  # a process of a launcher; its argument: the file to write
    torch.set_num_threads(1)
    distributed.init_process_group("gloo")
    results = {method: two_steps(method) for method in METHODS}
    for kept in results.values():
        for step in range(2):
            distributed.all_reduce(kept[f"loss-{step}"])
            kept[f"loss-{step}"] /= world_size()
    if rank() == 0:
        torch.save(results, Path(sys.argv[1]))
    leave_process_group()
