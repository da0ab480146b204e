"""Stochastic depth: residual branches skipped at random, sample by sample (Huang et al., 2016)."""

from torch import Tensor, nn


class StochasticDepth(nn.Module):
    """Zeroes a residual branch for a random part of the samples while training.

    timm's DropPath is the same with `rescale`, but timm is in the extra `hub`, and the models are not.

    Args:
        probability: of skipping the branch, in [0, 1).
        rescale: divide the kept branches by 1 - probability, so that the expected output does not change.
            MBT's published code does not, and calls itself equal to timm, which does.
    """

    def __init__(self, probability: float, rescale: bool = True) -> None:
        super().__init__()
        assert 0 <= probability < 1, f"probability {probability} is not in [0, 1)"
        self.probability = probability
        self.rescale = rescale

    def forward(self, branch: Tensor) -> Tensor:
        """(B, …) → (B, …); in training the branch of each sample is zero with the probability."""
        if not self.training or self.probability == 0:
            return branch
        keep = branch.new_empty(branch.shape[0], *(1,) * (branch.dim() - 1)).bernoulli_(1 - self.probability)
        if self.rescale:
            keep = keep / (1 - self.probability)
        return branch * keep

    def extra_repr(self) -> str:
        return f"{self.probability:g}, rescale={self.rescale}"


def linear_schedule(highest: float, depth: int) -> list[float]:
    """Skip probabilities of a stack of layers: 0 at the first, `highest` at the last, even steps between."""
    return [highest * layer / max(depth - 1, 1) for layer in range(depth)]
