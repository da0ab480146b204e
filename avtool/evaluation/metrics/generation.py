"""Inception score and PSNR of generated or reconstructed videos."""

import numpy as np
from numpy.typing import ArrayLike

from avtool.core.arrays import Floats


def inception_score(logits: ArrayLike, splits: int = 10, seed: int = 42) -> tuple[float, float]:
    """exp(E KL(p(y|x) ‖ p(y))) over disjoint parts of the samples (Salimans et al., 2016).

    Args:
        logits: (N, classes) of a classifier, before the softmax.
        splits: parts, of at least one sample each; samples are shuffled first.
        seed: of the shuffle.

    Returns:
        Mean and standard deviation (over N, not N - 1) of the parts' scores, each from 1 to the number of
        classes.
    """
    values = np.asarray(logits, np.float64)
    assert values.ndim == 2, f"logits are (N, classes), not {values.shape}"
    assert 1 <= splits <= len(values), f"{splits} parts of {len(values)} samples"
    order = np.random.RandomState(seed).permutation(len(values))
    scores = []
    for part in np.array_split(order, splits):
        each = _log_softmax(values[part])
        shared = np.log(np.exp(each).mean(axis=0).clip(min=np.finfo(np.float64).tiny))
        scores.append(np.exp((np.exp(each) * (each - shared)).sum(axis=1).mean()))
    return float(np.mean(scores)), float(np.std(scores))


def _log_softmax(logits: Floats) -> Floats:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)), np.float64)


def psnr(videos: ArrayLike, restored: ArrayLike) -> Floats:
    """Peak signal-to-noise ratios in dB, one a video, from its squared error over all pixels.

    Args:
        videos: (N, …) in [0, 1], or uint8.
        restored: the same shape and range.

    Returns:
        (N,); infinite where a video is restored exactly.
    """
    pairs = [np.asarray(one) for one in (videos, restored)]
    assert pairs[0].shape == pairs[1].shape, f"{pairs[0].shape} and {pairs[1].shape} are no pairs"
    one, other = (part / 255 if part.dtype == np.uint8 else part.astype(np.float64) for part in pairs)
    errors = np.square(one - other).reshape(len(one), -1).mean(axis=1)
    with np.errstate(divide="ignore"):
        return np.asarray(-10 * np.log10(errors), np.float64)
