"""The heads over the encoders' features: projections to compare clips by, and questions about time.

The questions read the feature itself and not its projection, which so may forget time while the feature
keeps it.
"""

import torch
from torch import Tensor, nn

from avtool.core.errors import BadInputError
from avtool.core.registry import nearest_hint

MODALITIES = ("video", "audio")
TASKS: dict[str, tuple[str, ...]] = {
    "speed": ("video_speed", "audio_speed"),
    "direction": ("video_direction", "audio_direction"),
    "order-within": ("order_vv", "order_aa"),
    "order-across": ("order_va",),
    "order": ("order_vv", "order_aa", "order_va"),
}
"""The questions of a task."""
QUESTIONS = (*TASKS["speed"], *TASKS["direction"], *TASKS["order"])
ORDERS = ("overlapping", "first before second", "first after second")
_OF_LETTER = {"v": "video", "a": "audio"}


def questions_of(tasks: tuple[str, ...]) -> tuple[str, ...]:
    """The questions of several tasks, each once and always in the same order.

    Raises:
        BadInputError: there is no such task.
    """
    for task in tasks:
        if task not in TASKS:
            hint = nearest_hint(task, list(TASKS), f"--tasks {','.join(TASKS)}")
            raise BadInputError(f"no temporal task is called `{task}`", hint)
    wanted = {question for task in tasks for question in TASKS[task]}
    return tuple(question for question in QUESTIONS if question in wanted)


def two_layers(dim: int, hidden_dim: int, out_dim: int) -> nn.Sequential:
    """Linear, ReLU, linear."""
    return nn.Sequential(nn.Linear(dim, hidden_dim), nn.ReLU(inplace=True), nn.Linear(hidden_dim, out_dim))


def projection(dim: int, hidden_dim: int, out_dim: int) -> nn.Sequential:
    """Linear, batch norm, ReLU, linear, batch norm.

    The last one holds the mean of the projections at 0 (Chen, Xie, He, ICCV 2021, appendix). Memories push a
    clip and are not pushed back: without it they would push all clips the same way, until all are alike.
    """
    return nn.Sequential(
        nn.Linear(dim, hidden_dim),
        nn.BatchNorm1d(hidden_dim),
        nn.ReLU(inplace=True),
        nn.Linear(hidden_dim, out_dim, bias=False),
        nn.BatchNorm1d(out_dim, affine=False),
    )


class TimeHeads(nn.Module):
    """One classifier for each question about playback.

    Args:
        questions: as `questions_of` gives them.
        dims: width of the feature of each modality.
        hidden_dim: width of the hidden layer.
        num_speeds: classes of speed.
    """

    def __init__(
        self, questions: tuple[str, ...], dims: dict[str, int], hidden_dim: int, num_speeds: int
    ) -> None:
        super().__init__()
        self.of = nn.ModuleDict()
        for question in questions:
            dim = sum(dims[modality] for modality in modalities_of(question))
            num_classes = num_speeds if "speed" in question else 2 if "direction" in question else len(ORDERS)
            self.of[question] = two_layers(dim, hidden_dim, num_classes)

    def forward(self, features: dict[str, Tensor]) -> dict[str, Tensor]:
        """Answers every question.

        Args:
            features: (B, 2, D) of both clips of each modality.

        Returns:
            Logits (B, 2, classes): of both clips, or of a pair of one modality in both orders; (B, 1, 3) of
            the first clip of video before the second of audio.
        """
        return {question: head(_asked(question, features)) for question, head in self.of.items()}


def modalities_of(question: str) -> tuple[str, ...]:
    """The modalities whose features a question reads, one after the other."""
    modality, _, kind = question.partition("_")
    return tuple(_OF_LETTER[letter] for letter in kind) if modality == "order" else (modality,)


def _asked(question: str, features: dict[str, Tensor]) -> Tensor:
    names = modalities_of(question)
    if len(names) == 1:
        return features[names[0]]
    first, second = (features[name] for name in names)
    if names[0] == names[1]:
        return torch.cat([first, second.flip(1)], dim=2)
    return torch.cat([first[:, :1], second[:, 1:]], dim=2)
