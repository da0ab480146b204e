"""What is drawn from the queue: never the query's own video, never an empty slot, by the right chances."""

import math
from typing import get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare
from torch import Tensor

from avtool.core.errors import BadInputError
from avtool.objectives.shared_noise import SharedNoise
from avtool.objectives.temporal.info_nce import exclude_unless
from avtool.objectives.temporal.memory_bank import EMPTY, PairedQueue
from avtool.objectives.temporal.mining import Combination, MiningSettings, SlotScores, combine, mine
from tests.unit.objectives.temporal_batches import unit, views

torch.set_num_threads(1)
DRAWS = 20_000


@st.composite
def queues(draw: st.DrawFn) -> tuple[Tensor, Tensor, MiningSettings]:
    """Similarities of queries to slots, the slots' videos with the queries' own among them, and settings."""
    length, queries = draw(st.integers(8, 60)), draw(st.integers(1, 5))
    torch.manual_seed(draw(st.integers(0, 10_000)))
    ids = torch.randint(EMPTY, draw(st.integers(1, 12)), (length,))
    top = draw(st.integers(1, 6))
    options = MiningSettings(
        num_positives=draw(st.integers(1, top)),
        top=top,
        positive_temperature=draw(st.sampled_from([0.1, 1000.0])),
        num_negatives=draw(st.integers(0, 80)),
        negative_temperature=draw(st.sampled_from([0.1, 0.5, math.inf])),
        exclude=draw(st.sampled_from([0.0, 0.01, 0.2])),
    )
    allowed = (ids != EMPTY) & (ids != torch.randint(0, 6, (queries, 1)))
    return torch.rand(queries, length) * 2 - 1, allowed, options


@settings(max_examples=200, deadline=None)
@given(queues())
def test_draws_are_allowed_distinct_and_ranked(case: tuple[Tensor, Tensor, MiningSettings]) -> None:
    similarity, allowed, options = case
    mined = mine(similarity, exclude_unless(allowed), options, SharedNoise())
    excluded = options.num_excluded(similarity.shape[1])
    for query in range(len(similarity)):
        positives = mined.positives[query][mined.found[query]].tolist()
        negatives = (mined.negatives[query] == 0).nonzero()[:, 0].tolist()
        ranked = similarity[query].masked_fill(~allowed[query], -2).argsort(descending=True).tolist()
        count = int(allowed[query].sum())
        assert all(bool(allowed[query, slot]) for slot in positives + negatives)
        assert len({*positives, *negatives}) == len(positives) + len(negatives)
        assert {*positives} <= {*ranked[: options.top]}
        assert all(ranked.index(slot) >= excluded for slot in negatives)
        assert len(positives) == min(options.num_positives, count)
        assert len(negatives) == min(options.num_negatives, max(0, count - excluded))


def test_the_only_neighbour_of_the_nearest_one_is_the_most_similar() -> None:
    similarity = torch.rand(50, 40)
    mined = mine(similarity, torch.zeros(50, 40), MiningSettings(top=1), SharedNoise())
    assert mined.positives[:, 0].tolist() == similarity.argmax(dim=1).tolist()


def test_positives_are_drawn_by_their_similarity() -> None:
    similarity = torch.linspace(0.1, 0.5, 12)
    options = MiningSettings(num_positives=1, top=5, positive_temperature=0.1)
    mined = mine(similarity.expand(DRAWS, -1), torch.zeros(DRAWS, 12), options, SharedNoise(1))
    drawn = torch.bincount(mined.positives.flatten(), minlength=12).tolist()
    assert drawn[:7] == [0] * 7
    expected = torch.softmax(similarity[7:].double() / 0.1, dim=0) * DRAWS
    assert chisquare(drawn[7:], expected).pvalue > 1e-3


@pytest.mark.parametrize("temperature", [0.2, 0.5, math.inf])
def test_negatives_are_drawn_by_their_similarity(temperature: float) -> None:
    similarity = torch.linspace(-0.5, 0.9, 12)
    options = MiningSettings(top=2, num_negatives=1, negative_temperature=temperature)
    mined = mine(similarity.expand(DRAWS, -1), torch.zeros(DRAWS, 12), options, SharedNoise(2))
    taken = mined.negatives == 0
    assert bool((taken.sum(dim=1) == 1).all())
    drawn = taken.sum(dim=0).tolist()
    assert drawn[10:] == [0, 0]
    expected = torch.softmax(similarity[:10].double() / temperature, dim=0) * DRAWS
    assert chisquare(drawn[:10], expected).pvalue > 1e-3


def filled_queue(length: int = 12) -> PairedQueue:
    queue = PairedQueue(length, 8)
    queue.video.copy_(unit(length, 8, seed=5))
    queue.audio.copy_(unit(length, 8, seed=6))
    queue.video_id.copy_(torch.arange(length) % 7)
    queue.video_id[-1] = EMPTY
    return queue


def test_a_query_meets_the_slots_of_other_videos() -> None:
    queue, batch = filled_queue(), views(4, video_id=[0, 3, 50, 60])
    scores = SlotScores(queue, batch)
    seen, heard, allowed = (
        scores.between("video", "video"),
        scores.between("audio", "audio"),
        scores.excluded == 0,
    )
    torch.testing.assert_close(seen[3], queue.video @ batch.own["video"][1, 1])  # second row, second clip
    torch.testing.assert_close(heard[2], queue.audio @ batch.own["audio"][1, 0])
    assert not allowed[:, -1].any()
    assert (~allowed[3]).nonzero().flatten().tolist() == [3, 10, 11]
    assert allowed[4].sum() == 11


@pytest.mark.parametrize("by", get_args(Combination))
def test_sight_sound_or_both_judge(by: Combination) -> None:
    batch = views(3, video_present=[True, True, False], audio_present=[True, False, True])
    seen, heard = torch.rand(6, 9), torch.rand(6, 9)
    judged = combine(seen, heard, batch, by)
    chosen = {"video": seen, "audio": heard, "consensus": seen.minimum(heard), "union": seen.maximum(heard)}
    assert torch.equal(judged[:2], chosen[by][:2])
    assert torch.equal(judged[2:4], seen[2:4])  # no sound: sight alone
    assert torch.equal(judged[4:], heard[4:])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"num_positives": 6}, "6 positives cannot be drawn from the 5 nearest"),
        ({"negative_temperature": 0.0}, "temperatures are larger than 0"),
        ({"exclude": 1.0}, r"the share 1\.0 of a queue is not in"),
    ],
)
def test_settings_that_cannot_be_are_refused(wrong: dict, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        MiningSettings(**wrong)


def test_a_queue_must_hold_more_than_what_is_excluded() -> None:
    with pytest.raises(BadInputError, match="a queue of 5 clips has no negatives beside its 5 nearest"):
        MiningSettings().need_room(5)
    MiningSettings().need_room(6)
