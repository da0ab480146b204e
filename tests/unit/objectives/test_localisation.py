"""Losses of query localisation: values known in advance, gradients, padding, batches."""

import math
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor

from avtool.core.errors import BadInputError
from avtool.models.minotaur.settings import LocalisationOutput
from avtool.models.registry import create
from avtool.objectives.localisation import (
    Localisation,
    LocalisationWeights,
    attention_loss,
    box_losses,
    contrastive_loss,
    corners,
    edge_targets,
    foreground_loss,
    generalized_iou,
    matches_elsewhere,
    start_end_loss,
)

torch.set_num_threads(1)
KINDS = ("image", "text", "label", "audio")


def inside(length: int, first: int, last: int) -> Tensor:
    frames = torch.arange(length)
    return ((frames >= first) & (frames <= last))[None]


def every(length: int, batch: int = 1) -> Tensor:
    return torch.ones(batch, length, dtype=torch.bool)


def uniform_start_end(length: int, first: int, last: int, sigma: float) -> float:
    logits = torch.zeros(1, 1, length, 2, dtype=torch.float64)
    return start_end_loss(logits, torch.tensor([[[first, last]]]), every(length), sigma).item()


def test_start_and_end_of_uniform_logits() -> None:
    assert uniform_start_end(5, 1, 3, 1) == pytest.approx(0.29960039, abs=1e-6)
    assert uniform_start_end(8, 2, 5, 2) == pytest.approx(0.08953204, abs=1e-6)


def test_start_and_end_of_the_targets_themselves() -> None:
    edges, valid = torch.tensor([[[2, 5]]]), every(8)
    targets = [edge_targets(edges[..., place], valid, 1.0).log() for place in range(2)]
    loss = start_end_loss(torch.stack(targets, dim=-1)[None], edges, valid)
    assert 0 < loss.item() < 3e-6


def test_a_later_answer_has_a_later_target() -> None:
    early, late = (edge_targets(torch.tensor([[place]]), every(40), 1.0) for place in (15, 18))
    torch.testing.assert_close(early[:, 5:30], late[:, 8:33], atol=1e-12, rtol=0)


def test_several_segments_have_a_target_of_several_peaks() -> None:
    valid = every(40)
    both = edge_targets(torch.tensor([[8, 30]]), valid, 1.0)
    alone = [edge_targets(torch.tensor([[place, -1]]), valid, 1.0) for place in (8, 30)]
    torch.testing.assert_close(both, (alone[0] + alone[1]) / 2, atol=1e-6, rtol=0)
    torch.testing.assert_close(alone[0], edge_targets(torch.tensor([[8]]), valid, 1.0))


def test_guided_attention_of_uniform_weights() -> None:
    weights = torch.full((1, 1, 4, 4), 0.25, dtype=torch.float64)
    assert attention_loss(weights, inside(4, 1, 2), every(4)).item() == pytest.approx(1.15072241, abs=1e-6)


def test_foreground_of_zero_logits() -> None:
    logits = torch.zeros(1, 1, 5, dtype=torch.float64)
    loss = foreground_loss(logits, inside(5, 1, 3), every(5))
    assert loss.item() == pytest.approx(0.97040604, abs=1e-6)
    background = foreground_loss(logits, torch.zeros(1, 5, dtype=torch.bool), every(5))
    assert background.item() == pytest.approx(0.69314718, abs=1e-6)


def test_boxes_beside_each_other() -> None:
    boxes, targets = (torch.tensor([x, 0.5, 0.4, 0.4], dtype=torch.float64) for x in (0.5, 0.6))
    assert generalized_iou(boxes, targets).item() == pytest.approx(0.6, abs=1e-9)
    distance, apart = box_losses(boxes.expand(1, 1, 3, 4), targets.expand(1, 3, 4), inside(3, 0, 1))
    assert distance.item() == pytest.approx(0.1, abs=1e-9)
    assert apart.item() == pytest.approx(0.4, abs=1e-9)
    nothing = box_losses(boxes.expand(1, 1, 3, 4), targets.expand(1, 3, 4), torch.zeros(1, 3).bool())
    assert [loss.item() for loss in nothing] == [0, 0]


def test_giou_is_that_of_torchvision() -> None:
    torch.manual_seed(1)
    boxes, targets = (torch.rand(50, 4, dtype=torch.float64) * 0.8 + 0.1 for _ in range(2))
    matrix = torchvision.ops.generalized_box_iou(corners(boxes), corners(targets))
    torch.testing.assert_close(generalized_iou(boxes, targets), matrix.diagonal(), atol=1e-12, rtol=0)


def test_contrast_of_equal_matches_counts_the_frames_outside() -> None:
    match, valid = torch.full((2, 9), 3.5, dtype=torch.float64), inside(9, 0, 6).expand(2, -1)
    loss = contrastive_loss(match, torch.stack([inside(9, 1, 2)[0], inside(9, 0, 8)[0]]), valid)
    assert loss.tolist() == pytest.approx([math.log(1 + 5), 0.0], abs=1e-12)


def test_contrast_is_the_cross_entropy_of_each_frame_among_those_outside() -> None:
    torch.manual_seed(7)
    match, answer, valid = torch.randn(1, 8, dtype=torch.float64), inside(8, 2, 4), inside(8, 0, 6)
    others = match[0, [0, 1, 5, 6]]
    first = torch.zeros(1, dtype=torch.int64)
    each = [
        torch.nn.functional.cross_entropy(torch.cat([match[0, place : place + 1], others])[None], first)
        for place in (2, 3, 4)
    ]
    expected = torch.stack(each).mean()
    torch.testing.assert_close(contrastive_loss(match, answer, valid)[0], expected, atol=1e-12, rtol=0)


@pytest.mark.parametrize("name", ["box", "start_end", "attention", "foreground", "contrastive"])
def test_gradients_are_those_of_differences(name: str) -> None:
    torch.manual_seed(2)
    length, valid = 5, torch.tensor([[True] * 5, [True] * 4 + [False]])
    answer, edges = inside(length, 1, 2).expand(2, -1), torch.tensor([[[1, 2]], [[1, 2]]])
    raw: dict[str, tuple[tuple[int, ...], Any]] = {
        "box": (
            (2, 2, 5, 4),
            lambda x: sum(box_losses(x.sigmoid(), torch.full((2, 5, 4), 0.4).double(), answer)),
        ),
        "start_end": ((2, 2, 5, 2), lambda x: start_end_loss(x, edges, valid)),
        "attention": (
            (2, 2, 5, 5),
            lambda x: attention_loss(x.masked_fill(~valid[:, None], -9).softmax(-1), answer, valid),
        ),
        "foreground": ((2, 2, 5), lambda x: foreground_loss(x, answer, valid)),
        "contrastive": ((2, 5), lambda x: contrastive_loss(x, answer, valid)),
    }
    shape, loss = raw[name]
    assert torch.autograd.gradcheck(loss, torch.randn(shape, dtype=torch.float64, requires_grad=True))


def batch_of(*lengths: int, length: int = 0) -> dict[str, Any]:
    """Windows of so many frames, padded to the longest with numbers that must not matter."""
    torch.manual_seed(3)
    size, longest = len(lengths), max([*lengths, length])
    valid = torch.arange(longest) < torch.tensor(lengths)[:, None]
    answer = inside(longest, 2, 4).expand(size, -1)
    return {
        "visual": torch.randn(4, 12, 4, 32)[:size, :longest],
        "audio": torch.randn(4, 12, 1, 16)[:size, :longest],
        "query": torch.randn(4, 5, 32)[:size],
        "query_mask": torch.ones(size, 5, dtype=torch.bool),
        "kind": torch.tensor([0, 1, 2, 3])[:size],
        "valid": valid,
        "edges": torch.tensor([[[2, 4]]]).expand(size, -1, -1),
        "foreground": answer,
        "boxes": torch.full((size, longest, 4), 0.4),
        "box_present": answer,
    }


def test_padding_and_company_change_nothing() -> None:
    torch.manual_seed(4)
    model, objective = create("minotaur_tiny").eval(), Localisation(KINDS, LocalisationWeights())
    alone = [objective(model, {key: value[n : n + 1] for key, value in batch_of(7, 7, 7).items()})["loss"]
             for n in range(3)]  # fmt: skip
    padded = objective(model, batch_of(7, 7, 7, length=12))["loss"]
    torch.testing.assert_close(padded, torch.stack(alone).mean(), atol=1e-5, rtol=1e-6)


def test_padding_is_no_positive() -> None:
    logits = torch.full((1, 1, 6), -3.0)
    logits[..., 4:] = 50  # of padding
    valid = inside(6, 0, 3)
    answer = inside(6, 1, 5)  # whatever stands there
    short = foreground_loss(logits[..., :4], answer[:, :4], valid[:, :4])
    torch.testing.assert_close(foreground_loss(logits, answer, valid), short)


def test_a_background_window_has_a_foreground_loss_alone() -> None:
    torch.manual_seed(5)
    model, objective = create("minotaur_tiny").eval(), Localisation(KINDS, LocalisationWeights())
    batch = batch_of(8, 8)
    batch["foreground"] = batch["box_present"] = torch.zeros(2, 8, dtype=torch.bool)
    terms = objective(model, batch)
    zero = [name for name, value in terms.items() if value == 0]
    assert sorted(zero) == ["attention_loss", "box_loss", "giou_loss", "start_end_loss"]
    assert terms["foreground_loss"] > 0


def test_the_loss_is_the_weighted_sum_over_layers() -> None:
    batch = batch_of(8, 8)
    torch.manual_seed(6)
    output = LocalisationOutput(
        torch.rand(3, 2, 8, 4).clamp_min(0.05), torch.randn(3, 2, 8, 2), torch.randn(3, 2, 8),
        torch.randn(3, 2, 8, 8).softmax(-1),
    )  # fmt: skip
    layers = [LocalisationOutput(*(value[n : n + 1] for value in output[:4])) for n in range(3)]
    objective = Localisation(KINDS, LocalisationWeights(scales={"text": 3.0}))

    def losses(one: LocalisationOutput) -> dict[str, Tensor]:
        return objective(lambda *_, **__: one, batch)  # type: ignore[arg-type,return-value]

    total = losses(output)["loss"]
    torch.testing.assert_close(total, sum(losses(layer)["loss"] for layer in layers))
    plain = Localisation(KINDS, LocalisationWeights())
    single = plain(lambda *_, **__: layers[2], batch)
    expected = (
        5 * single["box_loss"] + 2 * single["giou_loss"] + 10 * single["start_end_loss"]
        + single["attention_loss"] + 2 * single["foreground_loss"]
    )  # fmt: skip
    torch.testing.assert_close(single["loss"], expected)


def test_the_contrast_is_added_to_the_published_terms() -> None:
    torch.manual_seed(8)
    model, batch = create("minotaur_tiny", match=True).eval(), batch_of(8, 6)
    published, with_contrast = (
        Localisation(KINDS, LocalisationWeights(contrastive=weight))(model, batch) for weight in (0.0, 3.0)
    )
    assert "contrastive_loss" not in published
    more = published["loss"] + 3 * with_contrast["contrastive_loss"]
    torch.testing.assert_close(with_contrast["loss"], more)
    with_contrast["contrastive_loss"].backward()
    assert model.match.request[1].weight.grad.abs().sum() > 0


def test_negatives_of_the_batch_are_the_frames_of_other_films() -> None:
    pairs, films = torch.randn(3, 3, 4), torch.tensor([5, 7, 5])
    valid = torch.tensor([[True] * 4, [True, True, False, False], [True] * 4])
    others = matches_elsewhere(pairs, valid, films)
    kept = [others[query][others[query].isfinite()] for query in range(3)]
    assert torch.equal(kept[0], pairs[0, 1, :2])
    assert torch.equal(kept[1], torch.cat([pairs[1, 0], pairs[1, 2]]))
    assert torch.equal(kept[2], pairs[2, 1, :2])


def test_a_contrast_with_the_batch_counts_its_frames() -> None:
    match, valid, answer = torch.zeros(2, 6), every(6, 2), inside(6, 1, 2).expand(2, -1)
    others = torch.tensor([[0.0, 0.0, 0.0], [0.0, float("-inf"), float("-inf")]])
    loss = contrastive_loss(match, answer, valid, others)
    assert loss.tolist() == pytest.approx([math.log(1 + 4 + 3), math.log(1 + 4 + 1)], abs=1e-6)


def test_the_objective_takes_the_negatives_that_it_is_given() -> None:
    torch.manual_seed(9)
    model, batch = create("minotaur_tiny", match=True).eval(), batch_of(8, 6, 7)
    window, alone, several = (
        Localisation(KINDS, LocalisationWeights(contrastive=1.0, negatives=negatives))(
            model, {**batch, "film": torch.tensor(films)}
        )["contrastive_loss"]
        for negatives, films in (("window", [0, 1, 2]), ("batch", [4, 4, 4]), ("batch", [0, 1, 0]))
    )
    torch.testing.assert_close(alone, window)
    assert several > window


def test_a_contrast_needs_a_match() -> None:
    objective = Localisation(KINDS, LocalisationWeights(contrastive=1.0))
    with pytest.raises(BadInputError, match="has no match"):
        objective(create("minotaur_tiny"), batch_of(8))


def test_guided_attention_can_be_left_out() -> None:
    model = create("minotaur_tiny").eval()
    terms = Localisation(KINDS, LocalisationWeights(attention=0.0))(model, batch_of(8, 8))
    assert "attention_loss" not in terms
