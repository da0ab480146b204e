"""Kaldi's log-mel filter bank, as AST and its descendants use it, for batches and on any device.

Equal to `torchaudio.compliance.kaldi.fbank(window_type="hanning", dither=0)` to the last bit on the CPU: the
triangles' edges are computed in Python floats and everything else in float32, in Kaldi's order.
"""

import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from avtool.core.errors import BadInputError

PREEMPHASIS = 0.97
FLOOR = torch.finfo(torch.float32).eps
"""The smallest energy; its logarithm, -15.942385, is what silence gives."""
CHUNK = 512
"""Frames at a time on a CPU: what fits its cache is done twice as fast, and films need no more memory."""


class Fbank(nn.Module):
    """Log energies in mel bands: 25 ms windows every 10 ms, whole windows only.

    Shapes: B batch, N samples, T frames = 1 + ⌊(N - window) / hop⌋, F mel bins.

    Args:
        sample_rate: of the waveforms, in Hz.
        num_mel_bins: mel bands F.
        low_frequency: lower edge of the first band, in Hz.
        high_frequency: upper edge of the last band, in Hz; None for half the sample rate.
        window_ms: length of a window, in milliseconds.
        hop_ms: step between windows, in milliseconds.
    """

    window: Tensor
    mel_bank: Tensor

    def __init__(
        self,
        sample_rate: int = 16000,
        num_mel_bins: int = 128,
        low_frequency: float = 20.0,
        high_frequency: float | None = None,
        window_ms: float = 25.0,
        hop_ms: float = 10.0,
    ) -> None:
        super().__init__()
        self.sample_rate = sample_rate
        self.window_size = int(sample_rate * window_ms * 0.001)
        self.hop_size = int(sample_rate * hop_ms * 0.001)
        self.fft_size = 1 << (self.window_size - 1).bit_length()
        if high_frequency is None:
            high_frequency = sample_rate / 2
        assert 0 <= low_frequency < high_frequency <= sample_rate / 2, "the mel bands need a rising range"
        self.register_buffer("window", torch.hann_window(self.window_size, periodic=False), persistent=False)
        bank = mel_bank(num_mel_bins, self.fft_size, sample_rate, low_frequency, high_frequency)
        self.register_buffer("mel_bank", bank, persistent=False)

    def num_frames(self, num_samples: int) -> int:
        """Frames of a waveform of so many samples; 0 if it is shorter than a window."""
        return max(0, 1 + (num_samples - self.window_size) // self.hop_size)

    @torch.no_grad()
    def forward(self, waveform: Tensor) -> Tensor:
        """Turns mono waveforms (B, N), in [-1, 1], into (B, T, F) natural logarithms of energies.

        Raises:
            BadInputError: the shape is not (B, N), or N is shorter than one window.
        """
        self._check(waveform)
        frames = waveform.float().unfold(-1, self.window_size, self.hop_size)  # a view: nothing is copied yet
        if waveform.device.type != "cpu":
            return self._log_energies(frames)
        num_parts = math.ceil(
            frames.shape[1] / CHUNK
        )  # of equal sizes: a product of few rows rounds otherwise
        parts = [self._log_energies(part) for clip in frames for part in clip.chunk(num_parts)]
        return torch.cat(parts).reshape(*frames.shape[:2], -1)

    def _log_energies(self, frames: Tensor) -> Tensor:
        """(..., window) → (..., F)."""
        with torch.autocast(frames.device.type, enabled=False):  # half precision would lose the quiet bands
            frames = frames - frames.mean(dim=-1, keepdim=True)
            before = torch.cat([frames[..., :1], frames[..., :-1]], dim=-1)  # the first stands before itself
            frames = (frames - PREEMPHASIS * before) * self.window
            spectrum = torch.fft.rfft(F.pad(frames, (0, self.fft_size - self.window_size))).abs().pow(2.0)
            if spectrum.is_cuda:  # where matrix products may run in TF32, which keeps three digits
                energies: Tensor = (spectrum.double() @ self.mel_bank.double().T).float()
            else:
                energies = spectrum @ self.mel_bank.T
            return energies.clamp(min=FLOOR).log()

    def _check(self, waveform: Tensor) -> None:
        if waveform.dim() != 2:
            raise BadInputError(
                f"the filter bank takes waveforms of (batch, samples), not {tuple(waveform.shape)}",
                "average the channels first: the models read mono audio",
            )
        if waveform.shape[1] < self.window_size:
            raise BadInputError(
                f"a clip of {waveform.shape[1]} samples is shorter than one window of {self.window_size} "
                f"({1000 * self.window_size / self.sample_rate:g} ms)",
                "leave such clips out, or pad them with silence",
            )


def mel_bank(
    num_mel_bins: int, fft_size: int, sample_rate: int, low_frequency: float, high_frequency: float
) -> Tensor:
    """Triangles that are linear in mel over the bins of a real FFT, without normalisation of their area.

    Returns:
        (num_mel_bins, fft_size / 2 + 1); the last column, the Nyquist bin, is zero.
    """
    low, high = _mel(low_frequency), _mel(high_frequency)
    step = (high - low) / (num_mel_bins + 1)
    band = torch.arange(num_mel_bins)[:, None]
    left, centre, right = low + band * step, low + (band + 1.0) * step, low + (band + 2.0) * step
    frequency = sample_rate / fft_size * torch.arange(fft_size // 2)
    mel = 1127.0 * (1.0 + frequency / 700.0).log()
    rising, falling = (mel - left) / (centre - left), (right - mel) / (right - centre)
    triangles = torch.minimum(rising, falling).clamp(min=0)
    return F.pad(triangles, (0, 1))


def _mel(frequency: float) -> float:
    return 1127.0 * math.log(1.0 + frequency / 700.0)
