"""Validation metrics of a classifier, by kind of labels."""

import numpy as np
from numpy.typing import NDArray

from avtool.data.labels import LabelKind, Targets
from avtool.evaluation.metrics.multi_label import Unlabelled, score_multi_label
from avtool.evaluation.metrics.single_label import score_actions, top_k_accuracy

METRIC: dict[LabelKind, str] = {"single-label": "accuracy", "multi-label": "mAP", "verb-noun": "action"}
"""The metric that selects the best model; all are better the higher they are, from 0 to 1."""
_MANY_CLASSES = 10


def clip_metrics(
    logits: NDArray[np.float32], targets: Targets, unlabelled: Unlabelled = "skip"
) -> dict[str, float]:
    """The metrics of a task.

    Args:
        logits: (clips, classes), the verbs before the nouns.
        targets: of the same clips.
        unlabelled: of several labels a clip, what clips without any are.
    """
    labels = np.stack([targets.target(clip) for clip in range(len(targets))])
    if targets.task == "multi-label":
        scores = score_multi_label(labels, logits, unlabelled)
        return {"mAP": scores.mean_average_precision, "mAUC": scores.mean_area, "d_prime": scores.d_prime}
    if targets.task == "verb-noun":
        verbs = len(targets.classes[0])
        actions = score_actions(labels[:, 0], labels[:, 1], logits[:, :verbs], logits[:, verbs:], (1,))
        return {"action": actions.action[1], "verb": actions.verb[1], "noun": actions.noun[1]}
    accuracy = top_k_accuracy(labels, logits)
    top_5 = {"top_5": accuracy[5]} if len(targets.classes[0]) > _MANY_CLASSES else {}
    return {"accuracy": accuracy[1], **top_5}
