"""torchvision's Transformers, counted beside the parameters and MACs that their weights' cards state."""

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import torch

from avtool.core.requirements import require
from avtool.models.zoo.count import count_macs, count_parameters
from avtool.models.zoo.measure import Count, cached_count, named_versions

TRANSFORMERS = (
    "swin_t", "swin_s", "swin_b", "swin_v2_t", "swin_v2_s", "swin_v2_b", "maxvit_t", "mvit_v2_s", "vit_b_16",
    "vit_b_32", "vit_l_16",
)  # fmt: skip
_FRAMES = {"mvit_v2_s": 16}


def count_torchvision(
    names: tuple[str, ...] = TRANSFORMERS, *, cache: bool = False
) -> Iterator[tuple[str, int, int, int, float]]:
    """Counts each network without memory.

    Args:
        names: of torchvision's networks.
        cache: read and write counts in the cache folder.

    Yields:
        Name, counted parameters, stated parameters, counted MACs, stated billions of MACs.

    Raises:
        MissingError: torchvision is not installed.
    """
    with torch.device("cpu"):
        models = require("torchvision", "hub").models
    for name in names:
        card = next(iter(models.get_model_weights(name)))
        side = card.transforms().crop_size[0]
        key = ["card", named_versions("torch", "torchvision"), name, side]
        make = partial(_count, models, name, side)
        count = cached_count(key, make) if cache else make()
        yield name, count.params, card.meta["num_params"], count.macs, card.meta["_ops"]


def _count(models: Any, name: str, side: int) -> Count:
    begin = time.perf_counter()
    frames = (_FRAMES[name],) if name in _FRAMES else ()
    with torch.device("meta"):
        network, images = models.get_model(name), torch.empty(1, 3, *frames, side, side)
    macs = count_macs(network, lambda: network(images))
    seconds = round(time.perf_counter() - begin, 3)
    versions = named_versions("torch", "torchvision")
    return Count(count_parameters(network), macs, side, side, None, "meta", seconds, versions)
