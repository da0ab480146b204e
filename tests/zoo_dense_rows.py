"""Small detectors and segmenters of the zoo that learn four images of `tests.annotated_images` by heart."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torchvision.ops import generalized_box_iou

from avtool.models.zoo.catalogue import find_row
from avtool.models.zoo.dense_network import forward, gives_classes, takes_masks
from avtool.models.zoo.dense_prediction import DensePredictor, Found
from tests.annotated_images import BOXES, COLOURS, NAMES, SIDE

ENOUGH = {"box": 0.7, "mask": 0.9}
"""GIoU of each image's best box; mean IoU of classes, or the IoU of each image's best mask."""
_DETR: Mapping[str, Any] = {
    "backbone": "resnet10t", "encoder_layers": 2, "decoder_layers": 2, "d_model": 64,
    "encoder_attention_heads": 4, "decoder_attention_heads": 4, "encoder_ffn_dim": 128,
    "decoder_ffn_dim": 128, "num_queries": 5, "dropout": 0.0, "auxiliary_loss": True,
}  # fmt: skip
_DAB = {**{key: value for key, value in _DETR.items() if key != "d_model"}, "hidden_size": 64}
_STAGES = ["stage1", "stage2", "stage3", "stage4"]
_NARROW = {
    "embedding_size": 16, "hidden_sizes": [16, 32, 64, 128], "depths": [1, 1, 1, 1], "layer_type": "basic",
}  # fmt: skip
_RESNET = {"model_type": "resnet", **_NARROW, "out_features": _STAGES}
_SWIN = {
    "model_type": "swin", "embed_dim": 16, "depths": [1, 1, 1, 1], "num_heads": [1, 2, 4, 8],
    "window_size": 2, "out_features": _STAGES,
}  # fmt: skip
_SILENT = r"layer\d\.\d\.conv[12]\.weight"
"""Of frozen batch norms that timm begins at a gain of zero: their branch is silent from random weights."""
_FIRST_SELF = r"decoder\.layers\.0\.self_attn\..*(v_proj|value_proj|content_proj)\.weight"
"""Queries begin as zeros: the first self-attention of a decoder has one value for all of them."""


@dataclass(frozen=True)
class DenseRowLesson:
    """A small detector or segmenter.

    Attributes:
        heading: of the taxonomy's second level.
        key: of the row.
        options: that make it small.
        steps: of AdamW.
        rate: at the peak of the one-cycle schedule.
        side: that images are scaled to.
        unreached: names of the parameters that no gradient reaches.
    """

    heading: str
    key: str
    options: Mapping[str, Any]
    steps: int = 300
    rate: float = 1e-3
    side: int = SIDE
    unreached: str = field(default="^$")


LESSONS = (
    DenseRowLesson("original detector", "detr-r50", _DETR, unreached=f"{_SILENT}|{_FIRST_SELF}"),
    DenseRowLesson(
        "sparse attention", "deformable-detr-r50-single-scale", {**_DETR, "num_queries": 5}, unreached=_SILENT
    ),
    DenseRowLesson("sparse attention", "deformable-detr-r50", _DETR, unreached=_SILENT),
    DenseRowLesson(
        "spatial prior",
        "conditional-detr-r50",
        {**_DETR, "num_queries": 10},
        400,
        unreached=f"{_SILENT}|{_FIRST_SELF}",
    ),
    DenseRowLesson("spatial prior", "dab-detr-r50", _DAB, unreached=f"{_SILENT}|{_FIRST_SELF}"),
    DenseRowLesson(
        "structural redesign",
        "yolos-ti",
        {
            "hidden_size": 64, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 128,
            "num_detection_tokens": 5, "patch_size": 8, "image_size": [SIDE, SIDE],
        },
        600,
    ),
    DenseRowLesson("pre-trained model", "up-detr-r50", _DETR, unreached=f"{_SILENT}|{_FIRST_SELF}"),
    DenseRowLesson("matching optimisation", "dn-detr-r50", _DAB, unreached=f"{_SILENT}|{_FIRST_SELF}"),
    DenseRowLesson(
        "beyond the survey",
        "rt-detr-r50",
        {
            "backbone_config": {
                **_NARROW, "model_type": "rt_detr_resnet", "out_features": _STAGES[1:],
            },
            "encoder_in_channels": [32, 64, 128], "encoder_hidden_dim": 64, "d_model": 64,
            "encoder_ffn_dim": 128, "decoder_ffn_dim": 128, "decoder_layers": 2,
            "decoder_attention_heads": 4, "encoder_attention_heads": 4, "num_queries": 10,
            "decoder_in_channels": [64, 64, 64], "num_denoising": 10, "anchor_image_size": [SIDE, SIDE],
        },
    ),
    DenseRowLesson(
        "ViT encoder + conv decoder",
        "setr-naive-vit-l",
        {"embed_dim": 64, "depth": 4},
        side=4 * SIDE,
        unreached=r"encoder\.norm\.",
    ),
    DenseRowLesson(
        "hierarchical encoder + MLP decoder",
        "segformer-b0",
        {"hidden_sizes": [16, 32, 64, 128], "decoder_hidden_size": 64},
    ),
    DenseRowLesson(
        "UPerNet on Swin",
        "upernet-swin-t-ade20k",
        {"backbone_config": _SWIN, "hidden_size": 32, "auxiliary_in_channels": 64, "auxiliary_channels": 32},
        unreached=r"backbone\.swin\.layernorm\.",
    ),
    DenseRowLesson(
        "mask embeddings",
        "maskformer-r50-ade20k",
        {
            "backbone_config": _RESNET, "fpn_feature_size": 64, "mask_feature_size": 64,
            "decoder_config": {
                "model_type": "detr", "decoder_layers": 2, "d_model": 64, "decoder_attention_heads": 4,
                "num_queries": 8, "dropout": 0.0,
            },
        },
        unreached=_FIRST_SELF,
    ),
    DenseRowLesson(
        "class embeddings", "segmenter-seg-s-mask-16", {"embed_dim": 64, "depth": 2}, side=4 * SIDE
    ),
    DenseRowLesson(
        "beyond the survey",
        "mask2former-r50-coco-instance",
        {
            "backbone_config": _RESNET, "hidden_dim": 64, "feature_size": 64, "mask_feature_size": 64,
            "num_attention_heads": 4, "num_queries": 8, "encoder_layers": 2, "decoder_layers": 3,
            "dim_feedforward": 128, "encoder_feedforward_dim": 128, "train_num_points": 256, "dropout": 0.0,
        },
    ),
)  # fmt: skip


@dataclass(frozen=True)
class DenseLearned:
    """What a training came to.

    Attributes:
        parameters: of the network.
        first, last: losses of the first and of the last step.
        overlap: of each image: GIoU of its best box, IoU of its best mask, or the mean IoU of its classes.
        right: whether the class of each image's best box or mask is right.
        seconds: of the steps.
        unreached: parameters that had no gradient, or zeros alone, in the first five steps.
    """

    parameters: int
    first: float
    last: float
    overlap: list[float]
    right: list[bool]
    seconds: float
    unreached: list[str]


def four_images() -> list[NDArray[np.uint8]]:
    """A coloured box on noise in each of four images; its class is its colour."""
    rng = np.random.default_rng(0)
    found = []
    for (left, top, right, bottom), colour in zip(BOXES, COLOURS, strict=True):
        image = rng.integers(0, 60, (SIDE, SIDE, 3), np.uint8)
        image[top:bottom, left:right] = colour
        found.append(image)
    return found


def pixel_classes() -> Tensor:
    """(4, SIDE, SIDE): 0 outside the box, and 1 + its class inside."""
    masks = torch.zeros(4, SIDE, SIDE, dtype=torch.long)
    for number, (left, top, right, bottom) in enumerate(BOXES):
        masks[number, top:bottom, left:right] = 1 + number
    return masks


def learn_four(lesson: DenseRowLesson, steps: int | None = None) -> DenseLearned:
    """Trains a row on the four images as one batch, by the loss of its library.

    Args:
        lesson: the row.
        steps: instead of the lesson's own, for a look at its gradients.
    """
    torch.manual_seed(0)
    row = find_row(lesson.key)
    names = ["ground", *NAMES] if gives_classes(row) else list(NAMES)
    predictor = DensePredictor(row, side=lesson.side, options=lesson.options, classes=names)
    network, count = predictor.network.train(), steps or lesson.steps
    images = predictor.processor(images=four_images(), return_tensors="pt")["pixel_values"]
    inside = torch.ones(4, *images.shape[-2:], dtype=torch.long)
    labels = _labels(lesson, images.shape[-1])
    optimizer = torch.optim.AdamW(network.parameters(), lesson.rate, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lesson.rate, total_steps=count)
    losses: list[float] = []
    reached: set[str] = set()
    begin = time.perf_counter()
    for step in range(count):
        optimizer.zero_grad()
        loss = forward(network, row, images, inside, labels).loss
        loss.backward()
        if step < 5:
            reached |= {name for name, one in network.named_parameters() if _has_gradient(one)}
        torch.nn.utils.clip_grad_norm_(network.parameters(), 0.5)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    seconds = time.perf_counter() - begin
    network.eval()
    overlap, right = _scores(lesson, predictor.predict(four_images(), threshold=0.0))
    unreached = [name for name, _ in network.named_parameters() if name not in reached]
    size = sum(one.numel() for one in network.parameters())
    return DenseLearned(size, losses[0], losses[-1], overlap, right, seconds, unreached)


def unexpected(lesson: DenseRowLesson, found: DenseLearned) -> list[str]:
    """Parameters that a gradient should have reached, and did not."""
    return [name for name in found.unreached if not re.search(lesson.unreached, name)]


def _has_gradient(parameter: Tensor) -> bool:
    return parameter.grad is not None and bool(parameter.grad.any())


def _labels(lesson: DenseRowLesson, side: int) -> dict[str, Any]:
    """The four images' labels as the library takes them."""
    row = find_row(lesson.key)
    if row.task == "detection":
        boxes = [torch.tensor([[(a + c) / 2, (b + d) / 2, c - a, d - b]]) / SIDE for a, b, c, d in BOXES]
        return {"labels": [{"class_labels": torch.tensor([n]), "boxes": one} for n, one in enumerate(boxes)]}
    classes = functional.interpolate(pixel_classes()[None].float(), (side, side), mode="nearest-exact")[
        0
    ].long()
    if not takes_masks(row):
        return {"labels": classes}
    if not gives_classes(row):
        numbers = [torch.tensor([number]) for number in range(4)]
        return {"class_labels": numbers, "mask_labels": [(one > 0)[None].float() for one in classes]}
    numbers = [torch.tensor([0, 1 + number]) for number in range(4)]
    masks = [torch.stack([one == 0, one > 0]).float() for one in classes]
    return {"class_labels": numbers, "mask_labels": masks}


def _scores(lesson: DenseRowLesson, found: list[Found]) -> tuple[list[float], list[bool]]:
    """Overlap with the truth, and whether the class is right, of each image."""
    row = find_row(lesson.key)
    overlap, right = [], []
    for number, (one, truth) in enumerate(zip(found, pixel_classes().numpy(), strict=True)):
        if row.task == "detection":
            box = max(one.boxes, key=lambda box: box.score)
            corners = torch.tensor([[box.left, box.top, box.right, box.bottom]])
            overlap.append(float(generalized_box_iou(corners, torch.tensor([BOXES[number]]).float())))
            right.append(box.label == NAMES[number])
        elif gives_classes(row):
            masks = {segment.label: segment.mask for segment in one.segments}
            none = np.zeros_like(truth, bool)
            pairs = [(masks.get("ground", none), truth == 0), (masks.get(NAMES[number], none), truth > 0)]
            overlap.append(float(np.mean([_iou(mask, other) for mask, other in pairs])))
            right.append(NAMES[number] in masks)
        else:
            best = max(one.segments, key=lambda segment: segment.score or 0.0)
            overlap.append(_iou(best.mask, truth > 0))
            right.append(best.label == NAMES[number])
    return overlap, right


def _iou(mask: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    return float((mask & truth).sum() / max(1, (mask | truth).sum()))
