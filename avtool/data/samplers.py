"""The order of the clips in an epoch, as a function of the seed and the epoch alone.

An order has the length that the run's batches need: it is cut where clips are too many, and begins again
where they are too few.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence

import numpy as np
import numpy.typing as npt

from avtool.core.errors import BadInputError

Indices = npt.NDArray[np.int64]
Order = Callable[[int], Indices]
"""Epoch → the indices of its clips, batch after batch."""


def make_order(
    name: str,
    num_clips: int,
    length: int,
    batch_size: int,
    seed: int,
    *,
    labels: Sequence[Sequence[Hashable]] | None = None,
    groups: Sequence[Hashable] | None = None,
    replacement: bool = True,
) -> Order:
    """The order that a sampler gives.

    Args:
        name: `uniform`, `class-balanced` (needs `labels`), `grouped` or `nearby` (these need `groups`).
        num_clips: clips in the data.
        length: clips drawn in an epoch, a multiple of `batch_size`.
        batch_size: clips that meet in a batch, all processes together.
        seed: of the run.
        labels: the labels of each clip.
        groups: the film or recording of each clip.
        replacement: `class-balanced`: whether an epoch may hold a clip more than once.

    Raises:
        BadInputError: the data lack what the sampler needs.
    """
    assert length % batch_size == 0, "an epoch is a whole number of batches"
    if name == "class-balanced":
        weights = balanced_weights(_given(labels, "labels", name))
        if not replacement:
            return _without_replacement(weights, length, seed)
        return lambda epoch: _generator(seed, epoch).choice(num_clips, length, p=weights)
    if name == "grouped":
        ranks = group_ranks(_given(groups, "groups", name))
        return lambda epoch: spread_groups(ranks, length, batch_size, _generator(seed, epoch))
    if name == "nearby":
        ranks = group_ranks(_given(groups, "groups", name))
        return lambda epoch: nearby(ranks, length, _generator(seed, epoch))
    return lambda epoch: shuffled(num_clips, length, _generator(seed, epoch))


def shuffled(num_clips: int, length: int, generator: np.random.Generator) -> Indices:
    """Permutations one after the other, cut to the length."""
    rounds = -(-length // num_clips)
    return np.concatenate([generator.permutation(num_clips) for _ in range(rounds)])[:length]


def balanced_weights(labels: Sequence[Sequence[Hashable]]) -> npt.NDArray[np.float64]:
    """The probability of drawing each clip: the sum over its labels of 1 / (clips with the label).

    So each label is drawn as often as any other, as Gong et al. (2021) do for AudioSet. Clips without a
    label count as a class of their own.
    """
    counts: Counter[Hashable] = Counter()
    for clip in labels:
        counts.update(set(clip) or {None})
    shares = (sum(1 / counts[label] for label in set(clip) or {None}) for clip in labels)
    weights = np.fromiter(shares, np.float64, len(labels))
    probabilities: npt.NDArray[np.float64] = weights / weights.sum()
    return probabilities


def group_ranks(groups: Sequence[Hashable]) -> npt.NDArray[np.int64]:
    """The place of each group among all groups by name, (clips,)."""
    seen: dict[str, int] = {}
    numbers = np.fromiter((seen.setdefault(str(group), len(seen)) for group in groups), np.int64, len(groups))
    ranks = np.empty(len(seen), np.int64)
    ranks[[seen[name] for name in sorted(seen)]] = np.arange(len(seen))
    return ranks[numbers]


def _without_replacement(weights: npt.NDArray[np.float64], length: int, seed: int) -> Order:
    if length > len(weights):
        message = f"an epoch of {length} samples has none twice, and there are {len(weights)}"
        raise BadInputError(message, "lower loop.epoch_samples, or set sampler.replacement = true")
    return lambda epoch: drawn_once(weights, length, _generator(seed, epoch))


def drawn_once(weights: npt.NDArray[np.float64], length: int, generator: np.random.Generator) -> Indices:
    """Draws one after the other without replacement, each in proportion to the weights that are left.

    The order of independent exponential times with the weights as rates is that of such draws, so that all
    of them cost one sort (as Audio-MAE draws 200 000 of AudioSet's 2 M clips for an epoch).

    Args:
        weights: (clips,) positive.
        length: clips to draw, at most as many as there are.
        generator: draws them.
    """
    times = generator.standard_exponential(len(weights)) / weights
    first = np.argpartition(times, length - 1)[:length]
    drawn: Indices = first[np.argsort(times[first])]
    return drawn


def spread_groups(
    groups: npt.NDArray[np.integer], length: int, batch_size: int, generator: np.random.Generator
) -> Indices:
    """Each clip once, with the clips of a group spread over the batches.

    Of a group with c clips a batch holds at most ⌈c / batches⌉, the least that is possible: sorted by group,
    clips are dealt to the batches like cards. Where a loss contrasts the clips of a batch, they then seldom
    come from the same film.

    Args:
        groups: (clips,) group numbers.
        length: clips to order; with fewer clips than that, some come twice.
        batch_size: clips in a batch.
        generator: draws the order of clips, of groups and of batches.
    """
    order = shuffled(len(groups), length, generator)
    rank = generator.permutation(int(groups.max()) + 1)[groups[order]]
    dealt = order[np.argsort(rank, kind="stable")].reshape(batch_size, -1).T
    return generator.permutation(generator.permuted(dealt, axis=1)).reshape(-1)


def nearby(
    groups: npt.NDArray[np.integer], length: int, generator: np.random.Generator, together: int = 16
) -> Indices:
    """Each clip once, those of some groups mixed with one another before those of the next.

    Of long films, or shards, only some are then read at a time, and what was decoded of them still is in
    memory when their other clips come.

    Args:
        groups: (clips,) group numbers.
        length: clips to order; with fewer clips than that, some come twice.
        generator: draws the order of groups, and of the clips of those that come together.
        together: how many groups come together.
    """
    orders = []
    for _ in range(-(-length // len(groups))):
        turn = generator.permutation(int(groups.max()) + 1)[groups] // together
        orders.append(np.lexsort((generator.random(len(groups)), turn)))
    return np.concatenate(orders)[:length]


def _generator(seed: int, epoch: int) -> np.random.Generator:
    return np.random.default_rng([seed, epoch])


def _given(
    values: Sequence[Hashable] | Sequence[Sequence[Hashable]] | None, what: str, sampler: str
) -> Sequence[Sequence[Hashable]]:
    if not values:
        raise BadInputError(f"the {sampler} sampler needs {what}, and the data have none", "use uniform")
    return values  # type: ignore[return-value]
