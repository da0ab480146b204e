"""Rows of the zoo that learn 32 images by heart: the smallest under each heading of the taxonomy."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from avtool.models.zoo.network import ZooNetwork, ZooSettings

IMAGES, CLASSES, STEPS, ENOUGH = 32, 4, 60, 0.05
COLOURS = ((230, 40, 40), (40, 200, 60), (40, 60, 230), (220, 210, 40))


@dataclass(frozen=True)
class Classifier:
    """The smallest row under a heading.

    Attributes:
        heading: of the taxonomy's second level.
        key: of the row.
        side: of the images, in pixels: the smallest multiple of 32 that the row takes.
        options: what differs from the row.
    """

    heading: str
    key: str
    side: int = 32
    options: Mapping[str, Any] = field(default_factory=dict)


CLASSIFIERS = (
    Classifier("pure transformer on patches", "vit-b-16"),
    Classifier("attention bottleneck", "botnet26-t-timm-variant", 64),
    Classifier("soft inductive bias", "convit-ti"),
    Classifier("direct inductive bias: conv in FFN", "localvit-t"),
    Classifier("direct inductive bias: conv position encoding", "cpvt-ti-gap"),
    Classifier("direct inductive bias: macro hybrid", "coatnet-0"),
    Classifier(
        "blocked local attention",
        "halonet26-t-timm-variant",
        64,
        {"self_attn_kwargs": {"block_size": 2, "halo_size": 1}},
    ),
    Classifier("shifted windows", "swin-t"),
    Classifier("outlook attention", "volo-d1"),
    Classifier("nested inner transformer", "tnt-s"),
    Classifier("local plus sub-sampled global attention", "twins-svt-s"),
    Classifier("progressive tokenisation", "t2t-vit-7"),
    Classifier("pyramid", "pvtv2-b0"),
    Classifier("pooling", "pit-ti"),
    Classifier("conv token embedding", "cvt-13"),
    Classifier("LayerScale and class attention", "cait-xxs24"),
    Classifier("re-attention", "deepvit-s"),
    Classifier("generative", "mst-deit-s"),
    Classifier("discriminative", "dino-vit-s-16"),
)


@dataclass(frozen=True)
class Learned:
    """What a training came to.

    Attributes:
        parameters: of the network.
        first: loss of the first step.
        loss: of all images after the last step, in evaluation mode.
        seconds: of the steps.
    """

    parameters: int
    first: float
    loss: float
    seconds: float


def labelled_images(side: int) -> tuple[Tensor, Tensor]:
    """(32, 3, side, side) images from -1 to 1, a coloured square somewhere on noise, and (32,) its colour."""
    rng = np.random.default_rng(0)
    images = 0.4 * rng.integers(0, 256, (IMAGES, side, side, 3)).astype(np.float32)
    labels = np.arange(IMAGES) % CLASSES
    edge = side // 2
    for image, label in zip(images, labels, strict=True):
        top, left = rng.integers(0, side - edge + 1, 2)
        image[top : top + edge, left : left + edge] = COLOURS[label]
    return torch.from_numpy(images).permute(0, 3, 1, 2) / 127.5 - 1, torch.from_numpy(labels)


def learn_classes(one: Classifier, steps: int = STEPS, rate: float = 1e-3) -> Learned:
    """Trains a row on the 32 images as one batch: the same recipe for all.

    Args:
        one: the row.
        steps: of AdamW, one-cycle after a tenth of warm-up, weight decay .05, gradients clipped at 1.
        rate: at the schedule's peak.
    """
    torch.manual_seed(0)
    network = ZooNetwork(ZooSettings(one.key, CLASSES, one.side, one.options)).train()
    images, labels = labelled_images(one.side)
    optimizer = torch.optim.AdamW(network.parameters(), rate, weight_decay=0.05, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.1)
    begin, first = time.perf_counter(), 0.0
    for step in range(steps):
        optimizer.zero_grad()
        loss = functional.cross_entropy(network(images).logits, labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        first = first if step else loss.item()
    seconds = time.perf_counter() - begin
    with torch.no_grad():
        last = functional.cross_entropy(network.eval()(images).logits, labels).item()
    return Learned(sum(one.numel() for one in network.parameters()), first, last, seconds)
