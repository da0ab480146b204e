"""Six steps of each temporal objective: a refactor keeps these losses, a change explains itself."""

import math

import pytest
import torch
from torch import Tensor

from avtool.models.registry import create
from avtool.objectives.temporal.mining import MiningSettings
from avtool.objectives.temporal.objective import Method, TemporalSettings, make_temporal_objective

torch.set_num_threads(1)
ROWS, STEPS = 4, 6
CERTAIN = MiningSettings(top=1, num_negatives=1000, exclude=0.1)
"""All that may be drawn is drawn, so that no random number decides."""


def waves(shape: tuple[int, ...], phase: float, scale: float) -> Tensor:
    """Numbers that look random and are the same on every machine."""
    count = torch.arange(math.prod(shape), dtype=torch.float64)
    return (
        (scale * torch.sin(1.7 * count + 0.37 * torch.sin(0.11 * count**1.5) + phase)).reshape(shape).float()
    )


def batch_of(step: int) -> dict[str, Tensor]:
    rows = torch.arange(ROWS) + ROWS * step
    batch = {
        "video": waves((ROWS, 2, 3, 8, 16, 16), step, 1.0),
        "audio": waves((ROWS, 2, 24, 16), step + 0.5, 1.0),
        "video_id": rows,
        "index": rows % 20,
    }
    twice = torch.stack([rows, rows + 1], dim=1)
    for place, name in enumerate(("video", "audio")):
        batch[f"{name}_speed"] = (twice + place) % 4
        batch[f"{name}_direction"] = (twice // 2) % 2
    for place, pair in enumerate(("vv", "aa", "va")):
        batch[f"order_{pair}"] = (rows + place) % 3
    asked = [name for name in batch if name.startswith("order") or name.endswith(("speed", "direction"))]
    return batch | {f"{name}_weight": torch.ones(batch[name].shape) for name in asked}


def losses_of(method: Method) -> list[float]:
    # in training, batch norm would enlarge the rounding of rows that are so alike
    model = create("avt_tiny", num_mel_bins=16).eval()
    with torch.no_grad():
        for index, (_, parameter) in enumerate(sorted(model.named_parameters())):
            if parameter.dim() > 1:
                parameter.copy_(waves(tuple(parameter.shape), index, 0.1))
    settings = TemporalSettings(method=method, mining=CERTAIN, temperature=0.5)
    objective = make_temporal_objective(
        settings, num_clips=20, batch=ROWS, total_batches=STEPS, projection_dim=16
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    losses = []
    for step in range(STEPS):
        torch.manual_seed(step)
        optimizer.zero_grad()
        loss = objective(model, batch_of(step))["loss"]
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


GOLDEN: dict[Method, list[float]] = {
    "avt": [10.93433, 12.95223, 11.66796, 12.45382, 13.03041, 13.40207],
    "infonce": [10.93433, 10.79007, 10.80071, 10.77838, 10.7888, 10.79935],
    "nnclr": [10.93433, 10.79008, 10.80071, 10.77837, 10.78879, 10.79935],
    "avid": [15.18836, 16.09274, 16.12447, 16.11556, 16.14857, 14.3533],
    "gdt": [9.74438, 9.53881, 9.5438, 9.524, 9.54065, 9.54314],
}


@pytest.mark.parametrize("method", GOLDEN)
def test_losses_stay(method: Method) -> None:
    assert losses_of(method) == pytest.approx(GOLDEN[method], rel=1e-4)
