"""Between the names of torchvision's residual networks (of images, and of video) and ours."""

import re
from collections.abc import Mapping

from torch import Tensor

from avtool.models.published.report import State

_IMAGE_NAMES = {r"^conv1\.": "stem.0.", r"^bn1\.": "stem.1.", r"\.bn([12])\.": r".conv\1.1."}
_IMAGE_BLOCK = re.compile(r"^(stages\.\d\.\d\.conv[12])\.(?=weight)")


def from_torchvision(checkpoint: Mapping[str, Tensor]) -> State:
    """A network's tensors under our names, without its classifier.

    An image network hears with the sum of its colours: three equal channels would do the same.
    """
    of_images = "conv1.weight" in checkpoint
    renamed = {}
    for name, tensor in checkpoint.items():
        if name.startswith("fc."):
            continue
        ours = re.sub(r"^layer(\d)\.", lambda match: f"stages.{int(match[1]) - 1}.", name)
        if of_images:
            ours = _IMAGE_BLOCK.sub(r"\1.0.", ours)
            for pattern, replacement in _IMAGE_NAMES.items():
                ours = re.sub(pattern, replacement, ours)
        renamed[ours] = tensor.sum(dim=1, keepdim=True) if of_images and name == "conv1.weight" else tensor
    return renamed


def to_torchvision(state: Mapping[str, Tensor]) -> State:
    """An encoder's tensors under torchvision's names; those of sound have one channel."""
    of_sound = state["stem.0.weight"].dim() == 4
    renamed = {}
    for name, tensor in state.items():
        theirs = re.sub(r"^stages\.(\d)\.", lambda match: f"layer{int(match[1]) + 1}.", name)
        if of_sound:
            theirs = re.sub(r"^stem\.0\.", "conv1.", re.sub(r"^stem\.1\.", "bn1.", theirs))
            theirs = re.sub(r"\.conv([12])\.0\.", r".conv\1.", theirs)
            theirs = re.sub(r"\.conv([12])\.1\.", r".bn\1.", theirs)
        renamed[theirs] = tensor
    return renamed
