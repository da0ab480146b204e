"""The whole objective: its terms, their labels and weights, its settings, and what a checkpoint keeps."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from avtool.core.errors import BadInputError
from avtool.models.registry import create
from avtool.models.temporal.avt import AVT
from avtool.objectives.temporal.mining import MiningSettings
from avtool.objectives.temporal.objective import (
    METHODS,
    Method,
    TemporalObjective,
    TemporalSettings,
    make_temporal_objective,
)
from avtool.objectives.temporal.pretext import mirrored, pretext_targets, pretext_terms
from tests.unit.objectives.synthetic_films import film_batch

torch.set_num_threads(1)
Batch = dict[str, Tensor]


def objective_for(method: Method, batch: int = 6, **changes: Any) -> TemporalObjective:
    mining = MiningSettings(num_negatives=16)
    settings = TemporalSettings(**{"method": method, "mining": mining, **changes})
    return make_temporal_objective(settings, num_clips=40, batch=batch, total_batches=10, projection_dim=16)


def exchanged(batch: Batch) -> Batch:
    """The batch with its two clips in the other order."""
    names = ("video", "audio", *(f"{m}_{q}" for m in ("video", "audio") for q in ("speed", "direction")))
    flipped = {name: batch[name].flip(1) for name in names}
    orders = {name: mirrored(batch[name]) for name in ("order_vv", "order_aa")}
    return {**batch, **flipped, **orders}


def test_exchanging_the_clips_changes_no_loss_within_a_modality() -> None:
    model, batch = create("avt_tiny", tasks=("speed", "direction", "order-within")).eval(), film_batch(5)
    with torch.no_grad():
        before = objective_for("infonce")(model, batch)
        after = objective_for("infonce")(model, exchanged(batch))
    assert before.keys() == after.keys()
    for name, value in before.items():
        torch.testing.assert_close(after[name], value, rtol=1e-5, atol=1e-6)


def test_before_becomes_after_and_overlapping_stays() -> None:
    assert mirrored(torch.tensor([0, 1, 2])).tolist() == [0, 2, 1]


def test_a_pair_of_one_modality_is_asked_in_both_orders_and_one_of_two_modalities_in_one() -> None:
    batch = {"order_vv": torch.tensor([0, 1, 2]), "order_vv_weight": torch.tensor([1.0, 0.5, 0.0])}
    labels, weights = pretext_targets("order_vv", batch)
    assert labels.tolist() == [[0, 0], [1, 2], [2, 1]]
    assert weights.tolist() == [[1, 1], [0.5, 0.5], [0, 0]]
    across = {name.replace("vv", "va"): value for name, value in batch.items()}
    assert [value.shape for value in pretext_targets("order_va", across)] == [(3, 1), (3, 1)]


def test_losses_and_accuracies_are_means_over_what_has_weight() -> None:
    logits = torch.tensor([[[2.0, 0.0], [0.0, 1.0]], [[0.0, 9.0], [0.0, 9.0]]])
    batch = {
        "video_direction": torch.tensor([[0, 0], [0, 0]]),
        "video_direction_weight": torch.tensor([[1.0, 3.0], [0.0, 0.0]]),
    }
    terms = pretext_terms({"video_direction": logits}, batch)
    expected = (math.log1p(math.exp(-2)) + 3 * math.log1p(math.exp(1))) / 4
    assert float(terms["video_direction"]) == pytest.approx(expected)
    assert float(terms["video_direction_accuracy"]) == 0.25
    assert float(terms["video_direction_chance"]) == 0.5


def test_a_question_without_any_answer_costs_nothing() -> None:
    logits = torch.randn(2, 1, 3, requires_grad=True)
    batch = {"order_va": torch.tensor([0, 2]), "order_va_weight": torch.zeros(2)}
    loss = pretext_terms({"order_va": logits}, batch)["order_va"]
    loss.backward()
    assert float(loss.detach()) == 0
    assert float(logits.grad.abs().max()) == 0


def test_the_loss_is_the_weighted_sum_of_its_terms() -> None:
    model, batch = create("avt_tiny").eval(), film_batch(5)
    with torch.no_grad():
        told = objective_for("infonce", contrast_weight=2.0, time_weight=0.5)(model, batch)
    asked = sum(told[question] for question in model.pretext_tasks)
    expected = 2 * (told["contrast_vv"] + told["contrast_va"]) + 0.5 * asked
    torch.testing.assert_close(told["loss"], expected)


@pytest.mark.parametrize("method", METHODS)
def test_every_step_tells_the_same_and_moves_every_parameter(method: Method) -> None:
    model, objective = create("avt_tiny"), objective_for(method)
    first, second = objective(model, film_batch(6)), objective(model, film_batch(6, seed=1))
    assert first.keys() == second.keys()
    assert all(value.dim() == 0 and bool(value.isfinite()) for value in second.values())
    second["loss"].backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_every_parameter_has_a_gradient_when_sight_alone_is_contrasted() -> None:
    model = create("avt_tiny", tasks=())
    objective_for("infonce", pairs=("vv",))(model, film_batch(4))["loss"].backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_half_precision_keeps_the_contrast_in_single() -> None:
    torch.manual_seed(0)
    model, objective, batch = create("avt_tiny").eval(), objective_for("avt"), film_batch(6)
    with torch.no_grad():
        single = objective(model, batch)
        objective = objective_for("avt")
        with torch.autocast("cpu", dtype=torch.bfloat16):
            half = objective(model, batch)
    assert all(value.dtype == torch.float32 for value in half.values())
    assert objective.contrast.queue.video.dtype == torch.float32
    assert float(half["loss"]) == pytest.approx(float(single["loss"]), rel=0.05)


def train(model: AVT, objective: TemporalObjective, steps: range) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)  # stateless, so that nothing else is to be kept
    for step in steps:
        torch.manual_seed(step)
        optimizer.zero_grad()
        objective(model, film_batch(4, seed=step))["loss"].backward()
        optimizer.step()


@pytest.mark.parametrize(
    ("method", "half"), [("avt", 10), ("infonce", 3), ("nnclr", 3), ("avid", 3), ("gdt", 3)]
)
def test_a_training_goes_on_from_its_middle_as_if_nothing_had_happened(method: Method, half: int) -> None:
    torch.manual_seed(0)
    model, objective = create("avt_tiny"), objective_for(method, batch=4)
    train(model, objective, range(half))
    kept = [{name: value.clone() for name, value in m.state_dict().items()} for m in (model, objective)]
    train(model, objective, range(half, 2 * half))
    again, resumed = create("avt_tiny"), objective_for(method, batch=4)
    again.load_state_dict(kept[0])
    resumed.load_state_dict(kept[1])
    train(again, resumed, range(half, 2 * half))
    for one, other in ((model, again), (objective, resumed)):
        for name, value in one.state_dict().items():
            assert torch.equal(value, other.state_dict()[name]), name


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "simclr"}, "no objective is called `simclr`"),
        ({"pairs": ("vv", "av")}, "clips are contrasted as vv, aa, va, not as av"),
        ({"method": "gdt", "pairs": ("vv",)}, "gdt contrasts video with audio alone"),
        ({"alpha": 1.5}, r"alpha 1\.5 is not in"),
        ({"temperature": -1.0}, "the temperature -1.0 is negative"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        TemporalSettings(**settings)


def test_a_batch_of_one_is_refused() -> None:
    with pytest.raises(BadInputError, match="at least 2 clips in a batch"):
        objective_for("infonce", batch=1)


def test_avid_without_noise_is_refused() -> None:
    with pytest.raises(BadInputError, match="avid needs negatives"):
        objective_for("avid", mining=MiningSettings(num_negatives=0))


def test_a_queue_with_too_few_slots_for_its_neighbours_is_refused() -> None:
    with pytest.raises(BadInputError, match="a queue of 32 clips has no negatives beside its 40 nearest"):
        objective_for("avt", batch=8, mining=MiningSettings(top=40))
