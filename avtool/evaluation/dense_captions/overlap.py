"""Overlap in time: tIoU of segments, and the share of segments found (precision and recall)."""

from collections.abc import Sequence

import numpy as np

from avtool.core.arrays import Floats
from avtool.evaluation.dense_captions.segments import CaptionedSegment, Captions


def tiou(one: Sequence[CaptionedSegment], other: Sequence[CaptionedSegment]) -> Floats:
    """Temporal intersection over union of all pairs of segments, as the challenge's evaluator has it.

    The union is the hull of segments that overlap, of others the sum of their lengths; 1e-8 s is added.

    Returns:
        (len(one), len(other)), each between 0 and 1.
    """
    first, second = _times(one)[:, None], _times(other)[None]
    start, end = first[..., 0], first[..., 1]
    shared = np.minimum(end, second[..., 1]) - np.maximum(start, second[..., 0])
    hull = np.maximum(end, second[..., 1]) - np.minimum(start, second[..., 0])
    lengths = (end - start) + (second[..., 1] - second[..., 0])
    return np.asarray(np.maximum(shared, 0.0) / (np.minimum(hull, lengths) + 1e-8))


def detection(
    predicted: Captions, references: Sequence[Captions], videos: Sequence[str], thresholds: Sequence[float]
) -> tuple[Floats, Floats]:
    """Precision and recall: shares of segments whose tIoU with one of the other side is above a threshold.

    Of several references the best counts, for each video.

    Returns:
        Precision and recall, each (videos, thresholds).
    """
    limits = np.asarray(thresholds)
    precision, recall = np.zeros((2, len(videos), len(thresholds)))
    for row, video in enumerate(videos):
        segments = predicted.get(video, ())
        for annotator in references:
            wanted = annotator.get(video, ())
            if segments and wanted:
                hits = tiou(segments, wanted)[..., None] > limits
                precision[row] = np.maximum(precision[row], hits.any(axis=1).mean(axis=0))
                recall[row] = np.maximum(recall[row], hits.any(axis=0).mean(axis=0))
    return precision, recall


def _times(segments: Sequence[CaptionedSegment]) -> Floats:
    return np.array([(segment.start, segment.end) for segment in segments], dtype=np.float64).reshape(-1, 2)
