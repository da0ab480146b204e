"""Audio-visual temporal contrast on a GPU: the losses of the CPU, and steps in bf16."""

import pytest
import torch
from torch import Tensor

from avtool.models.registry import create
from avtool.objectives.temporal.mining import MiningSettings
from avtool.objectives.temporal.objective import (
    METHODS,
    Method,
    TemporalSettings,
    make_temporal_objective,
)

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]
ROWS = 8


def batch_of(seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    rows = torch.arange(ROWS) + ROWS * seed
    batch = {
        "video": torch.rand(ROWS, 2, 3, 8, 32, 32, generator=generator) * 2 - 1,
        "audio": torch.randn(ROWS, 2, 100, 128, generator=generator),
        "video_id": rows,
        "index": rows % 40,
    }
    for name in ("video", "audio"):
        batch[f"{name}_speed"] = torch.randint(4, (ROWS, 2), generator=generator)
        batch[f"{name}_direction"] = torch.randint(2, (ROWS, 2), generator=generator)
    for pair in ("vv", "aa", "va"):
        batch[f"order_{pair}"] = torch.randint(3, (ROWS,), generator=generator)
    asked = [name for name in batch if name.startswith("order") or name.endswith(("speed", "direction"))]
    return batch | {f"{name}_weight": torch.ones(batch[name].shape) for name in asked}


def losses_on(device: str, method: Method, *, bf16: bool = False) -> list[float]:
    torch.manual_seed(0)
    model = create("avt_tiny").to(device)
    mining = MiningSettings(top=1, num_negatives=1000, exclude=0.1)  # nothing is left to a random draw
    settings = TemporalSettings(method=method, mining=mining)
    objective = make_temporal_objective(
        settings, num_clips=40, batch=ROWS, total_batches=4, projection_dim=16
    ).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    losses = []
    for step in range(4):
        batch = {name: values.to(device) for name, values in batch_of(step).items()}
        optimizer.zero_grad()
        with torch.autocast(device, dtype=torch.bfloat16, enabled=bf16):
            loss = objective(model, batch)["loss"]
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert all(bool(values.isfinite().all()) for values in model.state_dict().values())
    return losses


@pytest.mark.parametrize("method", [method for method in METHODS if method != "avid"])
def test_losses_are_those_of_the_cpu(method: Method) -> None:
    assert losses_on("cuda", method) == pytest.approx(losses_on("cpu", method), rel=1e-2)


@pytest.mark.parametrize("method", METHODS)
def test_steps_in_bfloat16_stay_near_single(method: Method) -> None:
    assert losses_on("cuda", method, bf16=True) == pytest.approx(losses_on("cuda", method), rel=0.1)
