"""The loss of prompt tuning: closed forms, the switch of its parts, and that it can be minimised."""

import math

import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from avtool.models.clip.prompted_clip import PromptScores
from avtool.objectives.prompt_tuning import PromptTuning, auxiliary_loss
from tests.clip_models import prompted

LABEL = torch.tensor([0, 1])


class Fixed(torch.nn.Module):
    """Gives fixed scores."""

    def __init__(self, method: str) -> None:
        super().__init__()
        self.method = prompted(method).method
        self.given = PromptScores(
            torch.tensor([[0.0, 0.0], [0.0, math.log(3)]]),
            torch.tensor([[math.log(3), 0.0], [0.0, 0.0]]),
            torch.tensor([[math.log(7), 0.0], [0.0, math.log(7)]]),
            (torch.zeros(2, 1, 2),),
            torch.tensor([[0], [0]]),
        )

    def scores(self, image: object, feature: object, *, guide: bool) -> PromptScores:
        return self.given if guide else self.given._replace(text=None, image=None)


PLAIN = (math.log(2) + math.log(4 / 3)) / 2
TEXT = (math.log(4 / 3) + math.log(2)) / 2
IMAGE = math.log(8 / 7)


def batch(epoch: int) -> dict[str, torch.Tensor]:
    return {"label": LABEL, "epoch": torch.full((2,), epoch)}


@pytest.mark.parametrize(("epoch", "expected"), [(4, TEXT + IMAGE + 0.1 * PLAIN), (5, PLAIN)])
def test_towers_are_aligned_in_the_first_epochs(epoch: int, expected: float) -> None:
    loss = PromptTuning(alpha=0.0, guide_epochs=5)(Fixed("vlp"), batch(epoch))  # type: ignore[arg-type]
    assert float(loss["loss"]) == pytest.approx(expected, abs=1e-6)
    assert float(loss["loss_text"]) == pytest.approx(TEXT, abs=1e-6)


def test_the_auxiliary_loss_counts_images_whose_class_was_selected() -> None:
    loss = PromptTuning(alpha=0.3, guide_epochs=0)(Fixed("dpt"), batch(0))  # type: ignore[arg-type]
    assert float(loss["loss_class_aware"]) == pytest.approx(math.log(2), abs=1e-6)
    assert float(loss["top_k_hits"]) == 0.5
    assert float(loss["loss"]) == pytest.approx(PLAIN + 0.3 * math.log(2), abs=1e-6)


def test_the_auxiliary_loss_is_the_mean_over_rows_of_the_true_class() -> None:
    logits = [torch.randn(3, 2, 4), torch.randn(3, 2, 4)]
    top, label = torch.tensor([[1, 0], [2, 3], [3, 2]]), torch.tensor([0, 2, 1])
    rows = [
        F.cross_entropy(each[n, k], label[n])
        for each in logits
        for n in range(3)
        for k in range(2)
        if top[n, k] == label[n]
    ]
    loss, hits = auxiliary_loss(logits, top, label)
    torch.testing.assert_close(loss, torch.stack(rows).mean())
    assert float(hits) == pytest.approx(2 / 3)


def test_no_hit_gives_zero_and_not_nan() -> None:
    logits = torch.randn(2, 1, 4, requires_grad=True)
    loss, hits = auxiliary_loss([logits], torch.tensor([[3], [3]]), LABEL)
    loss.backward()
    assert float(loss.detach()) == float(hits) == 0.0
    assert torch.equal(logits.grad, torch.zeros_like(logits))


@pytest.mark.parametrize(("alpha", "learns"), [(0.0, False), (0.3, True)])
def test_without_its_weight_the_auxiliary_classifier_gets_no_gradient(alpha: float, learns: bool) -> None:
    model = prompted("dpt", top_k=4)
    images = torch.randn(2, 3, 32, 32)
    PromptTuning(alpha, 5)(model, {"image": images, **batch(0)})["loss"].backward()
    assert (model.aware[0].classifier.weight.grad is not None) == learns
    assert model.aware[0].value.weight.grad is not None


def test_four_classes_are_learned_by_heart() -> None:
    torch.manual_seed(0)
    prototypes = torch.randn(4, 3, 32, 32)
    images = prototypes.repeat_interleave(4, 0) + 0.3 * torch.randn(16, 3, 32, 32)
    labels = torch.arange(4).repeat_interleave(4)
    model = prompted("dpt", top_k=2)
    learned = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(learned, 0.02, momentum=0.9, weight_decay=5e-4)
    objective = PromptTuning(alpha=0.3, guide_epochs=5)
    for step in range(40):
        given = {"image": images, "label": labels, "epoch": torch.full((16,), step)}
        loss = objective(model, given)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        scores = model.scores(images)
    assert (scores.logits.argmax(dim=1) == labels).all()
    assert float(F.cross_entropy(scores.logits, labels)) < 0.05
