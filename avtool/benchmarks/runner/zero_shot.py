"""Zero-shot classification: a clip is of the class whose text is the most similar to it."""

from collections.abc import Sequence

import numpy as np

from avtool.benchmarks.runner.data import BenchmarkData, Fold
from avtool.benchmarks.runner.features import FeatureStore
from avtool.benchmarks.runner.outcome import ModelOutcome
from avtool.benchmarks.runner.scoring import predictions_of
from avtool.benchmarks.settings import EvalRecipe
from avtool.core.reporter import Reporter

_SCALE = 100.0
"""The factor on cosines, as CLIP and CLAP come to have it; ranks do not depend on it."""


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
    towers = embed_texts(settings.encoder, texts, device).cpu().numpy()
    store = FeatureStore(data, settings, reporter)
    parts = [
        predictions_of(
            fold.test,
            data.classes,
            (_SCALE * store.directions(fold.test, fold.number) @ towers.T).astype(np.float32),
        )
        for fold in folds
    ]
    return ModelOutcome({settings.seed: parts})
