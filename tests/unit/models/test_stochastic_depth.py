"""Stochastic depth: who is skipped, how often, and what is rescaled."""

import pytest
import torch

from avtool.models.layers.stochastic_depth import StochasticDepth, linear_schedule


def test_evaluation_changes_nothing() -> None:
    branch = torch.randn(8, 3, 5)
    assert StochasticDepth(0.5).eval()(branch) is branch


@pytest.mark.parametrize(("rescale", "kept"), [(True, 1 / 0.7), (False, 1.0)])
def test_whole_samples_are_skipped_at_the_rate(rescale: bool, kept: float) -> None:
    torch.manual_seed(0)
    branch = StochasticDepth(0.3, rescale)(torch.ones(4000, 2, 3)).flatten(1)
    assert bool((branch == branch[:, :1]).all())
    skipped = branch[:, 0] == 0
    assert float(skipped.float().mean()) == pytest.approx(0.3, abs=0.03)
    torch.testing.assert_close(branch[~skipped], torch.full_like(branch[~skipped], kept))


def test_rates_grow_linearly_with_depth() -> None:
    assert linear_schedule(0.3, 4) == pytest.approx([0.0, 0.1, 0.2, 0.3])
    assert linear_schedule(0.3, 1) == [0.0]
    assert linear_schedule(0.3, 0) == []
