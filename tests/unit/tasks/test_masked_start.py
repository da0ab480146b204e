"""A classifier over a masked encoder starts from a pretraining of it."""

from pathlib import Path
from typing import Any

import pytest
import torch

from avtool.core.errors import BadInputError
from avtool.core.reporter import Recorder
from avtool.models.model_folder import ModelDescription, save_model
from avtool.models.registry import create
from avtool.models.start import load_start

torch.set_num_threads(1)


@pytest.mark.parametrize("family", ["mae", "audio_mae", "video_mae", "mavil"])
def test_the_encoder_of_a_run_is_taken_and_the_decoder_left(family: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    builder = f"{family}_tiny_pretrain"
    pretrained = create(builder)
    save_model(tmp_path / "model", pretrained.state_dict(), ModelDescription(builder))
    model: Any = create(f"{family}_tiny")
    reporter = Recorder()
    load_start(model, f"{family}_tiny", tmp_path / "model", reporter)
    theirs = pretrained.state_dict()
    of_encoder = {name: value for name, value in model.state_dict().items() if name.startswith("encoder.")}
    assert all(torch.equal(value, theirs[name]) for name, value in of_encoder.items())
    assert any("`decoder` skipped" in line for line in reporter.infos)
    assert (
        "weights: not in the weights: fc_norm.weight, fc_norm.bias, head.weight, head.bias" in reporter.infos
    )


def test_another_length_needs_consent(tmp_path: Path) -> None:
    builder = "audio_mae_tiny_pretrain"
    long = create(builder, num_frames=256)
    save_model(tmp_path / "model", long.state_dict(), ModelDescription(builder, {"num_frames": 256}))
    name, start = "audio_mae_tiny", tmp_path / "model"
    with pytest.raises(BadInputError, match="position grid of the weights is 16x2 and the model's is 8x2"):
        load_start(create(name), name, start, Recorder())
    load_start(create(name), name, start, Recorder(), interpolate=True)
