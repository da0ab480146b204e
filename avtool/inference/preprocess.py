"""What a classifier's `preprocess.json` says: how files become its inputs, and its outputs words."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from avtool.core.errors import AvtoolError, CorruptArtifactError
from avtool.data.inputs.spec import Feed, feed_fields
from avtool.data.labels import Task

MOST_ROLLS = 100


@dataclass(frozen=True, kw_only=True)
class Preprocess(Feed):
    """How to feed a classifier, and what its answers mean. Its inputs may be frame features too: `clip`.

    Attributes:
        task: what its answers are.
        labels: names of the logits; verbs, then nouns.
        sizes: classes of each part of them.
        rolls: rotations of the sound in time whose scores are averaged.
    """

    task: Task
    labels: tuple[str, ...]
    sizes: tuple[int, ...]
    rolls: int = 1

    def to_json(self) -> dict[str, Any]:
        """As `preprocess.json` has it."""
        answers = {"task": self.task, "labels": list(self.labels), "sizes": list(self.sizes)}
        rolls = {"rolls": self.rolls} if "audio" in self.inputs else {}
        return {**answers, **super().to_json(), **rolls}


def read_preprocess(folder: Path, values: Mapping[str, Any]) -> Preprocess:
    """Reads it back.

    Args:
        folder: the model, for messages.
        values: the content of its `preprocess.json`.

    Raises:
        CorruptArtifactError: it is not that of a classifier, or damaged.
    """
    try:
        _need(values["task"] in get_args(Task), f"its task is {values['task']!r}")
        found = Preprocess(
            **feed_fields(values),
            task=values["task"],
            labels=tuple(str(label) for label in values["labels"]),
            sizes=tuple(int(size) for size in values["sizes"]),
            rolls=int(values.get("rolls", 1)),
        )
        _need(sum(found.sizes) == len(found.labels), "it has more or fewer labels than classes")
        _need(1 <= found.rolls <= MOST_ROLLS, f"it asks for {found.rolls} rotations")
    except (KeyError, TypeError, ValueError, AvtoolError) as error:
        reason = str(error) if not isinstance(error, KeyError) else f"it has no {error}"
        raise CorruptArtifactError(
            f"`{folder}` is no classifier of clips ({reason})",
            "give a model that `avtool finetune` trained",
        ) from error
    return found


def _need(condition: bool, otherwise: str) -> None:
    if not condition:
        raise ValueError(otherwise)
