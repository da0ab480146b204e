"""From the sound of windows to the scaled spectrograms that a model takes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from avtool.data.inputs.spec import Feed

if TYPE_CHECKING:
    import torch


class Spectrograms:
    """The filter bank and the scaling of a model, on its device.

    Args:
        feed: of the model.
        device: where it computes.
    """

    def __init__(self, feed: Feed, device: "torch.device") -> None:
        from avtool.data.inputs.fbank import Fbank

        audio = feed.audio
        self._feed = feed
        self._device = device
        self._fbank = Fbank(
            audio.sample_rate,
            audio.num_mel_bins,
            audio.low_frequency,
            audio.high_frequency,
            audio.window_ms,
            audio.hop_ms,
        ).to(device)

    def __call__(self, sounds: Sequence[NDArray[np.float32]]) -> "torch.Tensor":
        """Spectrograms (B, T, F) of sounds no longer than the model takes, short ones padded."""
        import torch

        from avtool.data.inputs.fit import normalize, pad_or_cut

        frames = self._feed.num_frames
        length = self._feed.audio.samples_of(frames)
        short = [sound for sound in sounds if len(sound) < length]
        if short and not self._feed.pad_waveform:
            parts = [pad_or_cut(self._fbank(self._tensor(sound[None])), frames) for sound in sounds]
            fbank = torch.cat(parts)
        else:
            full = np.stack([np.pad(sound, (0, length - len(sound))) for sound in sounds])
            fbank = self._fbank(self._tensor(full))
        return normalize(fbank, self._feed.mean, self._feed.std)

    def _tensor(self, values: NDArray[np.float32]) -> "torch.Tensor":
        import torch

        return torch.from_numpy(np.ascontiguousarray(values)).to(self._device)
