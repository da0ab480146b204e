"""torchvision's Transformers, counted beside the parameters and MACs that their weights' cards state."""

from collections.abc import Iterator

import torch

from avtool.core.requirements import require
from avtool.models.zoo.count import count_macs, count_parameters

TRANSFORMERS = (
    "swin_t", "swin_s", "swin_b", "swin_v2_t", "swin_v2_s", "swin_v2_b", "maxvit_t", "mvit_v2_s", "vit_b_16",
    "vit_b_32", "vit_l_16",
)  # fmt: skip
_FRAMES = {"mvit_v2_s": 16}


def count_torchvision(names: tuple[str, ...] = TRANSFORMERS) -> Iterator[tuple[str, int, int, int, float]]:
    """Counts each network without memory.

    Args:
        names: of torchvision's networks.

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
        frames = (_FRAMES[name],) if name in _FRAMES else ()
        with torch.device("meta"):
            network, images = models.get_model(name), torch.empty(1, 3, *frames, side, side)
        macs = count_macs(network, lambda network=network, images=images: network(images))  # type: ignore[misc]
        yield name, count_parameters(network), card.meta["num_params"], macs, card.meta["_ops"]
