"""Zero-shot classification: a clip is of the class whose text is the most similar to it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from avtool.benchmarks.runner.data import BenchmarkData, Fold
from avtool.benchmarks.runner.features import FeatureStore
from avtool.benchmarks.runner.outcome import ModelOutcome
from avtool.benchmarks.runner.scoring import predictions_of
from avtool.benchmarks.settings import EvalRecipe
from avtool.core.reporter import Reporter


def zero_shot(
    data: BenchmarkData, settings: EvalRecipe, folds: Sequence[Fold], reporter: Reporter
) -> ModelOutcome:
    """Scores the test clips of each fold by the texts of the classes; nothing is trained.

    Raises:
        BadInputError: the encoder has no text tower, or does not take the clips.
    """
    import torch

    from avtool.models.hub.text_tower import embed_texts
    from avtool.models.runtime import choose_device

    assert settings.encoder is not None, "checked with the settings"
    prompt = data.spec.protocols[settings.protocol].prompt
    texts = [prompt.replace("{}", name.replace("_", " ")) for name in data.classes]
    reporter.info(f"{len(texts)} classes as texts, such as `{texts[0]}`")
    device = torch.device(choose_device(settings.device).value)
    embedded = embed_texts(Path(settings.encoder), texts, device)
    store = FeatureStore(data, settings, reporter)
    parts = []
    for fold in folds:
        found = store.of(fold.test, fold.number)
        logits = embedded[data.spec.modality].logits(torch.from_numpy(found.values).to(device)).cpu().numpy()
        windows = np.bincount(found.owners)[:, None]
        means = np.add.reduceat(logits, np.flatnonzero(np.diff(found.owners, prepend=-1))) / windows
        parts.append(predictions_of(fold.test, data.classes, means.astype(np.float32)))
    return ModelOutcome({settings.seed: parts})
