"""Tiny detectors and a segmenter of the zoo learn four images by heart, with the library's own losses."""

import numpy as np
import pytest
import torch
from sklearn.metrics import jaccard_score
from torchvision.ops import generalized_box_iou

from avtool.models.zoo.catalogue import find_row
from avtool.models.zoo.dense_prediction import DensePredictor

SIDE = 64
BOXES = ((6, 8, 30, 28), (30, 4, 60, 40), (10, 34, 34, 60), (24, 22, 44, 56))  # left, top, right, bottom
COLOURS = ((230, 40, 40), (40, 200, 60), (40, 60, 230), (220, 210, 40))
NAMES = ["red", "green", "blue", "yellow"]
DETECTORS = {
    "detr-r50": {
        "backbone": "resnet10t", "encoder_layers": 2, "decoder_layers": 2, "d_model": 64,
        "encoder_attention_heads": 4, "decoder_attention_heads": 4, "encoder_ffn_dim": 128,
        "decoder_ffn_dim": 128, "num_queries": 5, "dropout": 0.0, "auxiliary_loss": True,
    },
    "yolos-ti": {
        "hidden_size": 64, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 128,
        "num_detection_tokens": 5, "patch_size": 8, "image_size": [SIDE, SIDE],
    },
}  # fmt: skip
STEPS = {"detr-r50": 300, "yolos-ti": 600}
SEGFORMER = {"hidden_sizes": [16, 32, 64, 128], "decoder_hidden_size": 64}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.manual_seed(0)


def images() -> list[np.ndarray]:
    """A coloured box on noise in each of four images; its class is its colour."""
    rng = np.random.default_rng(0)
    found = []
    for number, (left, top, right, bottom) in enumerate(BOXES):
        image = rng.integers(0, 60, (SIDE, SIDE, 3), np.uint8)
        image[top:bottom, left:right] = COLOURS[number]
        found.append(image)
    return found


def pixels(predictor: DensePredictor) -> torch.Tensor:
    return predictor.processor(images=images(), return_tensors="pt")["pixel_values"]


@pytest.mark.slow
@pytest.mark.parametrize("key", DETECTORS)
def test_a_detector_learns_four_boxes(key: str) -> None:
    predictor = DensePredictor(find_row(key), side=SIDE, options=DETECTORS[key], classes=NAMES)
    network, values = predictor.network.train(), pixels(predictor)
    labels = [
        {
            "class_labels": torch.tensor([number]),
            "boxes": torch.tensor([[(a + c) / 2, (b + d) / 2, c - a, d - b]]) / SIDE,
        }
        for number, (a, b, c, d) in enumerate(BOXES)
    ]
    optimizer = torch.optim.AdamW(network.parameters(), 5e-4, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, total_steps=STEPS[key])
    for _ in range(STEPS[key]):
        optimizer.zero_grad()
        network(pixel_values=values, labels=labels).loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 0.5)
        optimizer.step()
        schedule.step()
    network.eval()
    for number, found in enumerate(predictor.predict(images(), threshold=0.0)):
        best = max(found.boxes, key=lambda box: box.score)
        corners = torch.tensor([[best.left, best.top, best.right, best.bottom]])
        overlap = float(generalized_box_iou(corners, torch.tensor([BOXES[number]]).float()))
        assert overlap > 0.7, (number, overlap)
        assert best.label == NAMES[number]


@pytest.mark.slow
def test_a_segmenter_learns_four_masks() -> None:
    names = ["ground", *NAMES]
    predictor = DensePredictor(find_row("segformer-b0"), side=SIDE, options=SEGFORMER, classes=names)
    network, values = predictor.network.train(), pixels(predictor)
    masks = torch.zeros(4, SIDE, SIDE, dtype=torch.long)
    for number, (left, top, right, bottom) in enumerate(BOXES):
        masks[number, top:bottom, left:right] = 1 + number
    optimizer = torch.optim.AdamW(network.parameters(), 2e-3, weight_decay=1e-4)
    for _ in range(200):
        optimizer.zero_grad()
        network(pixel_values=values, labels=masks).loss.backward()
        optimizer.step()
    network.eval()
    predicted = np.zeros((4, SIDE, SIDE), np.int64)
    for number, found in enumerate(predictor.predict(images())):
        for segment in found.segments:
            predicted[number][segment.mask] = names.index(segment.label)
    assert jaccard_score(masks.numpy().ravel(), predicted.ravel(), average="macro") > 0.9
