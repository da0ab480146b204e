"""Random numbers for the rows of a batch, however many processes share it."""

import numpy as np
import torch
from torch import Tensor, nn

from avtool.objectives.across_processes import num_processes, rank


class SharedNoise(nn.Module):
    """Uniform noise of which each process has its own rows: those that one process with all rows would have.

    Every process draws the noise of the whole batch. How often it was asked is part of the state, so that a
    resumed training goes on with the next numbers. In evaluation they are the same at every call.

    Args:
        seed: of all numbers.
    """

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self.seed = seed
        self._calls = 0

    def forward(self, rows: int, width: int, device: torch.device) -> Tensor:
        """(rows, width) in [0, 1); `rows` is the same in every process."""
        words = np.random.SeedSequence([self.seed, self._calls]).generate_state(1, np.uint64)
        generator = torch.Generator(device).manual_seed(int(words[0] >> np.uint64(1)))
        self._calls += self.training
        whole = torch.rand(num_processes() * rows, width, generator=generator, device=device)
        return whole[rank() * rows :][:rows]

    def get_extra_state(self) -> Tensor:
        """How often it was asked; a tensor, as a checkpoint holds nothing else."""
        return torch.tensor(self._calls)

    def set_extra_state(self, state: Tensor) -> None:
        """Goes on where another stopped."""
        self._calls = int(state)
