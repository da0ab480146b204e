"""LPIPS: a perceptual distance of images, of VGG16's features under learned weights (Zhang et al., 2018).

Shapes: B images, H x W pixels. The weights are frozen and belong to no checkpoint.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from avtool.core.errors import BadInputError

_STAGES = ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28))
"""Convolutions of VGG16 by their place in the published list of layers; a stage ends before a pooling."""
CHANNELS = (64, 128, 256, 512, 512)
_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
_EPSILON = 1e-10
_VGG = re.compile(r"^(?:module\.)?(?:net\.slice\d\.|features\.)(\d+)\.(weight|bias)$")
_HEAD = re.compile(r"^(?:module\.)?lins?\.?(\d)\.model\.1\.weight$")
_HINT = "give the VGG16 of torchvision and `vgg.pth` of lpips, or the whole state of `lpips.LPIPS`"


class Lpips(nn.Module):
    """Σ over five stages of the mean over positions of w · (f̂ - ĝ)², with features of unit norm.

    Args:
        convolutions: weight and bias of the 13 convolutions of VGG16, in order.
        heads: (C,) of each stage.
    """

    def __init__(self, convolutions: Sequence[tuple[Tensor, Tensor]], heads: Sequence[Tensor]) -> None:
        super().__init__()
        for number, (weight, bias) in enumerate(convolutions):
            self.register_buffer(f"weight{number}", weight.float(), persistent=False)
            self.register_buffer(f"bias{number}", bias.float(), persistent=False)
        for number, head in enumerate(heads):
            self.register_buffer(f"head{number}", head.float(), persistent=False)
        self.register_buffer("shift", torch.tensor(_SHIFT)[:, None, None], persistent=False)
        self.register_buffer("scale", torch.tensor(_SCALE)[:, None, None], persistent=False)

    @classmethod
    def read(cls, files: Sequence[Path]) -> "Lpips":
        """Reads weights: of torchvision's VGG16 and of LPIPS's heads, in a file each or in one.

        Args:
            files: their tensors are taken together.

        Raises:
            BadInputError: a file cannot be read, or tensors are missing or of other shapes.
        """
        from avtool.models.checkpoint_files import read_tensors

        found: dict[str, Tensor] = {}
        for file in files:
            if not file.is_file():
                raise BadInputError(f"`{file}` does not exist", _HINT)
            found |= _own_names(read_tensors(file))
        wanted: dict[str, tuple[int, ...]] = {}
        layers, channels = [], 3
        for stage, width in zip(_STAGES, CHANNELS, strict=True):
            for layer in stage:
                wanted |= {f"{layer}.weight": (width, channels, 3, 3), f"{layer}.bias": (width,)}
                layers.append(layer)
                channels = width
        wanted |= {f"head{number}": (width,) for number, width in enumerate(CHANNELS)}
        names = ", ".join(f"`{file}`" for file in files)
        if missing := [name for name in wanted if name not in found]:
            kind = "heads of LPIPS" if missing[0].startswith("head") else "convolutions of VGG16"
            raise BadInputError(f"{names}: {len(missing)} tensors of the {kind} are missing", _HINT)
        for name, shape in wanted.items():
            if tuple(found[name].shape) != shape:
                message = f"{names}: `{name}` is {tuple(found[name].shape)}, and not {shape} as in VGG16"
                raise BadInputError(message, _HINT)
        convolutions = [(found[f"{layer}.weight"], found[f"{layer}.bias"]) for layer in layers]
        return cls(convolutions, [found[f"head{number}"] for number in range(len(CHANNELS))])

    def forward(self, frames: Tensor, restored: Tensor) -> Tensor:
        """The mean distance of (B, 3, H, W) in [-1, 1], H and W at least 16; 0 for equal frames."""
        distance = frames.new_zeros(())
        for number, (one, other) in enumerate(
            zip(self._features(frames), self._features(restored), strict=True)
        ):
            squared = (_unit(one) - _unit(other)).square()
            distance = distance + (squared * self.get_buffer(f"head{number}")[:, None, None]).sum(1).mean()
        return distance

    def _features(self, frames: Tensor) -> list[Tensor]:
        shift, scale = self.get_buffer("shift"), self.get_buffer("scale")
        maps, found, number = (frames - shift) / scale, [], 0
        for stage, places in enumerate(_STAGES):
            if stage:
                maps = F.max_pool2d(maps, 2)
            for _ in places:
                weight, bias = self.get_buffer(f"weight{number}"), self.get_buffer(f"bias{number}")
                maps = F.relu(F.conv2d(maps, weight, bias, padding=1))
                number += 1
            found.append(maps)
        return found


def _unit(features: Tensor) -> Tensor:
    """Features of unit norm over channels; zeros stay zeros."""
    norms: Tensor = torch.linalg.vector_norm(features, dim=1, keepdim=True)
    return features / (norms + _EPSILON)


def _own_names(values: Mapping[str, object]) -> dict[str, Tensor]:
    """Tensors by their layer in VGG16 (`0.weight`) or their stage (`head0`)."""
    state = values.get("state_dict", values)
    assert isinstance(state, Mapping), "a state is a mapping"
    found = {}
    for name, value in state.items():
        if not isinstance(value, Tensor):
            continue
        if match := _VGG.match(name):
            found[f"{match[1]}.{match[2]}"] = value
        elif match := _HEAD.match(name):
            found[f"head{match[1]}"] = value.flatten()
    return found
