"""How windows are scored: rotations of their sound in time."""

import pytest
import torch
from torch import nn

from avtool.inference.predictor import logits_of
from avtool.models.layers.output import ClassifierOutput


class First(nn.Module):
    """Answers with the first frame of the sound."""

    inputs = ("audio",)

    def forward(self, audio: torch.Tensor) -> ClassifierOutput:
        return ClassifierOutput(audio[:, 0], {})


@pytest.mark.parametrize(("rolls", "frames"), [(1, [0]), (2, [0, 4]), (4, [0, 2, 4, 6]), (3, [0, 2, 5])])
def test_rotations_are_evenly_spaced_and_averaged(rolls: int, frames: list[int]) -> None:
    audio = torch.randn(5, 8, 3)
    logits = logits_of(First(), {"audio": audio, "label": torch.zeros(5)}, rolls)
    torch.testing.assert_close(logits, audio[:, frames].mean(dim=1))


def test_pictures_are_not_rotated() -> None:
    class Still(nn.Module):
        inputs = ("video",)

        def forward(self, video: torch.Tensor) -> ClassifierOutput:
            return ClassifierOutput(video, {})

    video = torch.randn(2, 8)
    assert torch.equal(logits_of(Still(), {"video": video}, rolls=4), video)
