"""Ten steps from fixed numbers: a refactor keeps these losses, a change of numbers explains itself."""

import math
from functools import partial
from typing import Any

import pytest
import torch

from avtool.models.registry import create
from avtool.objectives.classification import CRITERIA, Classification

torch.set_num_threads(1)  # tiny matrices: threads would only wait for each other


def waves(shape: torch.Size | tuple[int, ...], phase: float, scale: float) -> torch.Tensor:
    """Numbers that look random and are the same on every machine."""
    count = torch.arange(math.prod(shape), dtype=torch.float64)
    return (
        (scale * torch.sin(1.7 * count + 0.37 * torch.sin(0.11 * count**1.5) + phase)).reshape(shape).float()
    )


def ten_losses(name: str, task: Classification, batch: dict[str, torch.Tensor]) -> list[float]:
    model = create(name, **({"dropout": 0.0} if name == "cnn_tiny" else {}))
    with torch.no_grad():
        for index, (key, parameter) in enumerate(sorted(model.named_parameters())):
            if parameter.dim() > 1:
                parameter.copy_(waves(parameter.shape, index, 0.1))
            elif key.endswith("bias"):
                parameter.zero_()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.005, momentum=0.9)
    losses = []
    for _ in range(10):
        optimizer.zero_grad()
        loss = task(model, batch)["loss"]
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


LABELS = torch.arange(4)
CASES: dict[str, tuple[Classification, dict[str, Any], list[float]]] = {
    "cnn_tiny": (
        Classification(("audio",), partial(CRITERIA["single-label"], smoothing=0.1)),
        {"audio": waves((4, 64, 32), 0.3, 1.0), "label": LABELS},
        [2.31447, 2.067557, 1.801433, 1.553351, 1.334571, 1.212162, 1.110652, 1.032046, 0.971816, 0.93139],
    ),
    "ast_tiny": (
        Classification(("audio",), CRITERIA["multi-label-sum"]),
        {"audio": waves((4, 128, 64), 0.3, 1.0), "label": torch.eye(10)[LABELS]},
        [7.503303, 6.970374, 5.669497, 4.705939, 3.841316, 3.276155, 2.921545, 2.681475, 2.530149, 2.412453],
    ),
    "mbt_tiny": (
        Classification(("audio", "video"), CRITERIA["single-label"], each_modality=True),
        {"audio": waves((4, 32, 16), 0.3, 1.0), "video": waves((4, 3, 4, 16, 16), 0.6, 1.0), "label": LABELS},
        [2.314942, 2.279006, 2.256299, 2.234856, 2.204144, 2.161033, 2.10739, 2.04856, 1.985336, 1.916412],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_ten_losses(name: str) -> None:
    task, batch, golden = CASES[name]
    losses = ten_losses(name, task, batch)
    assert losses == pytest.approx(golden, rel=1e-4)
    assert losses[-1] < losses[0]
