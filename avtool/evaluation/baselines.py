"""Classical baselines: summary statistics of the audio, and classifiers of scikit-learn.

A network that does not clearly beat them has learned nothing that the statistics do not show.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from avtool.core.arrays import Floats, Ints
from avtool.evaluation.metrics.intervals import FoldSummary, summarise_folds

if TYPE_CHECKING:
    from torch import Tensor

SAMPLE_RATE = 16000
_NUM_MEL_BINS = 128
_NUM_COEFFICIENTS = 12
_WINDOW, _HOP = 400, 160
_BATCH = 64

Waveforms = Sequence[NDArray[np.float32]]
"""Mono audio at 16 kHz, a (samples,) array a clip; all of one length."""


def log_mel_statistics(waveforms: Waveforms) -> Floats:
    """Mean, deviation, maximum and mean absolute step over time of AST's 128 log-mel bands: (N, 512)."""
    return _by_batch(waveforms, _log_mel_statistics)


def mfcc_statistics(waveforms: Waveforms) -> Floats:
    """Mean and deviation over time of 12 cepstral coefficients and of the zero-crossing rate: (N, 26).

    The features of the ESC paper's baselines; without the first coefficient, the loudness, as there.
    """
    return _by_batch(waveforms, _mfcc_statistics)


FEATURES: Mapping[str, Callable[[Waveforms], Floats]] = {
    "MFCC and zero crossings": mfcc_statistics,
    "log-mel statistics": log_mel_statistics,
}


def classifiers(seed: int = 0) -> dict[str, Callable[[], Any]]:
    """Makers of untrained classifiers that scale their features themselves, by name.

    Args:
        seed: of the random forest.
    """
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    return {
        "1-NN": lambda: make_pipeline(StandardScaler(), KNeighborsClassifier(1)),
        "linear SVM": lambda: make_pipeline(StandardScaler(), SVC(kernel="linear")),
        "RBF SVM": lambda: make_pipeline(StandardScaler(), SVC(C=10)),
        "random forest": lambda: RandomForestClassifier(500, random_state=seed),
    }


@dataclass(frozen=True)
class Baseline:
    """The cross-validation of a baseline.

    Attributes:
        features: a key of `FEATURES`.
        classifier: a key of `classifiers()`.
        accuracy: over the folds, in %.
    """

    features: str
    classifier: str
    accuracy: FoldSummary

    @property
    def name(self) -> str:
        """Classifier and features, as in tables."""
        return f"{self.classifier} on {self.features}"


def cross_validate(
    features: Floats, labels: Ints, folds: Ints, make_classifier: Callable[[], Any]
) -> FoldSummary:
    """The accuracy in % on each fold of a classifier that was trained on the others.

    Args:
        features: (N, D).
        labels: (N,) class indices.
        folds: (N,) fold of each clip.
        make_classifier: gives an untrained classifier.
    """
    accuracies = []
    for fold in np.unique(folds):
        test = folds == fold
        classifier = make_classifier().fit(features[~test], labels[~test])
        accuracies.append(100 * float((classifier.predict(features[test]) == labels[test]).mean()))
    return summarise_folds(accuracies)


def measure_baselines(
    waveforms: Waveforms,
    labels: Ints,
    folds: Ints,
    *,
    seed: int = 0,
    only: Sequence[tuple[str, str]] | None = None,
) -> list[Baseline]:
    """Every classifier on every kind of features.

    Args:
        waveforms: see `Waveforms`.
        labels: (N,) class indices.
        folds: (N,) fold of each clip.
        seed: of the random forest.
        only: the pairs of features and classifier wanted; None for all.
    """
    makers = classifiers(seed)
    wanted = only or [(features, name) for features in FEATURES for name in makers]
    vectors = {name: FEATURES[name](waveforms) for name in dict.fromkeys(features for features, _ in wanted)}
    return [
        Baseline(features, name, cross_validate(vectors[features], labels, folds, makers[name]))
        for features, name in wanted
    ]


def _by_batch(waveforms: Waveforms, statistics: "Callable[[Tensor, Tensor], Tensor]") -> Floats:
    """Applies `statistics`, of waveforms (B, S) and of log-mel energies (B, T, F), to all clips."""
    import torch

    from avtool.data.inputs.fbank import Fbank

    fbank = Fbank(SAMPLE_RATE, _NUM_MEL_BINS)
    parts = []
    for start in range(0, len(waveforms), _BATCH):
        batch = torch.from_numpy(np.stack(waveforms[start : start + _BATCH]))
        parts.append(statistics(batch, fbank(batch)).double().numpy())
    features: Floats = np.concatenate(parts)
    return features


def _log_mel_statistics(_: "Tensor", log_mel: "Tensor") -> "Tensor":
    import torch

    steps = log_mel.diff(dim=1).abs().mean(dim=1)
    return torch.cat([log_mel.mean(dim=1), log_mel.std(dim=1), log_mel.amax(dim=1), steps], dim=1)


def _mfcc_statistics(waveform: "Tensor", log_mel: "Tensor") -> "Tensor":
    import torch
    from scipy.fft import dct

    cepstrum = torch.from_numpy(dct(log_mel.numpy(), axis=-1, norm="ortho"))[..., 1 : _NUM_COEFFICIENTS + 1]
    frames = waveform.unfold(1, _WINDOW, _HOP)
    crossings = ((frames[..., 1:] >= 0) != (frames[..., :-1] >= 0)).float().mean(dim=-1, keepdim=True)
    values = torch.cat([cepstrum, crossings], dim=-1)
    return torch.cat([values.mean(dim=1), values.std(dim=1)], dim=1)
