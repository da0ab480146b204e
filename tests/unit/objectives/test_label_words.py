"""The losses of label words: the divergence of a regression in closed form, and its minimum."""

import math

import pytest
import torch

from avtool.objectives.label_words import loss_of, predicted_values, range_divergence


def test_the_divergence_is_the_sum_by_hand() -> None:
    logits = torch.tensor([[0.3, -0.2], [1.0, 2.0], [0.0, 0.5]], dtype=torch.float64)
    targets = torch.tensor([1.0, 4.0, 2.5], dtype=torch.float64)
    total = 0.0
    for (low, high), value in zip(logits.tolist(), targets.tolist(), strict=True):
        share = math.exp(high) / (math.exp(low) + math.exp(high))
        wanted = value / 5
        total += wanted * math.log(wanted / share) + (1 - wanted) * math.log((1 - wanted) / (1 - share))
    assert float(range_divergence(logits, targets, (0.0, 5.0))) == pytest.approx(total / 3, abs=1e-12)


@pytest.mark.parametrize("value", [0.0, 1.25, 2.5, 3.75, 5.0])
def test_its_minimum_is_at_the_target(value: float) -> None:
    logits = torch.zeros(1, 2, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([logits], lr=0.5)
    for _ in range(2000):
        optimizer.zero_grad()
        range_divergence(logits, torch.tensor([value], dtype=torch.float64), (0.0, 5.0)).backward()
        optimizer.step()
    found = float(predicted_values(logits, (0.0, 5.0)).detach())
    assert found == pytest.approx(value, abs=0.01)


def test_values_stay_in_the_range() -> None:
    values = predicted_values(torch.tensor([[-80.0, 80.0], [80.0, -80.0], [0.0, 0.0]]), (1.0, 3.0))
    assert values.tolist() == pytest.approx([3.0, 1.0, 2.0])


def test_ends_of_the_range_have_finite_losses() -> None:
    logits = torch.tensor([[0.0, 1.0], [0.0, 1.0]], requires_grad=True)
    loss = loss_of((0.0, 5.0))(logits, torch.tensor([0.0, 5.0]))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()
    assert float(loss_of(None)(torch.zeros(3, 4), torch.tensor([0.0, 1.0, 3.0]))) == pytest.approx(
        math.log(4)
    )
