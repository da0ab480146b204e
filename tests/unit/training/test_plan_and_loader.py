"""Batches follow from the step: counted, shared between processes, and the same after a resume."""

from typing import Any

import pytest
import torch

from avtool.data.samplers import make_order
from avtool.training.loader import SeededSamples, StepBatches, make_loader, samples_of_step
from avtool.training.plan import Plan
from avtool.training.recipe import LoopRecipe
from tests.unit.training.synthetic_training import NoisyClips, make_task

torch.set_num_threads(1)


def plan_of(num_clips: int, processes: int = 1, **settings: Any) -> Plan:
    return Plan.of(LoopRecipe(**settings), num_clips, processes)


def batches(plan: Plan, process: int = 0, first_step: int = 0) -> list[list[tuple[int, int]]]:
    order = make_order("uniform", 24, plan.samples_per_epoch, plan.batch_size * plan.processes, 0)
    return list(StepBatches(order, plan, process, first_step))


def test_an_epoch_is_a_whole_number_of_steps() -> None:
    plan = plan_of(100, batch_size=8, accumulate=3, epochs=5)
    assert (plan.steps_per_epoch, plan.total, plan.samples_per_step) == (4, 20, 24)
    assert plan_of(100, processes=2, batch_size=8, accumulate=3).steps_per_epoch == 2
    assert plan_of(3, batch_size=8).steps_per_epoch == 1


def test_an_epoch_may_have_a_length_of_its_own() -> None:
    plan = plan_of(1000, batch_size=8, epochs=5, epoch_samples=100)
    assert (plan.steps_per_epoch, plan.total) == (12, 60)
    assert plan_of(10, batch_size=8, epoch_samples=100).samples_per_epoch == 96


def test_the_clips_of_a_step_are_those_of_its_batches() -> None:
    plan = plan_of(24, processes=2, batch_size=2, accumulate=2, epochs=2)
    order = make_order("uniform", 24, plan.samples_per_epoch, 4, 0)
    for step in (1, 3, 4, 6):
        taken = {index for p in (0, 1) for batch in batches(plan, p, step - 1)[:2] for index, _ in batch}
        assert set(samples_of_step(order, plan, step)) == taken


def test_steps_may_be_given_instead_of_epochs() -> None:
    assert plan_of(100, batch_size=10, epochs=2, max_steps=55).total == 55


def test_things_are_due_at_their_steps_and_at_the_end() -> None:
    plan = plan_of(100, batch_size=10, epochs=1, validate_every="4 steps", checkpoint_every="never")
    assert [step for step in range(1, 11) if plan.due(step, plan.validate_every)] == [4, 8, 10]
    assert [step for step in range(1, 11) if plan.due(step, plan.checkpoint_every)] == [10]


def test_a_resumed_loader_gives_the_batches_that_were_left() -> None:
    plan = plan_of(24, batch_size=2, accumulate=3, epochs=3)
    assert plan.total == 12
    whole = batches(plan)
    assert len(whole) == 36
    for step in range(12):
        assert batches(plan, first_step=step) == whole[3 * step :]
    assert [sorted({epoch for _, epoch in batch}) for batch in whole[::12]] == [[0], [1], [2]]


def test_processes_share_the_batch_of_one() -> None:
    one = batches(plan_of(24, batch_size=4, epochs=2))
    two = [batches(plan_of(24, processes=2, batch_size=2, epochs=2), process=rank) for rank in (0, 1)]
    assert one == [first + second for first, second in zip(*two, strict=True)]


def test_clips_are_seeded_by_epoch_and_index() -> None:
    plan = plan_of(24, batch_size=8, epochs=2)
    task = make_task(samples=NoisyClips())

    def load(first_step: int) -> list[torch.Tensor]:
        order = make_order("uniform", 24, 24, 8, 0)
        loader = make_loader(
            task, order, plan, seed=1, process=0, first_step=first_step, workers=0, pin_memory=False
        )
        return [batch["audio"] for batch in loader]

    whole = load(0)
    torch.rand(5)
    later = load(4)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(later, whole[4:], strict=True))
    assert not torch.equal(whole[0], whole[3])


def test_data_inside_a_wrapper_hear_of_the_epoch() -> None:
    clips = SeededSamples(torch.utils.data.Subset(NoisyClips(noise=0), [3, 4]), seed=0)
    assert float(clips[0, 0]["audio"].max()) == 1
    assert float(clips[0, 5]["audio"].max()) == 1.5


@pytest.mark.parametrize(("step", "epoch"), [(0, 0), (5, 0.5), (10, 1), (13, 1.3)])
def test_steps_in_epochs(step: int, epoch: float) -> None:
    assert plan_of(100, batch_size=10).epochs_at(step) == epoch
