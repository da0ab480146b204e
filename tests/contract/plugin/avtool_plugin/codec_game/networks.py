"""The codec of spectra, its critic, and the game between them."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn.functional import softplus


@dataclass(frozen=True)
class CodecSettings:
    """The settings of a codec."""

    num_mel_bins: int = 128
    width: int = 8


class Codec(nn.Module):
    """A linear encoder and decoder of spectra (B, T, F)."""

    inputs = ("audio",)

    def __init__(self, settings: CodecSettings) -> None:
        super().__init__()
        self.settings = settings
        self.encoder = nn.Linear(settings.num_mel_bins, settings.width)
        self.decoder = nn.Linear(settings.width, settings.num_mel_bins)

    def forward(self, audio: Tensor) -> Tensor:
        """The spectra as they are decoded."""
        decoded: Tensor = self.decoder(self.encoder(audio).tanh())
        return decoded


class Game(nn.Module):
    """The losses of codec and critic (Goodfellow et al., 2014, without saturation)."""

    def __init__(self, num_mel_bins: int) -> None:
        super().__init__()
        self.body = nn.Linear(num_mel_bins, 16)
        self.head = nn.Linear(16, 1)

    def critic(self, audio: Tensor) -> Tensor:
        """Logits of being real."""
        logits: Tensor = self.head(self.body(audio).relu())
        return logits

    def forward(self, model: nn.Module, batch: Mapping[str, Tensor], phase: str) -> dict[str, Tensor]:
        """The loss of a phase, `critic` or `codec`."""
        real, decoded = batch["audio"], model(batch["audio"])
        if phase == "critic":
            return {"loss": softplus(-self.critic(real)).mean() + softplus(self.critic(decoded)).mean()}
        error = (real - decoded).abs().mean()
        return {"loss": error + 0.1 * softplus(-self.critic(decoded)).mean(), "error": error}
