"""The training loop on a GPU: every precision learns, and a stopped run goes on where it was."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from avtool.models.model_folder import ModelDescription
from avtool.models.registry import create
from avtool.training.loop import fit
from avtool.training.metrics_log import read_metrics
from avtool.training.recipe import TrainRecipe
from avtool.training.task import Training

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]


class StoppedError(Exception):
    """Ends a run in the middle."""


def make_task(stop_at: int = 0) -> Training:
    torch.manual_seed(0)
    audio = torch.zeros(40, 16, 32)
    for index in range(40):
        audio[index, :, 3 * (index % 10) : 3 * (index % 10) + 3] = 1
    calls = [0]

    def objective(model: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        calls[0] += 1
        if calls[0] == stop_at:
            raise StoppedError
        logits = model(batch["audio"]).logits
        return {"loss": nn.functional.cross_entropy(logits, batch["label"])}

    def collate(rows: list[tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
        sounds, labels = zip(*rows, strict=True)
        return {"audio": torch.stack(sounds), "label": torch.stack(labels)}

    data: Any = TensorDataset(audio, torch.arange(40) % 10)
    return Training(create("cnn_tiny"), objective, data, collate, ModelDescription("cnn_tiny"))


def recipe(precision: str) -> TrainRecipe:
    loop = {"epochs": 12, "batch_size": 8, "workers": 1, "tensorboard": False, "log_every": 5}
    runtime = {"device": "cuda", "precision": precision}
    return TrainRecipe.model_validate({"loop": loop, "runtime": runtime, "optimizer": {"lr": 0.01}})


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_a_stopped_run_goes_on_and_learns(precision: str, tmp_path: Path) -> None:
    fit(make_task(), recipe(precision), tmp_path / "whole")
    with pytest.raises(StoppedError):
        fit(make_task(stop_at=33), recipe(precision), tmp_path / "stopped")
    assert fit(make_task(), recipe(precision), tmp_path / "stopped").resumed_from == 30
    whole, stopped = (read_metrics(tmp_path / name / "metrics.jsonl") for name in ("whole", "stopped"))
    assert whole[-1]["loss"] < 0.5 * whole[0]["loss"]
    assert stopped[-1]["loss"] == pytest.approx(whole[-1]["loss"], rel=0.2, abs=0.05)
