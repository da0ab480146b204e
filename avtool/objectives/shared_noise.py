"""Uniform noise for the rows of a batch, independent of the number of processes."""

import numpy as np
import torch
from torch import Tensor, nn

from avtool.objectives.distributed import rank, world_size


class SharedNoise(nn.Module):
    """Uniform noise: each process takes its own rows of the noise that one process with all rows would draw.

    The number of calls is part of the state, so that a resumed training continues with the next draw. In
    evaluation every call gives the same numbers.

    Args:
        seed: seed of every draw.
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
        whole = torch.rand(world_size() * rows, width, generator=generator, device=device)
        return whole[rank() * rows :][:rows]

    def get_extra_state(self) -> Tensor:
        """The number of calls, a scalar tensor: a checkpoint holds nothing else."""
        return torch.tensor(self._calls)

    def set_extra_state(self, state: Tensor) -> None:
        """Restores the number of calls from a scalar."""
        self._calls = int(state)
