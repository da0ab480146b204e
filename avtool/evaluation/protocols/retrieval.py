"""Retrieval between sound and picture, both ways, over paired embeddings."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from avtool.core.arrays import Floats
from avtool.core.errors import BadInputError
from avtool.evaluation.metrics.retrieval import (
    RetrievalScores,
    cosine_similarity,
    per_class_subset,
    score_retrieval,
)
from avtool.evaluation.report import BenchmarkReport, Table

_KS = (1, 5, 10)


def evaluate_embeddings(
    audio: ArrayLike,
    video: ArrayLike,
    *,
    labels: Sequence[str] | None = None,
    per_class: int = 5,
    name: str = "ours",
) -> BenchmarkReport:
    """Looks for each clip's picture by its sound, and for its sound by its picture.

    Args:
        audio: (N, D) embeddings of the clips' sound.
        video: (N, D) embeddings of their pictures, in the same order.
        labels: (N,) a class of each clip: retrieve among the first `per_class` clips of each, as CAV-MAE
            does; None for all clips.
        per_class: see `labels`.
        name: of the embeddings, in tables.

    Raises:
        BadInputError: the embeddings are not finite pairs.
    """
    sounds, pictures = _embeddings(audio, "audio"), _embeddings(video, "video")
    if sounds.shape != pictures.shape:
        message = f"embeddings of sound {sounds.shape} and of pictures {pictures.shape} are no pairs"
        raise BadInputError(message, "embed the same clips with both")
    if labels is not None:
        chosen = per_class_subset(labels, per_class)
        sounds, pictures = sounds[chosen], pictures[chosen]
    similarity = cosine_similarity(sounds, pictures)
    found = {
        "sound → picture": score_retrieval(similarity, _KS),
        "picture → sound": score_retrieval(similarity.T, _KS),
    }
    chance = [round(100 * min(1.0, k / len(sounds)), 2) for k in _KS]
    rows = [[name, way, *_cells(scores)] for way, scores in found.items()]
    rows.append(["chance", "either", *chance, (len(sounds) + 1) / 2])
    subset = f"the first {per_class} clips of each class" if labels is not None else "all clips"
    return BenchmarkReport(
        headline="; ".join(f"{way} R@1 {100 * scores.recall[1]:.1f} %" for way, scores in found.items())
        + f" among {len(sounds)} clips",
        metrics={
            "clips": len(sounds),
            **{
                way: {
                    **{f"R@{k}": 100 * share for k, share in scores.recall.items()},
                    "median rank": scores.median_rank,
                }
                for way, scores in found.items()
            },
        },
        tables=[
            Table("retrieval, in %", ["embeddings", "way", *(f"R@{k}" for k in _KS), "median rank"], rows)
        ],
        notes=[
            f"Cosine similarity among {subset}; rank = 1 + higher + equal ones at a lower index, so that "
            "a tie counts once. Tools that take a tie for a hit give higher numbers.",
            "Numbers of other papers hold for their own subsets of clips and are not shown beside these.",
        ],
    )


def _embeddings(values: ArrayLike, name: str) -> Floats:
    array: Floats = np.asarray(values, dtype=np.float64)
    if array.ndim != 2 or not array.size or not np.isfinite(array).all():
        message = f"the {name} embeddings must be finite numbers of (clips, dimensions), not {array.shape}"
        raise BadInputError(message, "embed the clips again")
    return array


def _cells(scores: RetrievalScores) -> list[float]:
    return [*(round(100 * scores.recall[k], 2) for k in _KS), scores.median_rank]
