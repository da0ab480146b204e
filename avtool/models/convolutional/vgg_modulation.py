"""Modulation VGG: a VGG over a fine spectrogram beside one over its modulation spectrum.

A rotor, an engine or a saw beats ten to a hundred times a second, and rain does not, though their
spectrograms look alike. A spectrogram with long windows blurs such beats, and the receptive field of a
convolution holds too few of them to separate a beat from noise. Their spectrum over more than a second shows
a beat as a line; the ear has filters for it (Dau, Kollmeier & Kohlrausch, Modeling Auditory Processing of
Amplitude Modulation, 1997).
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from avtool.models.convolutional.pooled_network import check_spectrogram, initialize_convolutions, pooled
from avtool.models.convolutional.vgg import check_stages, stages_of
from avtool.models.layers.output import ClassifierOutput
from avtool.models.layers.settings import require
from avtool.models.layers.standardized_linear import StandardizedLinear

_LEAST_POWER = 1e-3


@dataclass(frozen=True)
class ModulationVGGSettings:
    """The settings of a modulation VGG; frames of 5 ms and windows of 12 ms suit its numbers.

    Attributes:
        num_classes: width of the output.
        coarse: frames whose mean is one row of the input of the VGG of the spectrogram.
        widths, pointwise_stages: of that VGG, as `VGGSettings` has them.
        bands: bands of the modulation spectrum, of equal numbers of mel bins.
        window: frames of a segment of the modulation spectrum, with a hop of half a segment: 256 are 1.28 s.
        rates: first and past the last rate of modulation, in 1 / window: (2, 128) are 1.6 to 99 Hz.
        modulation_widths, modulation_pointwise: of the VGG of the modulations.
        dropout: probability, before the last layer.
    """

    num_classes: int = 50
    coarse: int = 4
    widths: tuple[int, ...] = (16, 32, 64, 128)
    pointwise_stages: int = 2
    bands: int = 16
    window: int = 256
    rates: tuple[int, int] = (2, 128)
    modulation_widths: tuple[int, ...] = (16, 32, 64)
    modulation_pointwise: int = 1
    dropout: float = 0.3

    def __post_init__(self) -> None:
        check_stages(self.widths, self.pointwise_stages)
        check_stages(self.modulation_widths, self.modulation_pointwise)
        require(self.coarse >= 1, f"{self.coarse} frames have no mean")
        require(self.bands >= 1, f"{self.bands} bands have no modulations")
        low, past = self.rates
        require(
            0 < low < past <= self.window // 2 + 1,
            f"modulation rates {low} to {past} do not lie in 1 to {self.window // 2 + 1}",
        )
        require(0 <= self.dropout < 1, f"dropout {self.dropout} is not in [0, 1)")


class ModulationSpectrum(nn.Module):
    """The power of each rate at which the level of a band rises and falls, as logarithms.

    Welch's method: the mean over segments that overlap by half, without their mean, under a Hann window.

    Args:
        bands: neighbouring mel bins are averaged to so many.
        window: frames of a segment; shorter spectrograms end with their last frame repeated.
        rates: first and past the last row of the spectrum, in 1 / window.
    """

    hann: Tensor

    def __init__(self, bands: int, window: int, rates: tuple[int, int]) -> None:
        super().__init__()
        self.bands, self.window, self.rates = bands, window, slice(*rates)
        self.register_buffer("hann", torch.hann_window(window), persistent=False)

    def forward(self, audio: Tensor) -> Tensor:
        """(B, T, F) → (B, 1, bands, rates), in float32."""
        levels = F.adaptive_avg_pool1d(audio.float(), self.bands).transpose(1, 2)
        levels = F.pad(levels, (0, max(0, self.window - levels.shape[2])), mode="replicate")
        segments = levels.unfold(2, self.window, self.window // 2)
        segments = (segments - segments.mean(dim=3, keepdim=True)) * self.hann
        power: Tensor = torch.fft.rfft(segments).abs().square().mean(dim=2)[..., self.rates]
        return (power + _LEAST_POWER).log()[:, None]


class ModulationVGG(nn.Module):
    """Two VGGs, of a spectrogram and of its modulations, under one last layer.

    In training each is also scored by itself (`ClassifierOutput.modality_logits`): the one that fits most
    clips first would otherwise leave no gradient to the other.

    Args:
        settings: of the network.
    """

    inputs = ("audio",)

    def __init__(self, settings: ModulationVGGSettings) -> None:
        super().__init__()
        self.settings = settings
        self.spectrum = stages_of(settings.widths, settings.pointwise_stages)
        self.modulations = nn.Sequential(
            ModulationSpectrum(settings.bands, settings.window, settings.rates),
            nn.BatchNorm2d(1),
            stages_of(settings.modulation_widths, settings.modulation_pointwise),
        )
        width = 2 * (settings.widths[-1] + settings.modulation_widths[-1])
        self.head = nn.Sequential(nn.Dropout(settings.dropout), nn.Linear(width, settings.num_classes))
        initialize_convolutions(self)

    def forward(self, audio: Tensor) -> ClassifierOutput:
        """Scores normalised log-mel spectrograms (B, T, F)."""
        feature = self.embed(audio)["audio"]
        if not self.training:
            return ClassifierOutput(self.head(feature), {})
        feature, last = self.head[0](feature), self.head[1]
        if isinstance(last, StandardizedLinear):
            feature = last.standardize(feature)
        weight, bias = last.parameters()
        width = 2 * self.settings.widths[-1]
        parts = {"both": slice(None), "spectrum": slice(width), "modulations": slice(width, None)}
        logits = {name: F.linear(feature[:, part], weight[:, part], bias) for name, part in parts.items()}
        return ClassifierOutput(logits["both"], logits)

    def embed(self, audio: Tensor) -> dict[str, Tensor]:
        """The feature (B, 2 · both last widths) that the last layer reads."""
        check_spectrogram(audio)
        coarse = F.avg_pool2d(audio[:, None], (self.settings.coarse, 1), ceil_mode=True)
        views = self.spectrum(coarse), self.modulations(audio)
        return {"audio": torch.cat([pooled(maps) for maps in views], dim=1)}
