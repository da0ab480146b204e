"""Detectors and segmenters trained on COCO-style annotations: learning, labels, model folders, bad input."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torchvision.ops import box_iou

from avtool.core.errors import BadInputError
from avtool.core.recipe import validate
from avtool.core.reporter import Silent
from avtool.models.zoo.catalogue import find_row
from avtool.models.zoo.dense_prediction import processor_of, scaled_size
from avtool.tasks.dense_prediction.annotated import AnnotatedImages
from avtool.tasks.dense_prediction.recipe import DensePredictionRecipe
from avtool.tasks.dense_prediction.samples import DenseSamples, collate_dense
from avtool.tasks.dense_prediction.task import DensePredictionTask
from avtool.training.memory import kept_bytes
from avtool.training.task import Training
from tests.annotated_images import BOXES, NAMES, SIDE, annotations, write_annotated
from tests.harness import run_avtool

SWIN = {"model_type": "swin", "embed_dim": 16, "depths": [1, 1, 1, 1], "num_heads": [1, 2, 4, 8],
        "window_size": 2, "out_features": ["stage1", "stage2", "stage3", "stage4"]}  # fmt: skip
TINY: dict[str, dict[str, Any]] = {
    "yolos-ti": {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "patch_size": 8,
                 "intermediate_size": 64, "num_detection_tokens": 5, "image_size": [SIDE, SIDE]},
    "conditional-detr-r50": {"backbone": "resnet10t", "encoder_layers": 1, "decoder_layers": 1, "d_model": 32,
                             "encoder_attention_heads": 2, "decoder_attention_heads": 2, "num_queries": 5},
    "segformer-b0": {"hidden_sizes": [8, 16, 32, 64], "decoder_hidden_size": 16},
    "mask2former-swin-t-coco-instance": {"backbone_config": SWIN, "hidden_dim": 32, "feature_size": 32,
                                         "mask_feature_size": 32, "num_attention_heads": 2, "num_queries": 6,
                                         "encoder_layers": 1, "decoder_layers": 2, "dim_feedforward": 32,
                                         "encoder_feedforward_dim": 32, "train_num_points": 64},
    "maskformer-swin-t-ade20k": {"backbone_config": SWIN, "fpn_feature_size": 32, "mask_feature_size": 32,
                                 "decoder_config": {"model_type": "detr", "decoder_layers": 1, "d_model": 32,
                                                    "decoder_attention_heads": 2, "num_queries": 6}},
    "segmenter-seg-s-mask-16": {"embed_dim": 64, "depth": 1},
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_annotated(tmp_path / "data", val=True, masks=True)


def samples_of(folder: Path, name: str, flip: float = 0.0, masks: Path | None = None) -> DenseSamples:
    row, data = find_row(name), AnnotatedImages(folder / "train.json", None, masks)
    names = data.names(pixels=row.task == "segmentation" and "instance" not in row.name, background=True)
    return DenseSamples(data, row, names, processor_of(row, SIDE), 0, flip)


def training_of(folder: Path, name: str) -> Training:
    values = {"model": {"name": name, "options": TINY[name]}, "data": {"side": SIDE}}
    recipe = validate(DensePredictionRecipe, values, "test")
    return DensePredictionTask(folder, recipe, Silent()).prepare()


@pytest.mark.slow
def test_a_detector_learns_four_images_by_the_command(folder: Path, tmp_path: Path) -> None:
    done = run_avtool(
        "train", "dense-prediction", folder, "--recipe", "train/detr-tiny", "--device", "cpu", "--json",
        "--out", tmp_path / "run",
    )  # fmt: skip
    assert done.code == 0, done.stderr
    assert done.json["result"]["metrics"]["AP"] > 0.7
    images = sorted((folder / "images").iterdir())
    found = run_avtool(
        "zoo", "run", "detr-r50", *images, "--weights", tmp_path / "run", "--device", "cpu",
        "--out", tmp_path / "found",
    )  # fmt: skip
    assert found.code == 0, found.stderr
    for number, box in enumerate(BOXES):
        line = json.loads((tmp_path / f"found/{number}-detr-r50.jsonl").read_text())
        one = max(line["boxes"], key=lambda found: found["score"])
        assert one["label"] == NAMES[number]
        assert float(box_iou(torch.tensor([one["box"]]), torch.tensor([box]).float())) > 0.7


@pytest.mark.slow
def test_a_segmenter_learns_four_masks_by_the_command(folder: Path, tmp_path: Path) -> None:
    done = run_avtool(
        "train", "dense-prediction", folder, "--recipe", "train/segformer-tiny", "--device", "cpu", "--json",
        "--masks", folder / "masks", "--out", tmp_path / "run",
    )  # fmt: skip
    assert done.code == 0, done.stderr
    assert done.json["result"]["metrics"]["mIoU"] > 0.9
    scored = run_avtool(
        "zoo", "score", "segformer-b0", folder / "val.json", "--weights", tmp_path / "run", "--device", "cpu",
        "--json",
    )  # fmt: skip
    assert scored.json["scores"]["metrics"]["mIoU"] > 0.9  # of the polygons


def test_boxes_are_centres_and_sizes_and_flip_with_their_image(folder: Path) -> None:
    left, top, right, bottom = BOXES[0]
    plain, flipped = samples_of(folder, "detr-r50")[0], samples_of(folder, "detr-r50", flip=1.0)[0]
    expected = torch.tensor([(left + right) / 2, (top + bottom) / 2, right - left, bottom - top]) / SIDE
    torch.testing.assert_close(plain["boxes"][0], expected)
    torch.testing.assert_close(flipped["boxes"][0, 0], 1 - expected[0])
    torch.testing.assert_close(flipped["image"], plain["image"].flip(-1))
    assert plain["class_labels"].tolist() == [0]  # of the ids 3, 7, 20, 90


@pytest.mark.parametrize("masks", [False, True])
def test_classes_of_pixels_are_those_of_polygons_and_of_pngs(folder: Path, masks: bool) -> None:
    samples = samples_of(folder, "segformer-b0", masks=folder / "masks" if masks else None)
    for number, (left, top, right, bottom) in enumerate(BOXES):
        expected = np.zeros((SIDE, SIDE), np.int64)
        expected[top:bottom, left:right] = 1 + number
        assert np.array_equal(samples[number]["labels"].numpy(), expected)


def test_images_of_other_sizes_are_padded_and_masked(folder: Path) -> None:
    first, second = samples_of(folder, "detr-r50")[0], samples_of(folder, "detr-r50")[1]
    second = {**second, "image": second["image"][:, :, :40], "image_mask": second["image_mask"][:, :40]}
    batch = collate_dense([first, second])
    assert batch["image"].shape == (2, 3, SIDE, SIDE)
    assert batch["image_mask"].sum(dim=(1, 2)).tolist() == [SIDE * SIDE, SIDE * 40]
    assert not batch["image"][1, :, :, 40:].any()


@pytest.mark.parametrize("name", TINY)
def test_every_kind_of_row_has_a_loss_and_gradients(folder: Path, name: str) -> None:
    training = training_of(folder, name)
    batch = training.collate([training.samples[index] for index in range(2)])
    scores = training.objective(training.model.train(), batch)
    scores["loss"].backward()
    assert torch.isfinite(scores["loss"])
    assert any(
        parameter.grad is not None and parameter.grad.any() for parameter in training.model.parameters()
    )
    assert training.validate is not None
    with torch.no_grad():
        metrics = training.validate(training.model.eval(), torch.device("cpu"))
    assert np.isfinite(metrics["loss"])
    assert training.metric in metrics


def test_weights_of_other_classes_start_all_but_the_class_layer(folder: Path, tmp_path: Path) -> None:
    training = training_of(folder, "yolos-ti")
    weights = dict(training.model.state_dict())
    last = next(name for name in weights if "class_labels_classifier" in name and weights[name].shape[0] == 5)
    weights[last] = torch.zeros(9, *weights[last].shape[1:])
    torch.save(weights, tmp_path / "start.pt")
    values = {"model": {"name": "yolos-ti", "options": TINY["yolos-ti"], "init": tmp_path / "start.pt"}}
    values |= {"data": {"side": SIDE}, "seed": 1}  # type: ignore[dict-item]
    task = DensePredictionTask(folder, validate(DensePredictionRecipe, values, "test"), Silent())
    started = task.prepare().model.state_dict()
    assert [name for name in weights if not torch.equal(weights[name], started[name])] == [last]


def broken(change: Callable[[dict[str, Any]], None]) -> str:
    value = annotations()
    change(value)
    return json.dumps(value)


WRONG = {
    "is no COCO-style file": "{",
    "has no images": json.dumps({"images": [], "annotations": [], "categories": []}),
    "1 of 4 images": broken(lambda value: value["images"][2].update(file_name="gone.png")),
    "is outside the folder": broken(lambda value: value["images"][0].update(file_name="../../secret.png")),
    "leaves its image of 64x64": broken(lambda value: value["annotations"][1].update(bbox=[50, 4, 40, 9])),
    "is of no listed category (5)": broken(lambda value: value["annotations"][1].update(category_id=5)),
    "is of no listed image (99)": broken(lambda value: value["annotations"][1].update(image_id=99)),
    "has no box": broken(lambda value: value["annotations"][1].pop("bbox")),
    "has no width and height": broken(lambda value: value["images"][1].pop("width")),
    "has two categories `red`": broken(lambda value: value["categories"][1].update(name="red")),
}


for _value, _message in (
    ([[1, 2, 3]], "has a polygon of 3 numbers"),
    ([1, 2, 3, 4, 5, 6], "has 1 in the place of a polygon"),
    ([[1, 2, None, 4, 5, 6]], "has a polygon of something else than numbers"),
    ([[float("nan"), 1, 2, 3, 4, 5]], "or has a number that is none"),
    ([[1, 2, 3, 4, 5, 1e8]], "is far outside its image of 64x64"),
    ("x", "the segmentation is 'x'"),
    ({"counts": [4096], "size": [64, "a"]}, "is of size [64, 'a'], its image of [64, 64]"),
    ({"counts": [-5, 4101], "size": [64, 64]}, "has no run lengths"),
    ({"counts": [4096000], "size": [64, 64]}, "has more run lengths than pixels"),
):
    WRONG[_message] = broken(lambda value, it=_value: value["annotations"][2].update(segmentation=it))  # type: ignore[misc]


def test_run_lengths_that_pycocotools_refuses_are_named_with_file_and_annotation(folder: Path) -> None:
    value = annotations()
    value["annotations"][2]["segmentation"] = {"counts": "oooooooooooooooooo", "size": [64, 64]}
    (folder / "train.json").write_text(json.dumps(value))
    with pytest.raises(BadInputError, match=r"train\.json`: annotation 3 has no mask \(Invalid RLE"):
        samples_of(folder, "segformer-b0")[2]


@pytest.mark.parametrize("message", WRONG)
def test_wrong_annotations_are_named_in_a_line(folder: Path, message: str) -> None:
    (folder / "train.json").write_text(WRONG[message])
    task = DensePredictionTask(folder, validate(DensePredictionRecipe, {}, "test"), Silent())
    with pytest.raises(BadInputError) as caught:
        task.describe()
    assert message in caught.value.message
    assert "\n" not in caught.value.message


def test_the_command_refuses_what_it_cannot_train(folder: Path, tmp_path: Path) -> None:
    for words, message in (
        ((folder, "--model", "swin-t"), "classifies images"),
        ((tmp_path / "none",), "does not exist"),
        ((tmp_path,), "has no annotations"),
    ):
        done = run_avtool("train", "dense-prediction", *words, "--dry-run")
        assert done.code == 2
        assert message in done.stderr


def test_groups_and_empty_boxes_are_skipped_with_their_reasons(folder: Path) -> None:
    value = annotations()
    value["annotations"][0]["iscrowd"] = 1
    value["annotations"][1]["bbox"][2] = 0
    value["annotations"][2]["bbox"] = [64.2, 34, 0.8, 26]  # beside its image, by rounding
    (folder / "train.json").write_text(json.dumps(value))
    task = DensePredictionTask(folder, validate(DensePredictionRecipe, {}, "test"), Silent())
    assert [one.clip_id for one in task.skipped] == ["annotation 1", "annotation 2", "annotation 3"]
    assert task.describe()["train_objects"] == 1


@pytest.mark.parametrize("name", ["yolos-ti", "segformer-b0"])
def test_memory_is_counted_without_computing_products(folder: Path, name: str) -> None:
    """As much as the forward pass keeps that computes everything."""
    values = {
        "model": {"name": name, "options": TINY[name]},
        "data": {"side": SIDE},
        "loop": {"batch_size": 2},
    }
    task = DensePredictionTask(folder, validate(DensePredictionRecipe, values, "test"), Silent())
    network = task.build()[0].train()
    image, mask = torch.rand(2, 3, SIDE, SIDE), torch.ones(2, SIDE, SIDE, dtype=torch.int64)
    assert task.kept_bytes() == kept_bytes(network, lambda: network(image, mask)) > 10_000


def test_sizes_are_those_of_the_image_processor() -> None:
    image = np.zeros((300, 500, 3), np.uint8)
    for name, side in (("detr-r50", None), ("detr-r50", 64), ("segformer-b0", 128), ("yolos-ti", 96)):
        processor = processor_of(find_row(name), side)
        pixels = processor(images=[image], return_tensors="pt")["pixel_values"]
        assert tuple(pixels.shape[-2:]) == pytest.approx(scaled_size(processor, (300, 500)), abs=1)
