"""Thresholds of the classes of a model: by the kind of class, or calibrated ones from a table."""

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avtool.captioning.phrases.phrase_book import SoundClass, SoundKind, plain_label
from avtool.core.errors import BadInputError
from avtool.data.labels import LabelKind

THRESHOLDS = "thresholds.csv"
"""The table in the artifact of `avtool caption calibrate`: `label`, `threshold`, and what was measured."""

ANY = "any caption"
"""The label of a learned captioner's threshold in that table."""

Values = NDArray[np.float64]


@dataclass(frozen=True)
class _Kind:
    """How a kind of class is detected: thresholds of a multi-label and of a single-label model; seconds."""

    multi: float
    single: float
    merge_gap: float
    min_duration: float


_KINDS: Mapping[SoundKind, _Kind] = {
    "event": _Kind(0.7, 0.7, 0.5, 0.0),
    "vocal": _Kind(0.7, 0.7, 0.5, 0.0),
    "crowd": _Kind(0.2, 0.7, 3.0, 1.4),
    "sustained": _Kind(0.5, 0.7, 3.0, 0.9),
    "generic": _Kind(0.8, 0.8, 0.5, 0.9),
    "speech": _Kind(0.3, 0.3, 1.0, 0.0),
    "singing": _Kind(0.5, 0.7, 2.0, 1.4),
    "music": _Kind(0.5, 0.6, 5.0, 0.0),
    "noise": _Kind(1.1, 1.1, 0.0, 0.0),
    "never": _Kind(1.1, 1.1, 0.0, 0.0),
}
_NAMES_MUSIC = 0.25
"""Probability from which genre, mood or instrument counts towards the wording of a music cue."""
_RELEASE = 0.5
"""An event lasts while its probability stays above this share of its class's default threshold, or of its
threshold where that is lower."""


@dataclass(frozen=True)
class ClassThresholds:
    """How each class is detected; arrays (C,).

    Attributes:
        threshold: minimum probability of an event.
        release: probability down to which it lasts.
        merge_gap: seconds up to which events of a class are merged.
        min_duration: seconds of the shortest event.
    """

    threshold: Values
    release: Values
    merge_gap: Values
    min_duration: Values

    def at(self, threshold: float) -> "ClassThresholds":
        """The same with one threshold for all classes that can give a cue."""
        return self.changed(np.where(self.threshold > 1, self.threshold, threshold))

    def changed(self, threshold: Values) -> "ClassThresholds":
        """The same with other thresholds (C,).

        Higher ones keep the release: a sound does not start later because it must be surer.
        """
        return replace(self, threshold=threshold, release=np.minimum(self.release, _RELEASE * threshold))

    def with_table(
        self, table: Mapping[str, float], labels: Sequence[str], origin: Path
    ) -> "ClassThresholds":
        """The same with the thresholds of a table, by label.

        Raises:
            BadInputError: no class of the model is in the table.
        """
        found = [table.get(plain_label(label)) for label in labels]
        if all(value is None for value in found):
            message = f"`{origin}` has thresholds of none of the model's {len(labels)} classes"
            raise BadInputError(message, "give those that were calibrated with this model")
        return self.changed(
            np.array([old if new is None else new for old, new in zip(self.threshold, found, strict=True)])
        )


def default_thresholds(classes: Sequence[SoundClass], task: LabelKind) -> ClassThresholds:
    """The thresholds of classes by their kinds.

    Args:
        classes: of the model.
        task: whether its probabilities are of each class by itself, or over all classes.
    """
    kinds = [_KINDS[one.kind] for one in classes]
    threshold = np.array([kind.multi if task == "multi-label" else kind.single for kind in kinds])
    names_music = np.array([one.kind == "music" and bool(one.parent) for one in classes])
    if task == "multi-label":
        threshold = np.where(names_music, _NAMES_MUSIC, threshold)
    return ClassThresholds(
        threshold,
        _RELEASE * threshold,
        np.array([kind.merge_gap for kind in kinds]),
        np.array([kind.min_duration for kind in kinds]),
    )


def read_thresholds(path: Path) -> dict[str, float]:
    """Thresholds by plain label, of a CSV table or of the artifact that holds one.

    Raises:
        BadInputError: it is no such table.
    """
    file = path / THRESHOLDS if path.is_dir() else path
    hint = "give a folder of `avtool caption calibrate`, or a CSV table with the columns label and threshold"
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            if missing := {"label", "threshold"} - set(reader.fieldnames or ()):
                raise BadInputError(f"`{file}` has no column `{sorted(missing)[0]}`", hint)
            found = {plain_label(row["label"]): _number(row, file, reader.line_num) for row in reader}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no CSV table in UTF-8"
        raise BadInputError(f"cannot read the thresholds `{file}`: {reason}", hint) from error
    if not found:
        raise BadInputError(f"the thresholds `{file}` are empty", hint)
    return found


def _number(row: Mapping[str, str], file: Path, line: int) -> float:
    try:
        value = float(row["threshold"])
    except (TypeError, ValueError):
        value = math.nan
    if not 0 <= value <= 1.1:  # above 1: never detected
        message = f"`{file}`, line {line}: the threshold of `{row['label']:.60}` is {row['threshold']!r:.40}"
        raise BadInputError(
            message, "write a number from 0 to 1; 1.1 for a class that is never to be captioned"
        )
    return value
