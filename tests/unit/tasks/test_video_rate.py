"""Fine-tuning with the video encoder's own learning rate."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from avtool.core.errors import BadInputError
from avtool.models.load import load_model
from avtool.models.registry import create
from avtool.tasks.classification.network import video_group
from avtool.tasks.classification.recipe import FinetuneRecipe
from avtool.training.optimizers import Optimizers
from tests.harness import run_avtool, write_video_clips

torch.set_num_threads(1)


def recipe(name: str, **values: Any) -> FinetuneRecipe:
    return FinetuneRecipe.model_validate({"model": {"name": name}, "video_encoder": {"rate": 0.5}, **values})


@pytest.mark.parametrize("name", ["mavil_tiny", "mbt_tiny"])
def test_what_belongs_to_video_alone_is_the_group(name: str) -> None:
    model = create(name)
    (group,) = video_group(recipe(name), model)
    found = {parameter for part in group.parts for parameter in part.parameters()}
    named = {key for key, value in model.named_parameters() if value in found}
    assert named == {key for key, _ in model.named_parameters() if ".video." in key}
    assert named
    values = recipe(name, optimizer={"layer_decay": 0.75})
    groups = Optimizers(model, values.main, (), [group])["main"].param_groups
    assert {one["group"] for one in groups} == {"", "video"}
    assert len({one["scale"] for one in groups if one["group"] == "video"}) > 2  # layer decay goes on within


def test_the_log_and_the_weights_show_the_rate(tmp_path: Path) -> None:
    films = write_video_clips(tmp_path / "films", count=4)
    (films / "labels").mkdir()
    (films / "labels" / "classes.csv").write_text("index,label\n0,a\n1,b\n")
    moved = {}
    for rate in (1e-9, 1.0):
        out = tmp_path / f"run-{rate}"
        keys = ["data.audio.num_mel_bins=32", "data.video.size=32", "data.video.num_frames=4",
                f"video_encoder.rate={rate}", "loop.workers=0", "loop.log_every=1"]  # fmt: skip
        given = [part for key in keys for part in ("--set", key)]
        line = ["--model", "mavil_tiny", "--seconds", "1.28", "--task", "multi-label", "--max-steps", "2"]
        done = run_avtool("finetune", films, *line, *given, "--device", "cpu", "--out", out)
        assert done.code == 0, done.stderr
        first = json.loads((out / "metrics.jsonl").read_text().splitlines()[0])
        assert rate == 1.0 or first["lr/video"] == pytest.approx(rate * first["lr"])
        weights = load_model(out).model.state_dict()
        moved[rate] = {
            part: weights[f"encoder.{part}.blocks.0.mlp.fc1.weight"] for part in ("audio", "video")
        }
    still = (moved[1e-9]["video"] - moved[1.0]["video"]).abs().max()
    assert still > 1e-4  # Adam's steps of 1e-3 are missing


@pytest.mark.parametrize(
    ("name", "model", "words"),
    [
        ("cnn_tiny", {}, "needs encoders of audio and of video; `cnn_tiny` has not both"),
        ("audio_mae_tiny", {}, "has not both"),
        ("mavil_tiny", {"modalities": ("video",)}, "has not both"),
        ("mbt_tiny", {"freeze": True}, "no effect on a frozen encoder"),
    ],
)
def test_it_is_refused_where_there_is_nothing_to_set(name: str, model: dict, words: str) -> None:
    arguments = {"modalities": model["modalities"]} if "modalities" in model else {}
    with pytest.raises(BadInputError) as caught:
        video_group(recipe(name, model={"name": name, **model}), create(name, **arguments))
    assert words in str(caught.value)
