"""Search for label words: the likeliest words of each class, and their best assignment (LM-BFF §5.1)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from avtool.data.few_shot.prompts import Prompt
from avtool.data.inputs.prompt import PromptInput

if TYPE_CHECKING:
    import torch

Scores = NDArray[np.float32]
Words = NDArray[np.int64]
Assignment = tuple[int, ...]
"""The place of each class's word among its candidates."""
EXHAUSTIVE = 2_000_000
"""Assignments up to which all are scored; above, a beam over classes and coordinate ascent."""
_CELLS = 20_000_000
_BEAM = 512


@dataclass(frozen=True)
class Found:
    """An assignment and its score on the training examples: accuracy, or Pearson's correlation."""

    places: Assignment
    score: float


def mask_logits(
    model: Any, prompt: PromptInput, windows: Sequence[Sequence[Prompt]], device: "torch.device"
) -> Scores:
    """The log probabilities (N, V) of all words at the masks of N prompts.

    Args:
        model: a `MaskedLM`, in evaluation mode on the device.
        prompt: pads the batches.
        windows: one prompt of each example.
        device: where the model is.
    """
    import torch

    found = []
    with torch.no_grad():
        for first in range(0, len(windows), 32):
            batch = prompt.batch(windows[first : first + 32], device)
            flat = [batch[f"prompt{end}"].flatten(0, 1) for end in ("", "_mask", "_place", "_segments")]
            found.append(torch.log_softmax(model.at_mask(*flat).float(), dim=1).cpu().numpy())
    return np.concatenate(found)


def candidates(scores: Scores, classes: Words, allowed: Words, num_classes: int, k: int) -> list[Words]:
    """The k likeliest words of each class: by the mean log probability over the class's examples.

    A constant that is added to all words of an example changes nothing of the order.

    Args:
        scores: (N, V) log probabilities, or logits.
        classes: (N,) of the examples.
        allowed: tokens that may be label words.
        num_classes: of the task.
        k: words of a class.
    """
    found = []
    for number in range(num_classes):
        mean = scores[classes == number][:, allowed].mean(axis=0)
        found.append(allowed[np.argsort(-mean, kind="stable")[:k]])
    return found


def nearest(words: list[Words], manual: Sequence[int], decoder: Scores, keep: int) -> list[Words]:
    """The candidates of each class that are nearest to its manual word, by cosine of the decoder's rows."""
    unit = decoder / np.maximum(np.linalg.norm(decoder, axis=1, keepdims=True), 1e-12)
    return [
        found[np.argsort(-(unit[found] @ unit[word]), kind="stable")[:keep]]
        for found, word in zip(words, manual, strict=True)
    ]


class Assignments:
    """Scores assignments of words to classes, many at a time.

    Args:
        scores: (N, V) log probabilities.
        words: candidates of each class.
        targets: (N,) classes, or values of a regression.
        regression: whether targets are values; then there are two classes, the ends of the range.
    """

    def __init__(
        self, scores: Scores, words: Sequence[Words], targets: NDArray[Any], *, regression: bool
    ) -> None:
        self.words = list(words)
        self._parts = [
            np.ascontiguousarray(scores[:, found].T) for found in self.words
        ]  # (k, N) of each class
        self._targets = targets
        self._regression = regression

    @property
    def total(self) -> int:
        """Assignments there are, those with a word for two classes among them."""
        return int(np.prod([len(found) for found in self.words], dtype=float))

    def score(self, places: NDArray[np.int64], classes: Sequence[int] | None = None) -> NDArray[np.float64]:
        """The scores (M,) of M assignments; −1 where a word stands for two classes.

        Args:
            places: (M, classes) places among the candidates.
            classes: the classes that the columns are of; by default all. Of some, their examples alone count.
        """
        chosen = list(range(len(self.words))) if classes is None else list(classes)
        parts = [
            self._parts[number][places[:, column]] for column, number in enumerate(chosen)
        ]  # (M, N) each
        if self._regression:
            found = _correlations(parts[1] - parts[0], self._targets)
        else:
            best, prediction = parts[0], np.full(parts[0].shape, chosen[0])
            for number, part in zip(chosen[1:], parts[1:], strict=True):
                higher = part > best  # of equals the first class counts
                best, prediction = np.where(higher, part, best), np.where(higher, number, prediction)
            counted = np.isin(self._targets, chosen)
            right = prediction[:, counted] == self._targets[counted]
            found = right.mean(axis=1) if counted.any() else np.zeros(len(places))
        tokens = np.stack([self.words[n][places[:, c]] for c, n in enumerate(chosen)], axis=1)
        ordered = np.sort(tokens, axis=1)
        return np.where((np.diff(ordered, axis=1) == 0).any(axis=1), -1.0, found)

    def search(self, keep: int, limit: int = EXHAUSTIVE) -> list[Found]:
        """The best assignments, all of them scored where they are at most `limit`.

        Of equal scores the one with the likelier words comes first.
        """
        if self.total <= limit:
            return self._exhaustive(keep)
        return self._ascent(self._beam(max(keep, _BEAM)), keep)

    def _exhaustive(self, keep: int) -> list[Found]:
        best = np.empty((0, len(self.words)), np.int64)
        scores = np.empty(0)
        for places in self._all():
            best = np.concatenate([best, places])
            scores = np.concatenate([scores, self.score(places)])
            order = np.lexsort((best.sum(axis=1), -scores))[:keep]
            best, scores = best[order], scores[order]
        return _found(best, scores)

    def _all(self) -> Iterator[NDArray[np.int64]]:
        sizes = tuple(len(found) for found in self.words)
        step = max(1, _CELLS // max(1, len(self._targets) * len(sizes)))
        for first in range(0, self.total, step):
            numbers = np.arange(first, min(self.total, first + step))
            yield np.stack(np.unravel_index(numbers, sizes), axis=1)

    def _beam(self, width: int) -> NDArray[np.int64]:
        """Assignments grown class by class; a part is scored on the examples of its classes alone."""
        beams = np.arange(len(self.words[0]))[:, None]
        for number in range(1, len(self.words)):
            size = len(self.words[number])
            grown = np.concatenate(
                [np.repeat(beams, size, axis=0), np.tile(np.arange(size), len(beams))[:, None]], axis=1
            )
            scores = self._in_parts(partial(self.score, classes=range(number + 1)), grown)
            beams = grown[np.lexsort((grown.sum(axis=1), -scores))[:width]]
        return beams

    def _ascent(self, starts: NDArray[np.int64], keep: int) -> list[Found]:
        """Each assignment improved by the best word of one class after the other, until none improves."""
        seen: dict[Assignment, float] = {}
        for row, score in zip(starts, self._in_parts(self.score, starts), strict=True):
            seen[tuple(int(place) for place in row)] = float(score)
        for start in sorted(seen, key=lambda places: -seen[places])[:keep]:
            current, best = list(start), seen[start]
            improved = True
            while improved:
                improved = False
                for number, words in enumerate(self.words):
                    trial = np.tile(np.array(current), (len(words), 1))
                    trial[:, number] = np.arange(len(words))
                    scores = self._in_parts(self.score, trial)
                    for row, score in zip(trial, scores, strict=True):
                        seen[tuple(int(place) for place in row)] = float(score)
                    if scores.max() > best:
                        current[number], best = int(scores.argmax()), float(scores.max())
                        improved = True
        order = sorted(seen, key=lambda places: (-seen[places], sum(places)))[:keep]
        return [Found(places, seen[places]) for places in order if seen[places] >= 0]

    def _in_parts(
        self, score: Callable[[NDArray[np.int64]], NDArray[np.float64]], places: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        step = max(1, _CELLS // max(1, len(self._targets) * len(self.words)))
        return np.concatenate([score(places[first : first + step]) for first in range(0, len(places), step)])


def _found(places: NDArray[np.int64], scores: NDArray[np.float64]) -> list[Found]:
    return [
        Found(tuple(int(place) for place in row), float(score))
        for row, score in zip(places, scores, strict=True)
        if score >= 0
    ]


def _correlations(differences: Scores, targets: NDArray[Any]) -> NDArray[np.float64]:
    """Pearson's correlations (M,) of p(high) = σ(difference) with the targets; 0 of constant rows."""
    values = 1 / (1 + np.exp(-differences.astype(np.float64)))
    values -= values.mean(axis=1, keepdims=True)
    wanted = targets - targets.mean()
    scale = np.linalg.norm(values, axis=1) * np.linalg.norm(wanted)
    found: NDArray[np.float64] = np.where(scale > 0, values @ wanted / np.maximum(scale, 1e-30), 0.0)
    return found
