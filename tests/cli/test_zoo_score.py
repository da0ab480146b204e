"""`avtool zoo score`: networks whose output is constant have scores in closed form."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from avtool.core.errors import BadInputError
from avtool.evaluation.dense_prediction import (
    IGNORED,
    CocoAnnotations,
    PixelConfusion,
    average_precision,
    encoded,
)
from avtool.models.zoo.catalogue import find_row
from avtool.models.zoo.networks import build
from tests.harness import run_avtool

YOLOS = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
YOLOS |= {"num_detection_tokens": 1}
SEGFORMER = {"hidden_sizes": [8, 16, 24, 32], "num_attention_heads": [1, 1, 1, 1], "decoder_hidden_size": 16}
BOX = [16, 8, 32, 16]  # left, top, width, height in 64 x 32


def write_coco(folder: Path, second: list[int]) -> Path:
    """Two images of 64 x 32: a cat in each, that of the second elsewhere, and a crowd of dogs."""
    (folder / "images").mkdir(parents=True)
    for number in (1, 2):
        Image.fromarray(np.full((32, 64, 3), 90, np.uint8)).save(folder / "images" / f"{number}.png")
    boxes = [(1, 7, BOX, 0), (2, 7, second, 0), (2, 9, [0, 0, 8, 8], 1)]
    content = {
        "images": [
            {"id": number, "file_name": f"{number}.png", "width": 64, "height": 32} for number in (1, 2)
        ],
        "categories": [{"id": 7, "name": "cat"}, {"id": 9, "name": "dog"}],
        "annotations": [
            {
                "id": place, "image_id": image, "category_id": category, "bbox": box, "iscrowd": crowd,
                "area": box[2] * box[3],
                "segmentation": [polygon(box)] if not crowd else encoded(rectangle(box)),
            }
            for place, (image, category, box, crowd) in enumerate(boxes, start=1)
        ],
    }  # fmt: skip
    (folder / "instances.json").write_text(json.dumps(content))
    return folder / "instances.json"


def polygon(box: list[int]) -> list[int]:
    left, top, width, height = box
    return [left, top, left + width, top, left + width, top + height, left, top + height]


def rectangle(box: list[int]) -> np.ndarray:
    left, top, width, height = box
    mask = np.zeros((32, 64), bool)
    mask[top : top + height, left : left + width] = True
    return mask


def score(folder: Path, row: str, options: dict, network: torch.nn.Module, *more: object):
    save_file(network.state_dict(), folder / "w.safetensors")
    return run_avtool(
        "zoo", "score", row, folder / "instances.json", "--weights", folder / "w.safetensors", "--options",
        json.dumps(options), "--image-size", "32", "--device", "cpu", "--json", *more,
    )  # fmt: skip


@pytest.mark.parametrize(("second", "precision"), [(BOX, 1.0), ([0, 24, 8, 8], 51 / 101)])
def test_a_detector_of_one_box(tmp_path: Path, second: list[int], precision: float) -> None:
    """The one box is right in both images; or in one, so that recall ends at a half: 51 of 101 points."""
    write_coco(tmp_path, second)
    done = score(tmp_path, "yolos-ti", YOLOS, constant_detector())
    assert done.code == 0, done.stderr
    metrics = done.json["scores"]["metrics"]
    assert metrics["AP50"] == pytest.approx(precision, abs=1e-6)
    assert metrics["AP"] == pytest.approx(precision, abs=1e-6)


def test_a_segmenter_of_one_class(tmp_path: Path) -> None:
    """Cat everywhere: the IoU of cat is its share of the pixels that count, that of background is 0."""
    write_coco(tmp_path, BOX)
    network = build(find_row("segformer-b0"), num_classes=3, options=SEGFORMER)
    with torch.no_grad():
        network.decode_head.classifier.weight.zero_()
        network.decode_head.classifier.bias.copy_(torch.tensor([0.0, 5.0, 0.0]))
    (tmp_path / "names.txt").write_text("background\ncat\ndog\n")
    done = score(tmp_path, "segformer-b0", SEGFORMER, network, "--classes", tmp_path / "names.txt")
    assert done.code == 0, done.stderr
    share = 2 * 32 * 16 / (2 * 32 * 64 - 64)  # without the crowd
    assert done.json["scores"]["metrics"]["mIoU"] == pytest.approx(share / 2)
    assert done.json["scores"]["metrics"]["pixel_accuracy"] == pytest.approx(share)
    assert done.json["scores"]["unknown"] == ["background"]


def test_masks_of_objects_are_scored_as_masks(tmp_path: Path) -> None:
    annotations = CocoAnnotations(write_coco(tmp_path, BOX))
    half = rectangle([16, 8, 32, 8])
    right = [
        {"image_id": number, "category_id": 7, "score": 0.9, "segmentation": encoded(mask)}
        for number, mask in ((1, rectangle(BOX)), (2, half))
    ]
    found = average_precision(annotations, right, "segm")
    assert found["AP75"] == pytest.approx(51 / 101)
    assert found["AP50"] == pytest.approx(1.0)  # half of the mask: an IoU of exactly .5
    assert average_precision(annotations, [], "segm")["AP"] == 0


def test_the_classes_of_pixels(tmp_path: Path) -> None:
    annotations = CocoAnnotations(write_coco(tmp_path, BOX))
    named = annotations.classes_of_pixels(2, (32, 64), ["background", "cat", "dog"])
    assert named[0, 0] == IGNORED
    assert named[10, 20] == 1
    assert named[31, 63] == 0
    assert annotations.classes_of_pixels(2, (32, 64), ["cat"])[31, 63] == IGNORED
    with pytest.raises(BadInputError, match="has 16x16 pixels, its masks 32x64"):
        annotations.classes_of_pixels(2, (16, 16), ["cat"])


def test_mean_iou_is_that_of_scikit_learn() -> None:
    from sklearn.metrics import jaccard_score

    rng = np.random.default_rng(0)
    true, predicted = rng.integers(0, 4, (2, 3, 500))
    confusion = PixelConfusion("abcd")
    for one, other in zip(true, predicted, strict=True):
        confusion.add(one, other)
    assert confusion.scores()["mIoU"] == pytest.approx(
        jaccard_score(true.ravel(), predicted.ravel(), average="macro")
    )


def test_bad_annotations(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[1]")
    done = run_avtool("zoo", "score", "yolos-ti", tmp_path / "a.json")
    assert done.code == 2
    assert "is no COCO-style file of instances" in done.stderr
    file = write_coco(tmp_path / "coco", BOX)
    (tmp_path / "names.txt").write_text("tree\n")
    done = run_avtool("zoo", "score", "yolos-ti", file, "--classes", tmp_path / "names.txt")
    assert done.code == 2
    assert "no class of the network is one of" in done.stderr
    done = run_avtool("zoo", "score", "yolos-ti", file, "--images", tmp_path)
    assert done.code == 2
    assert "there is no `1.png`" in done.stderr


def constant_detector() -> torch.nn.Module:
    """Finds `BOX`, as a cat, in each image."""
    network = build(find_row("yolos-ti"), num_classes=2, options=YOLOS)
    corners = torch.tensor([(16 + 16) / 64, (8 + 8) / 32, 32 / 64, 16 / 32])
    with torch.no_grad():
        for head, bias in (
            (network.class_labels_classifier, torch.tensor([5.0, 0.0, 0.0])),
            (network.bbox_predictor, torch.logit(corners, eps=1e-6)),
        ):
            head.layers[-1].weight.zero_()
            head.layers[-1].bias.copy_(bias)
    return network


WRONG: list[tuple[str, str, object, str]] = [
    *(
        ("annotations", "bbox", value, "has no box")
        for value in (None, [1, 2, 3], "16,8,32,16", [1, 2, "3", 4])
    ),
    *(
        ("annotations", "bbox", [16, 8, value, 16], "has no box")
        for value in (10**400, float("nan"), float("inf"), True)
    ),
    ("annotations", "bbox", [16, 8, -4, 16], "has a negative size"),
    ("annotations", "bbox", [16, 8, 320, 16], "leaves its image of 64x32"),
    ("annotations", "category_id", 5, "is of no listed category (5)"),
    ("annotations", "image_id", 99, "is of no listed image (99)"),
    ("annotations", "image_id", [1], "is no COCO-style file"),
    ("annotations", "id", 2, "two of the annotation id 2"),
    ("annotations", "id", "a", "the annotation id 'a' is no whole number"),
    ("annotations", "area", "512", "the area '512' is none"),
    ("annotations", "area", float("nan"), "the area nan is none"),
    ("annotations", "iscrowd", "no", "iscrowd is 'no'"),
    ("images", "id", 2, "two of the image id 2"),
    ("images", "width", None, "has no width and height"),
    ("images", "width", 65, "has 32x64 pixels, and its annotations 32x65"),
    ("categories", "id", 9, "two of the category id 9"),
    ("categories", "name", "dog", "has two categories `dog`"),
]


@pytest.mark.parametrize(("part", "key", "value", "message"), WRONG)
def test_wrong_annotations_are_named_in_a_line(
    tmp_path: Path, part: str, key: str, value: object, message: str
) -> None:
    file = write_coco(tmp_path, BOX)
    content = json.loads(file.read_text())
    content[part][0][key] = value
    file.write_text(json.dumps(content))
    done = score(tmp_path, "yolos-ti", YOLOS, constant_detector(), "--classes", names_file(tmp_path))
    assert done.code == 2, done.stderr
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def names_file(folder: Path) -> Path:
    (folder / "names.txt").write_text("cat\ndog\n")
    return folder / "names.txt"


def test_ids_from_0_missing_areas_and_boxes_without_one_leave_the_score_right(tmp_path: Path) -> None:
    """Both cats are found: 1, where COCO's own evaluation counts an annotation 0 as not found."""
    file = write_coco(tmp_path, BOX)
    content = json.loads(file.read_text())
    for number, one in enumerate(content["annotations"]):
        one["id"] = number
        del one["area"]
    content["annotations"].append({**content["annotations"][0], "id": 9, "bbox": [4, 4, 0, 5]})
    file.write_text(json.dumps(content))
    done = score(tmp_path, "yolos-ti", YOLOS, constant_detector())
    assert done.code == 0, done.stderr
    assert done.json["scores"]["metrics"]["AP50"] == pytest.approx(1, abs=1e-6)
    assert "without an area are skipped: 1" in " ".join(done.stderr.split())
