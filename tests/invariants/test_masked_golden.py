"""Ten steps from fixed numbers: a refactor keeps these losses, a change of numbers explains itself."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from avtool.models.registry import create
from avtool.objectives.masked.mavil import MAViLStage1, MAViLStage2
from avtool.objectives.masked.reconstruction import MaskedReconstruction

torch.set_num_threads(1)
SHAPES = {"image": (3, 32, 32), "audio": (128, 32), "video": (3, 4, 32, 32)}


def waves(shape: tuple[int, ...] | torch.Size, phase: float, scale: float) -> Tensor:
    """Numbers that look random and are the same on every machine."""
    count = torch.arange(math.prod(shape), dtype=torch.float64)
    wave = torch.sin(1.7 * count + 0.37 * torch.sin(0.11 * count**1.5) + phase)
    return (scale * wave).reshape(shape).float()


def fixed(name: str, phase: float = 0.0, **overrides: Any) -> Any:
    """A model whose matrices and tokens are waves."""
    model: Any = create(name, **overrides)
    with torch.no_grad():
        for index, (key, parameter) in enumerate(sorted(model.named_parameters())):
            if parameter.dim() > 1:
                parameter.copy_(waves(parameter.shape, index + phase, 0.1))
            elif key.endswith("bias"):
                parameter.zero_()
    return model


def ten_losses(model: Any, objective: nn.Module) -> list[float]:
    batch = {name: waves((4, *SHAPES[name]), 0.3, 1.0) for name in model.inputs}
    for index, name in enumerate(name for name in model.masked_inputs if "noise" in name):
        length = model.grids[name.split("_")[0]].num_tokens
        batch[name] = (waves((4, length), index, 0.5) + 0.5).clamp(0, 0.9999)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    losses = []
    for _ in range(10):
        optimizer.zero_grad()
        loss = objective(model, batch)["loss"]
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


CASES: dict[str, tuple[Callable[[], tuple[Any, nn.Module]], list[float]]] = {
    "image": (
        lambda: (fixed("mae_tiny_pretrain"), MaskedReconstruction()),
        [1.051584, 1.042323, 1.029892, 1.020015, 1.014772, 1.013189, 1.013309, 1.013594, 1.013313, 1.01235],
    ),
    "windows": (
        lambda: (fixed("audio_mae_tiny_pretrain", decoder="window"), MaskedReconstruction()),
        [1.062848, 1.237179, 1.0103, 1.012136, 1.007865, 1.005006, 1.003241, 1.001932, 1.000753, 0.999511],
    ),
    "tubes": (
        lambda: (fixed("video_mae_tiny_pretrain"), MaskedReconstruction("channel")),
        [1.106102, 1.081705, 1.051613, 1.030292, 1.020555, 1.018849, 1.020792, 1.02331, 1.024831, 1.024896],
    ),
    "mavil, stage 1": (
        lambda: (fixed("mavil_tiny_pretrain"), MAViLStage1()),
        [2.441193, 2.296176, 2.185081, 2.124925, 2.096363, 2.090548, 2.094297, 2.09874, 2.100371, 2.098605],
    ),
    "mavil, stage 2": (
        lambda: (
            fixed("mavil_tiny_pretrain", predicts="features"),
            MAViLStage2(fixed("mavil_tiny_pretrain", phase=0.5)),
        ),
        [2.482353, 2.291748, 2.123861, 2.01173, 1.935618, 1.879009, 1.828323, 1.775111, 1.719392, 1.664965],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_ten_losses(name: str) -> None:
    build, golden = CASES[name]
    losses = ten_losses(*build())
    assert losses == pytest.approx(golden, rel=1e-4)
    assert losses[-1] < losses[0]
