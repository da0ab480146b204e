"""A linear probe of a network's inputs themselves: the baseline that no network stands behind."""

from pathlib import Path
from typing import Any

import numpy as np

from avtool.core.arrays import Bools, Floats
from avtool.core.reporter import Silent
from avtool.core.runtime import RuntimeRecipe
from avtool.data.items import clip_items
from avtool.data.manifest import Manifest

SIDE = 16
"""Of the grid that inputs are averaged over: 768 numbers of an image, 256 of a spectrogram."""


def probe_inputs(run: Path, train: Manifest, val: Manifest) -> Bools:
    """Logistic regression on what a run's network reads, averaged over a grid of 16 x 16.

    Args:
        run: whose inputs are taken, with their preprocessing.
        train: to fit on; C is chosen by cross-validation inside.
        val: to score.

    Returns:
        (clips,) whether each clip's class is named.
    """
    from avtool.evaluation.probes.linear import fit_linear_probe
    from avtool.inference.predictor import Predictor

    predictor = Predictor(run, RuntimeRecipe(device="cpu"), Silent())
    index = {name: number for number, name in enumerate(predictor.outputs.labels)}
    labels = [np.array([index[one[0]] for one in part.column("labels")]) for part in (train, val)]
    groups = [
        group or clip for group, clip in zip(train.column("group"), train.column("clip_id"), strict=True)
    ]
    probe = fit_linear_probe(_averaged(predictor, train), labels[0], groups, grid=(1e-4, 1e-3, 1e-2, 1e-1))
    right: Bools = probe.classes[probe.scores(_averaged(predictor, val)).argmax(axis=1)] == labels[1]
    return right


def _averaged(predictor: Any, clips: Manifest) -> Floats:
    """(clips, D) the first window's inputs, averaged over the grid."""
    import torch
    from torch.nn import functional

    from avtool.inference.windows import cropped, spaced_windows

    rows = []
    for item in clip_items(clips):
        windows = list(cropped(spaced_windows(item, predictor.inputs, 1), predictor.inputs))[:1]
        batch = predictor.inputs.batch(windows, torch.device("cpu"))
        values = next(iter(batch.values())).float()
        image = values if values.dim() == 4 else values[:, None]
        rows.append(functional.adaptive_avg_pool2d(image, SIDE).flatten().double().numpy())
    return np.stack(rows)
