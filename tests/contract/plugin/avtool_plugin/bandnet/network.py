"""BandNet: two linear layers over the mean spectrum."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from avtool.models.layers.output import ClassifierOutput


@dataclass(frozen=True)
class BandNetSettings:
    """The settings of a BandNet."""

    num_classes: int = 10
    num_mel_bins: int = 128
    width: int = 16


class BandNet(nn.Module):
    """Two linear layers over the mean spectrum."""

    inputs = ("audio",)

    def __init__(self, settings: BandNetSettings) -> None:
        super().__init__()
        self.settings = settings
        self.body = nn.Linear(settings.num_mel_bins, settings.width)
        self.head = nn.Linear(settings.width, settings.num_classes)

    def embed(self, audio: Tensor) -> dict[str, Tensor]:
        """(B, T, F) spectrograms → (B, width)."""
        return {"audio": torch.relu(self.body(audio.mean(dim=1)))}

    def forward(self, audio: Tensor) -> ClassifierOutput:
        """Scores spectrograms (B, T, F)."""
        return ClassifierOutput(self.head(self.embed(audio)["audio"]), {})
