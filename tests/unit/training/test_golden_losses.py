"""Ten steps of the loop give the losses on record: a refactor keeps them, a change of numbers shows itself.

`AVTOOL_REGENERATE_GOLDEN=1 pytest tests/unit/training/test_golden_losses.py` writes them anew; the commit
says why they changed.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch

from avtool.training.loop import fit
from avtool.training.metrics_log import read_metrics
from tests.unit.training.synthetic_training import make_task, recipe

torch.set_num_threads(1)
RECORD = Path(__file__).parents[2] / "golden" / "training_losses.json"
CASES: dict[str, dict[str, Any]] = {
    "adamw, cosine, moving average": {},
    "sgd, one-cycle, class-balanced": {
        "optimizer": {"name": "sgd", "lr": 0.02},
        "schedule": {"name": "one-cycle"},
        "sampler": {"name": "class-balanced"},
    },
    "adam, steps, layer decay, grouped": {
        "optimizer": {"name": "adam", "weight_decay": 5e-7, "betas": [0.95, 0.999], "layer_decay": 0.75},
        "schedule": {"name": "step", "warmup_steps": 3, "step_from": 1},
        "sampler": {"name": "grouped"},
    },
}


def ten_losses(tables: dict[str, Any], folder: Path) -> list[float]:
    loop = {"max_steps": 10, "log_every": 1, "checkpoint_every": "never"}
    fit(make_task(validate=None), recipe(**tables, loop=loop), folder)
    return [line["loss"] for line in read_metrics(folder / "metrics.jsonl")]


@pytest.mark.parametrize("name", CASES)
def test_ten_steps_give_the_losses_on_record(name: str, tmp_path: Path) -> None:
    losses = ten_losses(CASES[name], tmp_path)
    if os.environ.get("AVTOOL_REGENERATE_GOLDEN") == "1":
        record = json.loads(RECORD.read_text()) if RECORD.is_file() else {}
        record[name] = [round(loss, 6) for loss in losses]
        RECORD.write_text(json.dumps(record, indent=1) + "\n")
    assert losses == pytest.approx(json.loads(RECORD.read_text())[name], rel=1e-4)
