"""The statistics that published weights expect of pixels, folded into their patch kernels.

Pixels are in [-1, 1] here: x = 2 u - 1 of u in [0, 1]. Published models take (u - mean) / std, which is
x / (2 std) + (1/2 - mean) / std. A kernel without padding over the one is one over the other: each colour
is divided by 2 std, and the constant goes into the bias.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from avtool.models.published.report import LoadReport, State

_KERNELS = ("patch_embed.proj.weight", "patch_embed_v.proj.weight", "patch_embeddings.projection.weight")


@dataclass(frozen=True)
class PixelStatistics:
    """What pixels in [0, 1] are standardised by.

    Attributes:
        name: of the dataset.
        mean, std: of red, green and blue.
    """

    name: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    @property
    def scale(self) -> Tensor:
        """(3,) float64: what x in [-1, 1] is multiplied by."""
        return 0.5 / torch.tensor(self.std, dtype=torch.float64)

    @property
    def shift(self) -> Tensor:
        """(3,) float64: what is added then."""
        mean, std = (torch.tensor(values, dtype=torch.float64) for values in (self.mean, self.std))
        return (0.5 - mean) / std


IMAGENET = PixelStatistics("ImageNet", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
KINETICS = PixelStatistics("Kinetics-400", (0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989))
"""Of torchvision's networks of video."""


def fold_into_kernels(state: Mapping[str, Tensor], statistics: PixelStatistics) -> tuple[State, list[str]]:
    """Weights whose patch kernels of three colours take pixels in [-1, 1].

    Args:
        state: tensors under published names.
        statistics: that they were trained with.

    Returns:
        The weights, and a line for each kernel that was changed.
    """
    folded, changes = dict(state), []
    for name, kernel in state.items():
        bias_name = f"{name.removesuffix('weight')}bias"
        if not name.endswith(_KERNELS) or kernel.shape[1] != len(statistics.mean) or bias_name not in state:
            continue
        wide, bias = kernel.double(), state[bias_name]
        over_box = wide.flatten(2).sum(dim=2)
        scale = statistics.scale.reshape(1, -1, *(1 for _ in kernel.shape[2:]))
        folded[name] = (wide * scale).to(kernel.dtype)
        folded[bias_name] = (bias.double() + over_box @ statistics.shift).to(bias.dtype)
        changes.append(f"{statistics.name} mean and std folded into the patch kernel, for pixels in [-1, 1]")
    return folded, changes


def with_changes(report: LoadReport, changes: list[str]) -> LoadReport:
    """The report with adaptations that came first."""
    return replace(report, changes=(*changes, *report.changes))


class PixelScale(nn.Module):
    """x · scale + shift by colour: for published networks whose first convolution pads, as they pad with 0.

    Its two buffers are optional in saved models: those that were saved without them leave pixels unchanged.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("scale", torch.ones(3))
        self.register_buffer("shift", torch.zeros(3))

    def forward(self, video: Tensor) -> Tensor:
        """(B, 3, T, H, W) → the same."""
        shape = (3, 1, 1, 1)
        return video * self.scale.reshape(shape) + self.shift.reshape(shape)


def optional_buffers(model: nn.Module) -> set[str]:
    """The names in a model's `state_dict` that older files lack."""
    return {
        f"{name}.{buffer}"
        for name, module in model.named_modules()
        if isinstance(module, PixelScale)
        for buffer in ("scale", "shift")
    }
