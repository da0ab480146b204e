"""Masking of tokens: at random, by times and frequencies, or by tubes through time.

A mask is a function of uniform noise that comes with the batch, so that it depends on the clip and the epoch
and on nothing else. Every clip of a batch has the same number of masked tokens.
"""

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from avtool.models.layers.settings import require

MaskKind = Literal["random", "time-frequency", "tube"]


class TokenSplit(NamedTuple):
    """The places of a batch's tokens, as int64 indices.

    Attributes:
        visible: (B, V).
        masked: (B, M), in random order: the first few are a random part of them.
    """

    visible: Tensor
    masked: Tensor


@dataclass(frozen=True)
class Masking:
    """A random split of tokens into visible and masked ones.

    Attributes:
        grid: tokens along each side; time first, where there is time.
        kind: "random": each token for itself; "time-frequency": whole times and whole frequencies, and their
            union is masked; "tube": whole places of the frame, for all times.
        ratio: share of masked tokens, of "random" and "tube".
        time_ratio: share of masked times.
        frequency_ratio: share of masked frequencies.
    """

    grid: tuple[int, ...]
    kind: MaskKind = "random"
    ratio: float = 0.75
    time_ratio: float = 0.7
    frequency_ratio: float = 0.3

    def __post_init__(self) -> None:
        length = math.prod(self.grid)
        if self.kind == "time-frequency":
            require(len(self.grid) == 2, "only spectrograms are masked by time and frequency")
            require(min(self.grid) >= 2, f"a grid of {self.grid[0]} x {self.grid[1]} has no times to choose")
        require(self.kind != "tube" or len(self.grid) == 3, "only videos are masked by tubes")
        ratios = (self.time_ratio, self.frequency_ratio) if self.kind == "time-frequency" else (self.ratio,)
        require(
            all(0 <= ratio < 1 for ratio in ratios) and 1 <= self.num_visible < length,
            f"mask ratio {' and '.join(f'{ratio:g}' for ratio in ratios)} leaves {self.num_visible} of "
            f"{length} tokens visible",
            f"at least 1 and at most {length - 1} can be: a ratio is above 0 and below 1",
        )

    @property
    def num_visible(self) -> int:
        """Visible tokens V of a clip.

        Products are cut to whole numbers as the published code does: 0.8 of 50 tokens leaves 9, not 10.
        """
        if self.kind == "random":
            return int(math.prod(self.grid) * (1 - self.ratio))
        if self.kind == "tube":
            return self.grid[0] * self._visible_tubes
        return math.prod(self._visible_sides)

    @property
    def _visible_tubes(self) -> int:
        tubes = math.prod(self.grid[1:])
        return tubes - int(self.ratio * tubes)

    @property
    def _visible_sides(self) -> tuple[int, int]:
        times, frequencies = self.grid
        return int(times * (1 - self.time_ratio)), int(frequencies * (1 - self.frequency_ratio))

    def split(self, noise: Tensor) -> TokenSplit:
        """Splits tokens by uniform noise (B, L) from [0, 1)."""
        require(
            noise.dim() == 2 and noise.shape[1] == math.prod(self.grid),
            f"noise for masks has shape {tuple(noise.shape)} and not (batch, {math.prod(self.grid)} tokens)",
        )
        key = noise
        if self.kind != "random":
            masked = self._masked_tubes(noise) if self.kind == "tube" else self._masked_sides(noise)
            key = masked + noise * 4096 % 1  # the order within each part: low bits, independent of the choice
        order = key.argsort(dim=1, stable=True)
        return TokenSplit(order[:, : self.num_visible], order[:, self.num_visible :])

    def _masked_tubes(self, noise: Tensor) -> Tensor:
        places = math.prod(self.grid[1:])
        return (_rank(noise[:, :places]) >= self._visible_tubes).repeat(1, self.grid[0])

    def _masked_sides(self, noise: Tensor) -> Tensor:
        times, frequencies = self.grid
        visible_times, visible_frequencies = self._visible_sides
        late = _rank(noise[:, :times]) >= visible_times
        high = _rank(noise[:, times : times + frequencies]) >= visible_frequencies
        return (late[:, :, None] | high[:, None, :]).flatten(1)


def masked_tokens(split: TokenSplit) -> Tensor:
    """(B, L) True where a token is masked."""
    batch_size, length = len(split.visible), split.visible.shape[1] + split.masked.shape[1]
    mask = torch.zeros(batch_size, length, dtype=torch.bool, device=split.masked.device)
    return mask.scatter(1, split.masked, value=True)


def _rank(noise: Tensor) -> Tensor:
    """The place of each number in the order of its row."""
    return noise.argsort(dim=1, stable=True).argsort(dim=1)
