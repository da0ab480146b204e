"""YAMNet's log-mel spectrogram: logarithms of mel magnitudes with an offset, on any device."""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from avtool.data.inputs.fbank import Fbank

OFFSET = 0.001
"""What is added to a magnitude before its logarithm; silence gives log(0.001) = -6.907755."""


class LogMel(Fbank):
    """log(mel magnitude + 0.001): windows of 25 ms every 10 ms, whole windows only.

    It has the mel scale and the triangles of Kaldi's filter bank, and differs in four points: a periodic Hann
    window, neither DC removal nor pre-emphasis, magnitudes instead of energies, and an offset instead of a
    least energy. Published by Plakal and Ellis as `log_mel_spectrogram` of YAMNet (Google, 2019).

    Shapes and arguments are those of `Fbank`.
    """

    def __init__(
        self,
        sample_rate: int = 16000,
        num_mel_bins: int = 64,
        low_frequency: float = 125.0,
        high_frequency: float | None = 7500.0,
        window_ms: float = 25.0,
        hop_ms: float = 10.0,
    ) -> None:
        super().__init__(sample_rate, num_mel_bins, low_frequency, high_frequency, window_ms, hop_ms)
        self.window = torch.hann_window(self.window_size, periodic=True)

    def _log_energies(self, frames: Tensor) -> Tensor:
        """(..., window) → (..., F)."""
        with torch.autocast(frames.device.type, enabled=False):  # half precision would lose the quiet bands
            padded = F.pad(frames * self.window, (0, self.fft_size - self.window_size))
            magnitudes = torch.fft.rfft(padded).abs()
            if magnitudes.is_cuda:  # where matrix products may run in TF32, which keeps three digits
                mel = (magnitudes.double() @ self.mel_bank.double().T).float()
            else:
                mel = magnitudes @ self.mel_bank.T
            logarithms: Tensor = (mel + OFFSET).log()
            return logarithms
