"""Ten steps of the loop give the losses on record: a refactor keeps them, a change of numbers shows itself.

`AVTOOL_REGENERATE_GOLDEN=1 pytest tests/unit/training/test_golden_losses.py` writes them anew; the commit
says why they changed.
"""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import torch

from avtool.core.reporter import Silent
from avtool.tasks.dense_captioning.recipe import DenseCaptioningRecipe
from avtool.tasks.dense_captioning.task import DenseCaptioningTask
from avtool.tasks.dense_prediction.recipe import DensePredictionRecipe
from avtool.tasks.dense_prediction.task import DensePredictionTask
from avtool.tasks.generation.recipe import VideoAutoencoderRecipe, VideoDiffusionRecipe
from avtool.tasks.generation.task import VideoAutoencoderTask, VideoDiffusionTask
from avtool.tasks.localisation.recipe import LocalisationRecipe
from avtool.tasks.localisation.task import LocalisationTask
from avtool.training.loop import fit
from avtool.training.metrics_log import read_metrics
from avtool.training.recipe import TrainRecipe
from avtool.training.task import Training
from tests.annotated_images import write_annotated
from tests.captioned_films import write_captioned
from tests.harness import save_autoencoder, write_video_clips
from tests.queried_films import write_queried
from tests.unit.training.synthetic_training import make_task, recipe

torch.set_num_threads(1)
RECORD = Path(__file__).parents[2] / "golden" / "training_losses.json"
VIDEOS = {"model": {"name": "pvdm_autoencoder_tiny"}, "data": {"size": "32", "frames": 4, "windows": 2}}
YOLOS = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "patch_size": 8,
         "intermediate_size": 64, "num_detection_tokens": 5, "image_size": [64, 64]}  # fmt: skip
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
    "captioned films, sgd of Nesterov": {
        "model": {"name": "masked_transformer_tiny"},
        "data": {"step": 0.5, "window": 60, "least_words": 1},
        "loss": {"given": 0.8},
        "optimizer": {"name": "sgd", "lr": 0.02, "momentum": 0.95, "nesterov": True},
    },
    "queries of four kinds": {
        "model": {"name": "minotaur_tiny"},
        "data": {"window": 16, "stride": 2},
        "loss": {"sigma": 2.0},
        "optimizer": {"lr": 1e-4, "clip_norm": 1.0},  # more, and rounding grows past 1e-4 in ten steps
        "schedule": {"warmup_epochs": 0.0},
    },
    "queries over films, a match of frames": {
        "model": {"name": "minotaur_tiny", "arguments": {"match": True}},
        "data": {"window": 16},
        "loss": {"contrastive": 5.0},
        "optimizer": {"lr": 1e-4},
    },
    "boxes of images, a set loss": {
        "model": {"name": "yolos-ti", "options": YOLOS},
        "data": {"side": 64},
        "optimizer": {"lr": 5e-4, "clip_norm": 0.1},
    },
    "classes of pixels, a backbone's own rate": {
        "model": {"name": "segformer-b0", "options": {"hidden_sizes": [8, 16, 32, 64]}},
        "data": {"side": 64},
        "backbone": {"rate": 0.1},
    },
    "video autoencoder, stage 1": {**VIDEOS, "optimizer": {"lr": 1e-3, "betas": [0.5, 0.9]}},
    "video autoencoder, stage 2": {**VIDEOS, "stage": 2, "loss": {"widths": [8, 16]}},
    "video diffusion": {
        "model": {"name": "pvdm_unet_tiny"},
        "data": {"windows": 3, "conditional": 0.5},
        "optimizer": {"lr": 1e-3},
        "ema": {"decay": 0.9},
    },
}
DENSE = {"yolos-ti", "segformer-b0"}
QUERIES, UNET = "minotaur_tiny", "pvdm_unet_tiny"


def training_of(tables: dict[str, Any], folder: Path) -> tuple[Training, TrainRecipe]:
    own = {name: table for name, table in tables.items() if name not in TrainRecipe.model_fields}
    rest = {name: table for name, table in tables.items() if name not in own}
    common = recipe(**rest, loop={"max_steps": 10, "log_every": 1, "checkpoint_every": "never"})
    if not own:
        return make_task(validate=None), common
    if own["model"]["name"] == QUERIES:
        table = write_queried(folder, val=0)
        own["data"] = {**own["data"], "index": str(folder / "index"), "text_encoder": str(folder / "text")}
        queries = LocalisationRecipe.model_validate({**common.model_dump(), **own})
        return LocalisationTask(table, queries, Silent()).prepare(), queries
    if own["model"]["name"] in DENSE:
        dense = DensePredictionRecipe.model_validate({**common.model_dump(), **own})
        return DensePredictionTask(write_annotated(folder), dense, Silent()).prepare(), dense
    if own["model"]["name"] in {UNET, VIDEOS["model"]["name"]}:
        return video_training(own, common, folder)
    own["data"] = {**own["data"], "features": [str(folder / "features")]}
    films = DenseCaptioningRecipe.model_validate({**common.model_dump(), **own})
    return DenseCaptioningTask(write_captioned(folder, val=0), films, Silent()).prepare(), films


def video_training(own: dict[str, Any], common: TrainRecipe, folder: Path) -> tuple[Training, TrainRecipe]:
    """PVDM's autoencoder from fixed weights, or its U-Net over the latents of these."""
    films, start = write_video_clips(folder, 4, seconds=1.0), save_autoencoder(folder / "start")
    tables = {**common.model_dump(), **own}
    if own["model"]["name"] == UNET:
        tables["model"] = {**own["model"], "autoencoder": start}
        diffusion = VideoDiffusionRecipe.model_validate(tables)
        return VideoDiffusionTask(films, diffusion, Silent()).prepare(), diffusion
    tables["model"] = {**own["model"], "init": start}
    autoencoder = VideoAutoencoderRecipe.model_validate(tables)
    return VideoAutoencoderTask(films, autoencoder, Silent()).prepare(), autoencoder


def ten_losses(tables: dict[str, Any], folder: Path) -> list[float]:
    """The loss of each step: where phases take turns, that of the step's own."""
    fit(*training_of(tables, folder / "films"), folder)
    lines = [line for line in read_metrics(folder / "metrics.jsonl") if line["split"] == "train"]
    return [next(value for name, value in line.items() if re.search(r"\bloss$", name)) for line in lines]


@pytest.mark.parametrize("name", CASES)
def test_ten_steps_give_the_losses_on_record(name: str, cache: Path, tmp_path: Path) -> None:
    losses = ten_losses(CASES[name], tmp_path)
    if os.environ.get("AVTOOL_REGENERATE_GOLDEN") == "1":
        record = json.loads(RECORD.read_text()) if RECORD.is_file() else {}
        record[name] = [round(loss, 6) for loss in losses]
        RECORD.write_text(json.dumps(record, indent=1) + "\n")
    assert losses == pytest.approx(json.loads(RECORD.read_text())[name], rel=1e-4)
