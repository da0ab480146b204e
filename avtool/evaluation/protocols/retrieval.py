"""Retrieval between audio and video, both ways, over paired embeddings."""

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
from avtool.evaluation.published import BenchmarkFacts, comparison
from avtool.evaluation.report import BenchmarkReport, Table

_KS = (1, 5, 10)


def evaluate_embeddings(
    audio: ArrayLike,
    video: ArrayLike,
    *,
    labels: Sequence[str] | None = None,
    per_class: int = 5,
    name: str = "ours",
    facts: BenchmarkFacts | None = None,
) -> BenchmarkReport:
    """Ranks the video of all clips by each clip's audio, and the audio of all clips by each clip's video.

    Args:
        audio: (N, D) embeddings of the clips' audio.
        video: (N, D) embeddings of their video, in the same order.
        labels: (N,) a class of each clip: retrieve among the first `per_class` clips of each, as CAV-MAE
            does; None for all clips.
        per_class: see `labels`.
        name: of the embeddings, in tables.
        facts: of the benchmark, with published results as `R@1 A→V` and `R@1 V→A`.

    Raises:
        BadInputError: the embeddings are not finite pairs.
    """
    audio_features, video_features = _embeddings(audio, "audio"), _embeddings(video, "video")
    if audio_features.shape != video_features.shape:
        message = (
            f"embeddings of audio {audio_features.shape} and of video {video_features.shape} are no pairs"
        )
        raise BadInputError(message, "embed the same clips with both")
    if labels is not None:
        chosen = per_class_subset(labels, per_class)
        audio_features, video_features = audio_features[chosen], video_features[chosen]
    similarity = cosine_similarity(audio_features, video_features)
    found = {
        "audio → video": score_retrieval(similarity, _KS),
        "video → audio": score_retrieval(similarity.T, _KS),
    }
    chance = [round(100 * min(1.0, k / len(audio_features)), 2) for k in _KS]
    rows = [[name, way, *_cells(scores)] for way, scores in found.items()]
    rows.append(["chance", "either", *chance, (len(audio_features) + 1) / 2])
    ways = {"audio → video": "A→V", "video → audio": "V→A"}
    ours = (
        name,
        "see its card",
        {f"R@{k} {ways[way]}": 100 * found[way].recall[k] for way in found for k in _KS},
    )
    subset = f"the first {per_class} clips of each class" if labels is not None else "all clips"
    return BenchmarkReport(
        headline="; ".join(f"{way} R@1 {100 * scores.recall[1]:.1f} %" for way, scores in found.items())
        + f" among {len(audio_features)} clips",
        metrics={
            "clips": len(audio_features),
            **{
                way: {
                    **{f"R@{k}": 100 * share for k, share in scores.recall.items()},
                    "median rank": scores.median_rank,
                }
                for way, scores in found.items()
            },
        },
        tables=[
            *([comparison(f"{facts.title}: retrieval in %", facts.published, [ours])] if facts else []),
            Table("retrieval, in %", ["embeddings", "way", *(f"R@{k}" for k in _KS), "median rank"], rows),
        ],
        notes=[
            f"Cosine similarity among {subset}; rank = 1 + higher + equal ones at a lower index, so that "
            "a tie counts once. Tools that take a tie for a hit give higher numbers.",
            "Numbers of other papers hold for their own subsets of clips: which are left, and among how "
            "many is searched, decides more than the model.",
            *(facts.closing_notes() if facts else []),
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
