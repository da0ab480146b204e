"""The memories: what goes in first goes out first, and both halves of a slot are of one clip."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from avtool.core.errors import BadInputError
from avtool.objectives.temporal.memory_bank import EMPTY, InstanceBank, PairedQueue, queue_length
from tests.unit.objectives.temporal_batches import views


@given(st.integers(1, 12), st.lists(st.integers(1, 9), max_size=12))
def test_the_queue_holds_the_latest_clips_in_their_order(length: int, batches: list[int]) -> None:
    queue, history = PairedQueue(length, 2), list[int]()
    for rows in batches:
        queue.push(views(rows, dim=2, seed=len(history), first_video=len(history)))
        history += range(len(history), len(history) + rows)
    from_oldest = torch.roll(queue.video_id, -int(queue.next_slot)).tolist()
    assert from_oldest == ([EMPTY] * length + history)[-length:]
    assert float(queue.fill) == pytest.approx(min(1, len(history) / length))


def test_a_slot_holds_sight_and_sound_of_the_first_clip() -> None:
    queue, batch = PairedQueue(6, 8), views(4, first_video=20)
    queue.push(views(5))
    queue.push(batch)
    slot = queue.video_id.tolist().index(21)
    assert torch.equal(queue.video[slot], batch.own["video"][1, 0])
    assert torch.equal(queue.audio[slot], batch.own["audio"][1, 0])


def test_a_clip_without_sound_leaves_its_slot_empty() -> None:
    queue = PairedQueue(4, 8)
    queue.push(views(3, audio_present=[True, False, True]))
    assert queue.video_id.tolist() == [0, EMPTY, 2, EMPTY]


def test_the_state_of_a_queue_can_be_kept() -> None:
    queue, again = PairedQueue(6, 8), PairedQueue(6, 8)
    queue.push(views(4))
    again.load_state_dict(queue.state_dict())
    for one in (queue, again):
        one.push(views(4, first_video=30, seed=3))
    assert again.video_id.tolist() == queue.video_id.tolist() == [32, 33, 2, 3, 30, 31]
    assert torch.equal(again.video, queue.video)


@pytest.mark.parametrize(
    ("num_clips", "batch", "wanted", "expected"),
    [
        (1000, 16, 16384, 800),
        (1000, 30, 16384, 780),
        (100_000, 256, 16384, 16384),
        (100_000, 100, 16384, 16300),
    ],
)
def test_the_queue_is_shorter_than_the_data_and_a_multiple_of_the_batch(
    num_clips: int, batch: int, wanted: int, expected: int
) -> None:
    assert queue_length(num_clips, batch, wanted) == expected


@pytest.mark.parametrize(("num_clips", "batch", "wanted"), [(16, 16, 16384), (39, 16, 16384), (1000, 16, 31)])
def test_a_queue_no_longer_than_a_batch_is_refused(num_clips: int, batch: int, wanted: int) -> None:
    with pytest.raises(BadInputError, match=f"a queue for {num_clips} clips.*more than a batch of 16"):
        queue_length(num_clips, batch, wanted)


def test_the_bank_meets_a_row_once_and_then_follows_it() -> None:
    bank, first, second = InstanceBank(10, 8), views(3, index=[7, 2, 5]), views(2, seed=4, index=[2, 9])
    bank.initialize(first)
    assert torch.equal(bank.audio[[7, 2, 5]], first.own["audio"][:, 0])
    assert bank.video_id.tolist() == [-1, -1, 1, -1, -1, 2, -1, 0, -1, -1]
    bank.initialize(second)
    bank.update(second)
    middle = first.own["video"][1, 0] + second.own["video"][0, 0]
    torch.testing.assert_close(bank.video[2], middle / middle.norm())
    torch.testing.assert_close(bank.video[9], second.own["video"][1, 0])


def test_the_bank_does_not_meet_a_row_without_pictures() -> None:
    bank, batch = InstanceBank(4, 8), views(2, video_present=[False, True])
    bank.initialize(batch)
    bank.update(batch)
    assert bank.video_id.tolist() == [EMPTY, 1, EMPTY, EMPTY]
    assert float(bank.audio[0].abs().max()) == 0
