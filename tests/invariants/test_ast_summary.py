"""AST leaves out what its last block would make of the patches: nothing changes but the time it takes."""

import pytest
import torch

from avtool.models.ast.ast import NUM_SPECIAL
from avtool.models.registry import create

torch.set_num_threads(1)


def randomized(**overrides) -> torch.nn.Module:
    torch.manual_seed(0)
    model = create("ast_tiny", **overrides).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(
    "settings", [{}, {"depth": 1}, {"recompute": True}], ids=["", "one block", "recompute"]
)
def test_the_summary_and_its_gradients_are_those_of_all_tokens(settings, masked):
    model = randomized(**settings)
    tokens = model.tokenize(torch.randn(3, 128, 64, dtype=torch.float64)).detach()
    mask = torch.rand(tokens.shape[:2]) < 0.7
    mask[:, 0] = True
    mask = mask if masked else None

    def gradients(summary: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return torch.autograd.grad(model.head(summary).square().sum(), [*model.blocks.parameters()])

    whole = model.encode(tokens, mask)[:, :NUM_SPECIAL].mean(dim=1)
    short = model.summarise(tokens, mask)
    torch.testing.assert_close(short, whole, rtol=0, atol=1e-12)
    for ours, theirs in zip(gradients(short), gradients(whole), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)
