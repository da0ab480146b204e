"""The outputs of a classifier: what its logits mean, their probabilities, and their JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from avtool.core.errors import AvtoolError, CorruptArtifactError
from avtool.data.labels import LabelKind

Logits = NDArray[np.float32]
Average = Literal["logits", "probabilities"]
MOST_ROLLS = 100


@dataclass(frozen=True)
class OutputSpec:
    """The outputs of a classifier.

    Attributes:
        task: what its labels are.
        labels: names of the logits; verbs, then nouns.
        sizes: classes of each part of them.
        rolls: rotations of the audio in time whose logits are averaged.
        average: what is averaged over the windows of a file.
        members: of each label the network's classes that stand for it, under a class map; empty where the
            labels are the network's own classes.
    """

    task: LabelKind
    labels: tuple[str, ...]
    sizes: tuple[int, ...]
    rolls: int = 1
    average: Average = "logits"
    members: tuple[tuple[int, ...], ...] = ()

    def __post_init__(self) -> None:
        if self.task not in get_args(LabelKind):
            raise ValueError(f"its task is {self.task!r}")
        if sum(self.sizes) != len(self.labels):
            raise ValueError("it has more or fewer labels than classes")
        if self.average not in get_args(Average):
            raise ValueError(f"it averages {self.average!r}")
        if not 1 <= self.rolls <= MOST_ROLLS:
            raise ValueError(f"it averages {self.rolls} rolls, not 1 to {MOST_ROLLS}")

    def probabilities(self, logits: Logits) -> NDArray[np.float64]:
        """Logits (N, C) as probabilities: of each class by itself, or over the classes of each part."""
        wide = logits.astype(np.float64)
        if self.task == "multi-label":
            alone: NDArray[np.float64] = np.exp(-np.logaddexp(0, -wide))
            return alone
        ends = np.cumsum(self.sizes)[:-1]
        return np.concatenate([_softmax(part) for part in np.split(wide, ends, axis=1)], axis=1)

    def of_network(self, logits: Logits) -> Logits:
        """The network's logits (N, its classes) as logits of the labels (N, labels).

        A label of several classes has the logit of the likeliest one; where classes exclude each other, that
        of their probabilities' sum.
        """
        if not self.members:
            return logits
        join = np.max if self.task == "multi-label" else np.logaddexp.reduce
        columns = [join(logits[:, list(numbers)], axis=1) for numbers in self.members]
        return np.stack(columns, axis=1).astype(np.float32)

    def to_json(self) -> dict[str, Any]:
        """Its part of `preprocess.json`."""
        return {
            "task": self.task,
            "labels": list(self.labels),
            "sizes": list(self.sizes),
            "rolls": self.rolls,
            **({"average": self.average} if self.average != "logits" else {}),
        }


def read_outputs(folder: Path, values: Mapping[str, Any]) -> OutputSpec:
    """Reads the outputs of a classifier back.

    Args:
        folder: the model, for messages.
        values: the content of its `preprocess.json`.

    Raises:
        CorruptArtifactError: it is not that of a classifier, or damaged.
    """
    try:
        return OutputSpec(
            values["task"],
            tuple(str(label) for label in values["labels"]),
            tuple(int(size) for size in values["sizes"]),
            int(values.get("rolls", 1)),
            values.get("average", "logits"),
        )
    except (KeyError, TypeError, ValueError, AvtoolError) as error:
        reason = str(error) if not isinstance(error, KeyError) else f"it has no {error}"
        raise CorruptArtifactError(
            f"`{folder}` is no classifier of clips ({reason})",
            "give a model that `avtool finetune` trained",
        ) from error


def _softmax(values: NDArray[np.float64]) -> NDArray[np.float64]:
    raised = np.exp(values - values.max(axis=1, keepdims=True))
    shares: NDArray[np.float64] = raised / raised.sum(axis=1, keepdims=True)
    return shares
