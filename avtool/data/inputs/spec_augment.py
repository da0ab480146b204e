"""SpecAugment (Park et al., 2019), time rolls, noise and gain of log-mel spectrograms (B, T, F).

Each sample draws its own numbers from torch's global generator, and nothing happens in evaluation mode.
"""

import math

import numpy as np
import torch
from torch import Tensor, nn

TIME, FREQUENCY = 1, 2


class SpecAugment(nn.Module):
    """Masks bands of mel bins and intervals of frames in each sample.

    Widths and places are drawn as torchaudio's masking transforms draw them: a width below the bound, and a
    start that keeps the whole mask inside.

    Args:
        frequency_mask: bound of the mask's width in mel bins; 0 for none.
        time_mask: bound of the mask's width in frames; 0 for none.
        value: within the mask. The published models put 0 before they normalise.
        frequency_masks: bands of mel bins; they may overlap.
        time_masks: intervals of frames.
    """

    def __init__(
        self,
        frequency_mask: int,
        time_mask: int,
        value: float = 0.0,
        frequency_masks: int = 1,
        time_masks: int = 1,
    ) -> None:
        super().__init__()
        assert min(frequency_mask, time_mask) >= 0, "a mask cannot be narrower than nothing"
        self.counts = {FREQUENCY: frequency_masks, TIME: time_masks}
        self.frequency_mask = frequency_mask
        self.time_mask = time_mask
        self.value = value

    def forward(self, fbank: Tensor) -> Tensor:
        """(B, T, F) → the same with masks."""
        if not self.training:
            return fbank
        for axis, bound in ((FREQUENCY, self.frequency_mask), (TIME, self.time_mask)):
            for _ in range(self.counts[axis] if bound > 0 else 0):
                fbank = fbank.masked_fill(draw_masks(fbank, bound, axis), self.value)
        return fbank

    def extra_repr(self) -> str:
        widths = f"frequency_mask={self.frequency_mask}, time_mask={self.time_mask}, value={self.value:g}"
        return f"{widths}, counts={tuple(self.counts.values())}"


def draw_masks(fbank: Tensor, bound: int, axis: int) -> Tensor:
    """One mask a sample along an axis, narrower than `bound`: (B, T, 1) or (B, 1, F), True where masked."""
    batch_size, size = fbank.shape[0], fbank.shape[axis]
    width = torch.rand(batch_size, device=fbank.device) * min(bound, size)
    start = (torch.rand(batch_size, device=fbank.device) * (size - width)).long()
    end = start + width.long()
    place = torch.arange(size, device=fbank.device)
    masked = (place >= start[:, None]) & (place < end[:, None])
    return masked[:, :, None] if axis == TIME else masked[:, None, :]


class TimeRoll(nn.Module):
    """Rotates each sample in time by a random number of frames, in front of its padding.

    Args:
        max_frames: largest shift either way of a whole window, and of a shorter sample its share of it; None
            for any.
    """

    def __init__(self, max_frames: int | None = None) -> None:
        super().__init__()
        self.max_frames = max_frames

    def forward(self, fbank: Tensor, frames: Tensor | None = None) -> Tensor:
        """(B, T, F), of which (B,) frames are audio → the same, these rotated."""
        if not self.training:
            return fbank
        num_frames = fbank.shape[TIME]
        bound = num_frames // 2 if self.max_frames is None else self.max_frames
        shift = torch.randint(-bound, bound + 1, (len(fbank),), device=fbank.device)
        return roll_frames(fbank, shift if frames is None else shift * frames // num_frames, frames)


def roll_frames(fbank: Tensor, shift: Tensor, frames: Tensor | None = None) -> Tensor:
    """Rotates samples (B, T, F) in time by (B,) frames, in front of what pads them.

    Args:
        fbank: spectrograms.
        shift: frames, positive to later ones.
        frames: (B,) of each sample, the rest is padding; None: all are.
    """
    num_frames = fbank.shape[TIME]
    place = torch.arange(num_frames, device=fbank.device)
    length = torch.full_like(shift, num_frames) if frames is None else frames.clamp(1, num_frames)
    rotated = (place - shift[:, None]) % length[:, None]
    source = torch.where(place < length[:, None], rotated, place)
    return fbank.gather(TIME, source[:, :, None].expand_as(fbank))


class UniformNoise(nn.Module):
    """Adds noise from [0, 1) times a level that each sample draws from [0, `highest`).

    Args:
        highest: bound of the level; AST uses 0.1, after normalisation.
    """

    def __init__(self, highest: float = 0.1) -> None:
        super().__init__()
        self.highest = highest

    def forward(self, fbank: Tensor) -> Tensor:
        """(B, T, F) → the same with noise."""
        if not self.training:
            return fbank
        level = torch.rand(len(fbank), 1, 1, device=fbank.device, dtype=fbank.dtype) * self.highest
        return fbank + torch.rand_like(fbank) * level


class RollAndGain:
    """Rotates one spectrogram in time and changes its level (Huang et al., 2022).

    Args:
        enabled: without it samples stay as they are; as many numbers are drawn, so that what is drawn after
            them is the same.
    """

    def __init__(self, *, enabled: bool = True) -> None:
        self.enabled = enabled

    def __call__(self, fbank: Tensor, rng: np.random.Generator) -> Tensor:
        """(T, F) log energies → the same, rotated by up to T frames, of 0.5 to 1.5 times the amplitude."""
        shift, gain = int(rng.integers(len(fbank))), float(rng.beta(10, 10)) + 0.5
        return fbank.roll(shift, dims=0) + 2 * math.log(gain) if self.enabled else fbank
