"""Predictions of a classifier over clips, with their labels where they are known."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from avtool.core.arrays import Bools, Ints
from avtool.core.errors import BadInputError
from avtool.core.learned_clips import Match
from avtool.evaluation.metrics.ranks import log_softmax

_AGAIN = "run `avtool predict` again"
_SHOWN = 5


@dataclass(frozen=True)
class Predictions:
    """Scores of N clips over C classes.

    Attributes:
        clip_ids: (N,) unique names.
        classes: (C,) names of the columns of `scores`.
        scores: (N, C) float32 logits; any values that rank the classes will do where only ranks count.
        labels: (N,) true labels of each clip, () where they are unknown; for parts, one of each.
        groups: (N,) the film or recording of each clip, or "".
        folds: (N,) the cross-validation fold that each clip was tested in, or None.
        sizes: classes of each part of the scores: (C,), or (97, 300) for EPIC-Kitchens' verbs and nouns.
        learned: (N,) how the model has used each clip before; None where that is not known.
    """

    clip_ids: tuple[str, ...]
    classes: tuple[str, ...]
    scores: NDArray[np.float32]
    labels: tuple[tuple[str, ...], ...]
    groups: tuple[str, ...] = ()
    folds: tuple[int | None, ...] = ()
    sizes: tuple[int, ...] = ()
    learned: tuple[frozenset[Match], ...] | None = None

    def __post_init__(self) -> None:
        count = len(self.clip_ids)
        object.__setattr__(self, "groups", self.groups or ("",) * count)
        object.__setattr__(self, "folds", self.folds or (None,) * count)
        object.__setattr__(self, "sizes", self.sizes or (len(self.classes),))
        if problem := self._problem():
            raise BadInputError(f"these predictions do not fit together: {problem}", _AGAIN)

    def _problem(self) -> str:
        count = len(self.clip_ids)
        if not count:
            return "there is no clip"
        if self.scores.shape != (count, len(self.classes)):
            return f"{count} clips and {len(self.classes)} classes, but scores of {self.scores.shape}"
        if not len(self.labels) == len(self.groups) == len(self.folds) == count:
            return "a column has another number of rows"
        if self.learned is not None and len(self.learned) != count:
            return "a column has another number of rows"
        if len(set(self.clip_ids)) < count:
            return "a clip is there twice"
        if sum(self.sizes) != len(self.classes) or min(self.sizes) < 1:
            return f"parts of {self.sizes} classes, {len(self.classes)} in all"
        if any(len(set(part)) < len(part) for part in _split(self.classes, self.sizes)):
            return "a class is there twice"
        bad = np.flatnonzero(~np.isfinite(self.scores).all(axis=1))
        return f"the scores of `{self.clip_ids[bad[0]]}` are not finite" if bad.size else ""

    def label_indices(self) -> Ints:
        """(N, parts) the index of each clip's label in each part.

        Raises:
            BadInputError: a clip has not one label for each part, or one that is no class.
        """
        parts = [
            {name: index for index, name in enumerate(part)} for part in _split(self.classes, self.sizes)
        ]
        wrong = [
            f"`{clip}` ({', '.join(labels) or 'none'})"
            for clip, labels in zip(self.clip_ids, self.labels, strict=True)
            if len(labels) != len(parts)
            or any(label not in part for label, part in zip(labels, parts, strict=True))
        ]
        if wrong:
            shown = ", ".join(wrong[:_SHOWN]) + (", …" if len(wrong) > _SHOWN else "")
            needed = "one label" if len(parts) == 1 else f"{len(parts)} labels"
            message = f"{len(wrong)} of {len(self.labels)} clips have not {needed} of the model: {shown}"
            raise BadInputError(message, "check the labels of the dataset against the model's classes")
        return np.array(
            [[part[label] for part, label in zip(parts, labels, strict=True)] for labels in self.labels],
            np.int64,
        )

    def multi_hot(self) -> Bools:
        """(N, C) which classes each clip has; labels that are no class are skipped.

        Raises:
            BadInputError: no label at all is a class.
        """
        index = {name: column for column, name in enumerate(self.classes)}
        truth = np.zeros(self.scores.shape, bool)
        for row, labels in enumerate(self.labels):
            truth[row, [index[label] for label in labels if label in index]] = True
        if not truth.any():
            if not any(self.labels):
                message = "the predictions have no labels to compare with"
                raise BadInputError(message, "predict the clips of a dataset: `avtool prepare` reads labels")
            message = "none of the clips' labels is a class of the model"
            raise BadInputError(message, f"the model's classes begin with {', '.join(self.classes[:_SHOWN])}")
        return truth

    def part_scores(self) -> list[NDArray[np.float32]]:
        """The scores of each part: (N, size)."""
        return np.split(self.scores, np.cumsum(self.sizes)[:-1], axis=1)

    def parts(self) -> "list[Predictions]":
        """Each part on its own, where every clip has one label of each: verbs, and nouns."""
        names = _split(self.classes, self.sizes)
        return [
            Predictions(
                self.clip_ids,
                tuple(classes),
                scores,
                tuple((labels[place],) for labels in self.labels),
                self.groups,
                self.folds,
            )
            for place, (classes, scores) in enumerate(zip(names, self.part_scores(), strict=True))
        ]

    def right(self) -> Bools:
        """(N,) whether the highest score is that of the label; of equal scores the first one counts.

        Raises:
            BadInputError: a clip has not one label, or one that is no class.
        """
        right: Bools = self.scores.argmax(axis=1) == self.label_indices()[:, 0]
        return right

    def fold_accuracies(self, folds: Sequence[int]) -> list[float]:
        """The accuracy of each of the folds in %."""
        right, tested = self.right(), np.array(self.folds)
        return [100 * float(right[tested == fold].mean()) for fold in folds]

    def take(self, rows: Sequence[int] | Ints) -> "Predictions":
        """The clips of some rows, in their order."""
        pick = [int(row) for row in rows]
        return Predictions(
            tuple(self.clip_ids[row] for row in pick),
            self.classes,
            self.scores[pick],
            tuple(self.labels[row] for row in pick),
            tuple(self.groups[row] for row in pick),
            tuple(self.folds[row] for row in pick),
            self.sizes,
            None if self.learned is None else tuple(self.learned[row] for row in pick),
        )


def join_predictions(parts: Sequence[Predictions]) -> Predictions:
    """The clips of all parts, which have the same classes."""
    return Predictions(
        tuple(name for part in parts for name in part.clip_ids),
        parts[0].classes,
        np.concatenate([part.scores for part in parts]),
        tuple(labels for part in parts for labels in part.labels),
        tuple(group for part in parts for group in part.groups),
        tuple(fold for part in parts for fold in part.folds),
        parts[0].sizes,
    )


def mean_predictions(runs: Sequence[Predictions]) -> Predictions:
    """The mean probabilities of several models over the same clips; those of one model are unchanged."""
    if len(runs) == 1:
        return runs[0]
    mean = np.mean([np.exp(log_softmax(run.scores)) for run in runs], axis=0)
    return replace(runs[0], scores=np.log(np.maximum(mean, np.finfo(np.float32).tiny)).astype(np.float32))


def _split(classes: Sequence[str], sizes: Sequence[int]) -> list[Sequence[str]]:
    ends = np.cumsum(sizes)
    return [classes[end - size : end] for end, size in zip(ends, sizes, strict=True)]
