"""Retrieval between audio and video, both ways, over paired embeddings."""

from collections.abc import Mapping, Sequence

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
    audio_features, video_features = _pairs(audio, video)
    if labels is not None:
        chosen = per_class_subset(labels, per_class)
        audio_features, video_features = audio_features[chosen], video_features[chosen]
    similarity = cosine_similarity(audio_features, video_features)
    ways = {"audio → video": similarity, "video → audio": similarity.T}
    found = {way: score_retrieval(matrix, _KS) for way, matrix in ways.items()}
    subset = f"the first {per_class} clips of each class" if labels is not None else "all clips"
    return BenchmarkReport(
        headline="; ".join(f"{way} R@1 {100 * scores.recall[1]:.1f} %" for way, scores in found.items())
        + f" among {len(audio_features)} clips",
        metrics={"clips": len(audio_features), **{way: _metrics(scores) for way, scores in found.items()}},
        tables=_tables(found, len(audio_features), name, facts),
        notes=[
            f"Cosine similarity among {subset}; rank = 1 + higher + equal ones at a lower index, so that "
            "a tie counts once. Tools that take a tie for a hit give higher numbers.",
            "Numbers of other papers hold for their own subsets of clips: which are left, and among how "
            "many is searched, decides more than the model.",
            *(facts.closing_notes() if facts else []),
        ],
    )


def _pairs(audio: ArrayLike, video: ArrayLike) -> tuple[Floats, Floats]:
    """The embeddings (N, D) of audio and of video."""
    pairs = _embeddings(audio, "audio"), _embeddings(video, "video")
    if pairs[0].shape != pairs[1].shape:
        message = f"embeddings of audio {pairs[0].shape} and of video {pairs[1].shape} are no pairs"
        raise BadInputError(message, "embed the same clips with both")
    return pairs


def _embeddings(values: ArrayLike, name: str) -> Floats:
    array: Floats = np.asarray(values, dtype=np.float64)
    if array.ndim != 2 or not array.size or not np.isfinite(array).all():
        message = f"the {name} embeddings must be finite numbers of (clips, dimensions), not {array.shape}"
        raise BadInputError(message, "embed the clips again")
    return array


def _metrics(scores: RetrievalScores) -> dict[str, float]:
    shares = {f"R@{k}": 100 * share for k, share in scores.recall.items()}
    return {**shares, "median rank": scores.median_rank}


def _tables(
    found: Mapping[str, RetrievalScores], count: int, name: str, facts: BenchmarkFacts | None
) -> list[Table]:
    """Both ways beside chance, and beside published results."""
    rows = [[name, way, *_cells(scores)] for way, scores in found.items()]
    chance = [round(100 * min(1.0, k / count), 2) for k in _KS]
    rows.append(["chance", "either", *chance, (count + 1) / 2])
    columns = ["embeddings", "way", *(f"R@{k}" for k in _KS), "median rank"]
    table = Table("retrieval, in %", columns, rows)
    if facts is None:
        return [table]
    short = {"audio → video": "A→V", "video → audio": "V→A"}
    shares = {f"R@{k} {short[way]}": 100 * found[way].recall[k] for way in found for k in _KS}
    ours = (name, "see its card", shares)
    return [comparison(f"{facts.title}: retrieval in %", facts.published, [ours]), table]


def _cells(scores: RetrievalScores) -> list[float]:
    return [*(round(100 * scores.recall[k], 2) for k in _KS), scores.median_rank]
