"""Heads over the encoders' features: projections for the contrast, classifiers for temporal pretext tasks.

The pretext tasks read the feature itself and not its projection, so that the projection may discard time
while the feature keeps it.
"""

import torch
from torch import Tensor, nn

from avtool.core.errors import BadInputError
from avtool.core.registry import nearest_hint

MODALITIES = ("video", "audio")
PRETEXT_GROUPS: dict[str, tuple[str, ...]] = {
    "speed": ("video_speed", "audio_speed"),
    "direction": ("video_direction", "audio_direction"),
    "order-within": ("order_vv", "order_aa"),
    "order-across": ("order_va",),
    "order": ("order_vv", "order_aa", "order_va"),
}
"""The pretext tasks of each group that a recipe names."""
PRETEXT_TASKS = tuple(task for group in ("speed", "direction", "order") for task in PRETEXT_GROUPS[group])
ORDERS = ("overlapping", "first before second", "first after second")
_OF_LETTER = {"v": "video", "a": "audio"}


def pretext_tasks_of(groups: tuple[str, ...]) -> tuple[str, ...]:
    """The pretext tasks of several groups, each once and always in the same order.

    Raises:
        BadInputError: there is no such group.
    """
    for group in groups:
        if group not in PRETEXT_GROUPS:
            hint = nearest_hint(group, list(PRETEXT_GROUPS), f"--tasks {','.join(PRETEXT_GROUPS)}")
            raise BadInputError(f"no temporal pretext task is called `{group}`", hint)
    wanted = {task for group in groups for task in PRETEXT_GROUPS[group]}
    return tuple(task for task in PRETEXT_TASKS if task in wanted)


def two_layers(dim: int, hidden_dim: int, out_dim: int) -> nn.Sequential:
    """Linear, ReLU, linear."""
    return nn.Sequential(nn.Linear(dim, hidden_dim), nn.ReLU(inplace=True), nn.Linear(hidden_dim, out_dim))


def projection(dim: int, hidden_dim: int, out_dim: int) -> nn.Sequential:
    """Linear, batch norm, ReLU, linear, batch norm.

    The last batch norm holds the mean of the projections at 0 (Chen, Xie, He: ICCV 2021, appendix). Slots of
    a queue get no gradient: without it they would repel all clips in the same direction, until all collapse.
    """
    return nn.Sequential(
        nn.Linear(dim, hidden_dim),
        nn.BatchNorm1d(hidden_dim),
        nn.ReLU(inplace=True),
        nn.Linear(hidden_dim, out_dim, bias=False),
        nn.BatchNorm1d(out_dim, affine=False),
    )


class PretextHeads(nn.Module):
    """A classifier for each temporal pretext task.

    Args:
        tasks: as `pretext_tasks_of` gives them.
        dims: width of the feature of each modality.
        hidden_dim: width of the hidden layer.
        num_speeds: classes of speed.
    """

    def __init__(
        self, tasks: tuple[str, ...], dims: dict[str, int], hidden_dim: int, num_speeds: int
    ) -> None:
        super().__init__()
        self.of = nn.ModuleDict()
        for task in tasks:
            dim = sum(dims[modality] for modality in modalities_of(task))
            num_classes = num_speeds if "speed" in task else 2 if "direction" in task else len(ORDERS)
            self.of[task] = two_layers(dim, hidden_dim, num_classes)

    def forward(self, features: dict[str, Tensor]) -> dict[str, Tensor]:
        """Classifies the clips for every pretext task.

        Args:
            features: (B, 2, D) of both clips of each modality.

        Returns:
            Logits (B, 2, classes): of both clips, or of a pair of one modality in both orders; (B, 1, 3) of
            the first clip of video before the second of audio.
        """
        return {task: head(_inputs(task, features)) for task, head in self.of.items()}


def modalities_of(task: str) -> tuple[str, ...]:
    """The modalities whose features a pretext task reads, in order."""
    modality, _, kind = task.partition("_")
    return tuple(_OF_LETTER[letter] for letter in kind) if modality == "order" else (modality,)


def _inputs(task: str, features: dict[str, Tensor]) -> Tensor:
    names = modalities_of(task)
    if len(names) == 1:
        return features[names[0]]
    first, second = (features[name] for name in names)
    if names[0] == names[1]:
        return torch.cat([first, second.flip(1)], dim=2)
    return torch.cat([first[:, :1], second[:, 1:]], dim=2)
