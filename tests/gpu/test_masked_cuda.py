"""Masked models on a GPU, beside the CPU."""

from typing import Any

import pytest
import torch
from torch import Tensor

from avtool.models.registry import create
from avtool.objectives.masked.mavil import MAViLStage1, MAViLStage2
from avtool.objectives.masked.reconstruction import MaskedReconstruction

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]
CASES: dict[str, dict[str, Any]] = {
    "mae_tiny_pretrain": {},
    "audio_mae_tiny_pretrain": {"decoder": "window", "num_mel_bins": 128},
    "video_mae_tiny_pretrain": {},
    "mavil_tiny_pretrain": {},
}


def setup(name: str) -> tuple[Any, Any, dict[str, Tensor]]:
    torch.manual_seed(0)
    model: Any = create(name, **CASES[name])
    batch = {}
    for modality, grid in model.grids.items():
        batch[modality] = torch.randn(4, *(() if modality == "audio" else (3,)), *grid.size)
    for key in model.masked_inputs:
        if "noise" in key:
            batch[key] = torch.rand(4, model.grids[key.split("_")[0]].num_tokens)
    return model, MAViLStage1() if name.startswith("mavil") else MaskedReconstruction(), batch


def cuda(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.cuda() for name, value in batch.items()}


@pytest.mark.parametrize("name", CASES)
def test_losses_and_masks_equal_those_of_the_cpu(name: str) -> None:
    model, objective, batch = setup(name)
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        expected = objective(model, batch)
        found = objective.cuda()(model.cuda(), cuda(batch))
    finally:
        torch.set_float32_matmul_precision(before)
    for key, value in expected.items():
        torch.testing.assert_close(found[key].detach().cpu(), value.detach(), rtol=1e-4, atol=1e-5, msg=key)


@pytest.mark.parametrize("name", CASES)
def test_a_training_step_in_bfloat16_stays_finite(name: str) -> None:
    model, objective, batch = setup(name)
    model, objective = model.cuda(), objective.cuda()
    with torch.autocast("cuda", dtype=torch.bfloat16):
        loss = objective(model, cuda(batch))["loss"]
    loss.backward()
    assert all(bool(parameter.grad.isfinite().all()) for parameter in model.parameters())


def test_a_student_learns_from_a_teacher_in_bfloat16() -> None:
    teacher, _, batch = setup("mavil_tiny_pretrain")
    student: Any = create("mavil_tiny_pretrain", predicts="features").cuda()
    objective = MAViLStage2(teacher).cuda()
    optimizer = torch.optim.AdamW(student.parameters(), lr=1e-3, fused=True)
    losses = []
    for _ in range(30):
        with torch.autocast("cuda", dtype=torch.bfloat16):
            loss = objective(student, cuda(batch))["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.slow
def test_compiled_and_plain_models_agree() -> None:
    model, objective, batch = setup("mae_tiny_pretrain")
    model, objective = model.cuda(), objective.cuda()
    plain = objective(model, cuda(batch))["loss"]
    model.compile()
    torch.testing.assert_close(objective(model, cuda(batch))["loss"], plain, rtol=1e-3, atol=1e-4)
