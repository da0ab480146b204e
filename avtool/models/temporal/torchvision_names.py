"""Torchvision's residual networks, of images and of video, under our names."""

import re
from collections.abc import Mapping

from torch import Tensor, nn

from avtool.core.errors import BadInputError
from avtool.models.published.pixel_statistics import KINETICS
from avtool.models.published.report import LoadReport, State, copy_into

_IMAGE_NAMES = {r"^conv1\.": "stem.0.", r"^bn1\.": "stem.1.", r"\.bn([12])\.": r".conv\1.1."}
_IMAGE_BLOCK = re.compile(r"^(stages\.\d\.\d\.conv[12])\.(?=weight)")
_FIRST_IMAGE_LAYER = "conv1.weight"


def is_torchvision(state: Mapping[str, Tensor]) -> bool:
    """Whether the names are those of torchvision's residual networks."""
    return any(name.startswith("layer1.") for name in state)


def load_torchvision(model: nn.Module, state: State) -> LoadReport:
    """Starts the encoder that a residual network fits: of audio from one of images, else of video.

    Args:
        model: an AVT or a classifier over its encoders, changed in place.
        state: of torchvision.

    Raises:
        BadInputError: the model has no such encoder, or one of another architecture.
    """
    modality = "audio" if _FIRST_IMAGE_LAYER in state else "video"
    prefix = f"encoder.{modality}."
    if not any(name.startswith(prefix) for name in model.state_dict()):
        raise BadInputError(f"the model has no {modality} encoder to start", "choose other model.modalities")
    renamed = {prefix + name: tensor for name, tensor in from_torchvision(state).items()}
    note = "colours summed"
    if modality == "video":
        note = f"the encoder alone, pixels standardised by {KINETICS.name}"
    return copy_into(model, renamed, [f"{modality}: torchvision's network, {note}"])


def from_torchvision(state: Mapping[str, Tensor]) -> State:
    """A network's tensors under our names, without its classifier.

    An image network reads spectrograms with the sum of its colours: three equal channels would do the same.
    A network of video standardises pixels as it was trained.
    """
    of_images = _FIRST_IMAGE_LAYER in state
    renamed: State = {}
    if not of_images:
        renamed = {"pixels.scale": KINETICS.scale.float(), "pixels.shift": KINETICS.shift.float()}
    for name, tensor in state.items():
        if name.startswith("fc."):
            continue
        ours = re.sub(r"^layer(\d)\.", lambda match: f"stages.{int(match[1]) - 1}.", name)
        if of_images:
            ours = _IMAGE_BLOCK.sub(r"\1.0.", ours)
            for pattern, replacement in _IMAGE_NAMES.items():
                ours = re.sub(pattern, replacement, ours)
        summed = of_images and name == _FIRST_IMAGE_LAYER
        renamed[ours] = tensor.sum(dim=1, keepdim=True) if summed else tensor
    return renamed
