"""Validation of a classifier, class by class, for the page of its run."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from avtool.core.reporter import Reporter
from avtool.data.labels import LabelKind, Targets
from avtool.data.manifest import Clip, Manifest
from avtool.evaluation.metrics.multi_label import Unlabelled, score_multi_label
from avtool.evaluation.metrics.single_label import class_accuracies, confusion_matrix
from avtool.evaluation.mistakes import false_alarms, worst_actions, worst_mistakes
from avtool.evaluation.players import Place, make_players, player_figures, with_places
from avtool.evaluation.predictions import Predictions
from avtool.evaluation.report import Mistake
from avtool.evaluation.report_figures import class_figure, confusion_figure
from avtool.training.report import Figure, Section

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MISTAKES: dict[LabelKind, Callable[[Predictions], list[Mistake]]] = {
    "single-label": worst_mistakes,
    "multi-label": false_alarms,
    "verb-noun": worst_actions,
}
_MOST_CLASSES = 60
"""Classes of a confusion matrix that can be read, and bars of one figure."""


def class_sections(
    logits: "NDArray[np.float32]", targets: Targets, unlabelled: Unlabelled = "skip"
) -> list[Section]:
    """Each class's score on the validation clips, and of few classes their confusion matrix.

    Args:
        logits: (clips, classes), the verbs before the nouns.
        targets: of the same clips.
        unlabelled: of several labels a clip, what clips without any are.
    """
    labels = np.stack([targets.target(clip) for clip in range(len(targets))])
    if targets.task == "multi-label":
        precision = score_multi_label(labels, logits, unlabelled).average_precision
        return [_scores("Average precision", "average precision in %", targets.classes[0], precision)]
    parts = {"Classes": (labels, logits)}
    if targets.task == "verb-noun":
        verbs = len(targets.classes[0])
        parts = {"Verbs": (labels[:, 0], logits[:, :verbs]), "Nouns": (labels[:, 1], logits[:, verbs:])}
    sections = []
    for (title, (truth, scores)), classes in zip(parts.items(), targets.classes, strict=True):
        counts = confusion_matrix(truth, scores.argmax(axis=1), len(classes))
        sections.append(_scores(title, "accuracy in %", classes, class_accuracies(counts)))
        if len(classes) <= _MOST_CLASSES:
            matrix = confusion_figure(classes, counts.tolist())
            sections.append(Section(f"{title}: confusion matrix", "", [("", matrix)]))
    return sections


def mistake_sections(
    logits: "NDArray[np.float32]", targets: Targets, clips: Manifest, reporter: Reporter
) -> list[Section]:
    """The most confident mistakes on the validation clips, with players.

    Args:
        logits: (clips, classes), the verbs before the nouns.
        targets: of the same clips.
        clips: the clips.
        reporter: warned of files that cannot be played.
    """
    if not len(targets.indices):
        return []
    predictions = Predictions(
        tuple(clips.column("clip_id")),
        tuple(name for part in targets.classes for name in part),
        logits,
        tuple(_names(targets, clip) for clip in range(len(targets))),
        sizes=tuple(map(len, targets.classes)),
    )
    mistakes = _MISTAKES[targets.task](predictions)
    wrong = {mistake.clip_id for mistake in mistakes}
    places = {clip.clip_id: _place(clips, clip) for clip in clips if clip.clip_id in wrong}
    players = make_players(with_places(mistakes, places), reporter)
    if not players:
        return []
    note = "Of the validation clips: wrong predictions with the highest probabilities."
    return [Section("The most confident mistakes", note, player_figures(players))]


def _names(targets: Targets, clip: int) -> tuple[str, ...]:
    """The labels of a clip: one of each class list, or several of the only one."""
    chosen = targets.of(clip)
    lists = targets.classes if len(targets.classes) > 1 else targets.classes * len(chosen)
    return tuple(names[index] for names, index in zip(lists, chosen, strict=True))


def _place(clips: Manifest, clip: Clip) -> Place:
    """Where a clip is: a local file, or one that is not at hand."""
    return Place(clips.folder / clip.media, clip.start, clip.duration)


def _scores(title: str, measure: str, classes: tuple[str, ...], values: "NDArray[np.float64]") -> Section:
    """Bars of the classes that have validation clips, the lowest where they are many."""
    known = [(name, float(value)) for name, value in zip(classes, values, strict=True) if np.isfinite(value)]
    lowest = sorted(known, key=lambda pair: pair[1])[:_MOST_CLASSES]
    words = measure if len(known) <= _MOST_CLASSES else f"{measure}, the lowest {_MOST_CLASSES}"
    figures: list[Figure] = [(words, class_figure(lowest))] if lowest else []
    return Section(title, "Of the validation clips.", figures)
