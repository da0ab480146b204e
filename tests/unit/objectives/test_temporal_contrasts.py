"""The contrasts with a memory: closed forms, and what they come down to when the memory says nothing."""

import math

import pytest
import torch
from torch.nn.functional import cross_entropy, logsigmoid

from avtool.objectives.shared_noise import SharedNoise
from avtool.objectives.temporal.avid import InstanceDiscrimination
from avtool.objectives.temporal.contrasts import InfoNCE, MinedContrast, NeighbourContrast
from avtool.objectives.temporal.gdt import TransformContrast
from avtool.objectives.temporal.memory_bank import InstanceBank, PairedQueue
from avtool.objectives.temporal.mining import MiningSettings
from avtool.objectives.temporal.views import DIRECTIONS, VIDEO, Views
from tests.unit.objectives.temporal_batches import labels, projections, unit, views

TAU = 0.1
PAIRS = ("vv", "va", "aa")
NEAREST = MiningSettings(top=1, num_positives=1, num_negatives=0)


def queue_of(length: int = 10, filled: int = 10, first_video: int = 100) -> PairedQueue:
    queue = PairedQueue(length, 8)
    if filled:
        queue.push(views(filled, seed=77, first_video=first_video))
    return queue


def assert_mean(terms: dict[str, torch.Tensor], losses: list[torch.Tensor]) -> None:
    assert abs(float(terms["contrast_va"] - torch.stack(losses).mean())) <= 1e-5


def test_without_neighbours_and_negatives_nothing_is_left_but_info_nce_bit_for_bit() -> None:
    batch = views(6)
    mined = MinedContrast(PAIRS, TAU, queue_of(), NEAREST, alpha=0.0)(batch, {})
    plain = InfoNCE(PAIRS, TAU)(batch, {})
    for name, value in plain.items():
        assert torch.equal(mined[name], value)


def test_with_an_empty_queue_nothing_is_left_but_info_nce_bit_for_bit() -> None:
    batch, empty = views(6), queue_of(filled=0)
    mined = MinedContrast(PAIRS, TAU, empty, MiningSettings(), alpha=0.5)(batch, {})
    for name, value in InfoNCE(PAIRS, TAU)(batch, {}).items():
        assert torch.equal(mined[name], value)


def test_the_nearest_slot_alone_is_the_positive_when_alpha_is_one() -> None:
    """For v→a: the slot nearest by consensus lends its sound, which is told apart from the other sounds."""
    batch, queue = views(6), queue_of()
    contrast = MinedContrast(("va",), TAU, queue, NEAREST, alpha=1.0).eval()
    losses = []
    for clip in (0, 1):
        own = {name: values[:, clip] for name, values in batch.own.items()}
        near = torch.minimum(own["video"] @ queue.video.T, own["audio"] @ queue.audio.T).argmax(dim=1)
        for query, key, memory in (("video", "audio", queue.audio), ("audio", "video", queue.video)):
            logits = own[query] @ own[key].T / TAU
            logits = logits.fill_diagonal_(-torch.inf)
            positive = (own[query] * memory[near]).sum(dim=1, keepdim=True) / TAU
            losses.append(
                cross_entropy(torch.cat([positive, logits], dim=1), torch.zeros(6, dtype=torch.long))
            )
    assert float(contrast(batch, {})["contrast_va"]) == pytest.approx(
        float(torch.stack(losses).mean()), abs=1e-5
    )


def test_all_slots_but_the_nearest_are_negatives_when_there_are_enough_draws() -> None:
    batch, queue = views(6), queue_of()
    options = MiningSettings(top=1, num_negatives=100, exclude=0.3)
    contrast = MinedContrast(("va",), TAU, queue, options, alpha=0.0).eval()
    losses = []
    for clip in (0, 1):
        own = {name: values[:, clip] for name, values in batch.own.items()}
        judged = torch.minimum(own["video"] @ queue.video.T, own["audio"] @ queue.audio.T)
        excluded = torch.zeros(6, 10, dtype=torch.bool).scatter(1, judged.topk(3).indices, value=True)
        for query, key, memory in (("video", "audio", queue.audio), ("audio", "video", queue.video)):
            drawn = (own[query] @ memory.T / TAU).masked_fill(excluded, -torch.inf)
            logits = torch.cat([own[query] @ own[key].T / TAU, drawn], dim=1)
            losses.append(cross_entropy(logits, torch.arange(6)))
    assert float(contrast(batch, {})["contrast_va"]) == pytest.approx(
        float(torch.stack(losses).mean()), abs=1e-5
    )


def test_alpha_rises_over_the_ramp_and_counts_training_alone() -> None:
    contrast = MinedContrast(("va",), TAU, queue_of(), NEAREST, alpha=0.5, ramp=4)
    rising = [float(contrast(views(3, seed=step), {})["alpha"]) for step in range(6)]
    assert rising == [0, 0.125, 0.25, 0.375, 0.5, 0.5]
    assert int(contrast.eval().batches) == 6
    contrast(views(3), {})
    assert int(contrast.batches) == 6


@pytest.mark.parametrize("kind", [MinedContrast, NeighbourContrast])
def test_the_batch_enters_the_queue_after_it_was_mined_for(
    kind: type[MinedContrast | NeighbourContrast],
) -> None:
    """The same clips under other ids find themselves in the next batch, and not in this one."""
    values = {name: rows[:, :1].expand(-1, 2, -1) for name, rows in projections(4).items()}
    contrast = kind(("va",), TAU, queue_of(12, 8), NEAREST)
    told = contrast(Views.of(values, labels(4)), {})
    assert float(told["neighbour_similarity"]) < 0.9
    assert contrast.queue.video_id.tolist()[8:] == [0, 1, 2, 3]
    again = contrast(Views.of(values, labels(4, first_video=50)), {})
    assert float(again["neighbour_similarity"]) == pytest.approx(1)
    assert contrast.queue.video_id.tolist()[:4] == [50, 51, 52, 53]


def test_nothing_enters_the_queue_in_evaluation() -> None:
    contrast = MinedContrast(("va",), TAU, queue_of(filled=3), NEAREST).eval()
    contrast(views(4), {})
    assert float(contrast.queue.fill) == pytest.approx(0.3)


def test_gradients_reach_queries_and_keys_though_the_queue_moves_on() -> None:
    values = {name: rows.requires_grad_() for name, rows in projections(4).items()}
    contrast = MinedContrast(PAIRS, TAU, queue_of(), MiningSettings(top=2, num_negatives=4), alpha=0.5)
    terms = contrast(Views.of(values, labels(4)), {})
    sum(terms[f"contrast_{pair}"] for pair in PAIRS).backward()
    assert all(bool((rows.grad.abs().sum(dim=2) > 0).all()) for rows in values.values())


def test_neighbours_agree_where_sight_and_sound_have_the_same_nearest_slot() -> None:
    queue = PairedQueue(6, 8)
    same = unit(6, 1, 8).expand(6, 2, 8)
    queue.push(Views.of({"video": same, "audio": same}, labels(6, first_video=10)))
    contrast = NeighbourContrast(("va",), TAU, queue, NEAREST).eval()
    agreeing = contrast(Views.of({"video": same, "audio": same}, labels(6)), {})
    assert float(agreeing["neighbour_agreement"]) == 1
    crossed = contrast(Views.of({"video": same, "audio": same.roll(1, dims=0)}, labels(6)), {})
    assert float(crossed["neighbour_agreement"]) == 0


def test_a_neighbour_asks_in_the_place_of_its_clip() -> None:
    batch, queue = views(6), queue_of()
    contrast = NeighbourContrast(("va",), TAU, queue, MiningSettings(top=1, by="video")).eval()
    losses = []
    for clip in (0, 1):
        own = {name: values[:, clip] for name, values in batch.own.items()}
        near = (own["video"] @ queue.video.T).argmax(dim=1)
        losses += [
            cross_entropy(queue.video[near] @ own["audio"].T / TAU, torch.arange(6)),
            cross_entropy(queue.audio[near] @ own["video"].T / TAU, torch.arange(6)),
        ]
    assert float(contrast(batch, {})["contrast_va"]) == pytest.approx(
        float(torch.stack(losses).mean()), abs=1e-5
    )


def test_a_clip_asks_itself_where_it_has_no_neighbour() -> None:
    batch = views(6)
    alone = NeighbourContrast(PAIRS, TAU, queue_of(filled=0), NEAREST)(batch, {})
    for name, value in InfoNCE(PAIRS, TAU)(batch, {}).items():
        assert torch.equal(alone[name], value)


def test_instances_are_told_from_noise_at_the_level_of_the_first_batch() -> None:
    bank = InstanceBank(6, 8)
    bank.initialize(views(6, seed=50))
    objective = InstanceDiscrimination(("va",), TAU, bank, num_negatives=2, noise=SharedNoise(4))
    batch, memory = views(3), {name: bank.of(name).clone() for name in ("video", "audio")}
    found = float(objective(batch, {})["contrast_va"])
    numbers = SharedNoise(4)
    levels, losses = dict[str, float](), list[float]()
    for direction in DIRECTIONS["va"]:
        (query, clip), (key, _) = direction.query, direction.key
        drawn = (6 * numbers(3, 2, torch.device("cpu"))).long()
        scores = (batch.own[query][:, clip] @ memory[key].T / TAU).double()
        noise = drawn != torch.arange(3)[:, None]
        counted = [*scores.diagonal(), *scores.gather(1, drawn)[noise]]
        levels.setdefault(query, math.log(2) + float(torch.stack(counted).exp().mean().log()))
        level = levels[query]
        for row in range(3):  # -log h(own) - Σ log(1 - h(noise)), h(s) = e^s / (e^s + e^level)
            losses.append(-float(logsigmoid(scores[row, row] - level)))
            losses[-1] -= float(logsigmoid(level - scores[row, drawn[row][noise[row]]]).sum())
    assert found == pytest.approx(sum(losses) / len(losses), rel=1e-4)


def test_the_level_and_the_bank_hold_still_in_evaluation() -> None:
    objective = InstanceDiscrimination(("va",), TAU, InstanceBank(6, 8), num_negatives=8)
    objective(views(6), {})
    before = {name: value.clone() for name, value in objective.state_dict().items()}
    objective.eval()(views(6, seed=9), {})
    assert all(torch.equal(value, before[name]) for name, value in objective.state_dict().items())
    level = objective.mean_score.clone()
    objective.train()(views(6, seed=9), {})
    assert torch.equal(objective.mean_score, level)
    assert int((level > 0).sum()) == 2  # sight asks sound, and sound asks sight
    assert not torch.equal(objective.bank.of(VIDEO), before["bank.video"])


def test_another_time_of_the_same_video_is_a_negative_when_shifts_are_told() -> None:
    batch = views(5)
    found = float(TransformContrast(TAU)(batch, labels(5))["contrast_va"])
    sight, sound = (batch.own[name].flatten(0, 1) for name in ("video", "audio"))
    logits = sight @ sound.T / TAU
    expected = (cross_entropy(logits, torch.arange(10)) + cross_entropy(logits.T, torch.arange(10))) / 2
    assert found == pytest.approx(float(expected), abs=1e-5)


def test_another_time_of_the_same_video_is_a_positive_when_shifts_are_not_told() -> None:
    batch = views(5)
    found = float(TransformContrast(TAU, distinct_shift=False)(batch, labels(5))["contrast_va"])
    sight, sound = (batch.own[name].flatten(0, 1) for name in ("video", "audio"))
    own = torch.arange(10)[:, None] // 2 == torch.arange(10) // 2
    losses = []
    for logits in (sight @ sound.T / TAU, sound @ sight.T / TAU):
        crowd = logits.masked_fill(own, -torch.inf).logsumexp(dim=1, keepdim=True)
        losses.append((torch.logaddexp(logits, crowd) - logits)[own].mean())
    assert found == pytest.approx(float(sum(losses) / 2), abs=1e-5)


def test_clips_that_play_in_different_directions_wait_when_reversals_are_told() -> None:
    batch = views(4)
    sound = torch.tensor([[0, 0], [0, 0], [1, 1], [1, 0]])
    sight = torch.tensor([[0, 0], [0, 0], [1, 1], [0, 1]])
    told = TransformContrast(TAU)
    agreeing = float(told(batch, labels(4, audio_direction=sight, video_direction=sight))["contrast_va"])
    mixed = float(told(batch, labels(4, audio_direction=sound, video_direction=sight))["contrast_va"])
    logits = batch.own["video"].flatten(0, 1) @ batch.own["audio"].flatten(0, 1).T / TAU
    rows = [cross_entropy(a, torch.arange(8), reduction="none") for a in (logits, logits.T)]
    assert agreeing == pytest.approx(float(sum(row.mean() for row in rows) / 2), abs=1e-5)
    assert mixed == pytest.approx(float(sum(row[:6].mean() for row in rows) / 2), abs=1e-5)
