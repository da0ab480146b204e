"""A trained classifier, ready to score windows on its device."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.inference.predict_recipe import PredictRecipe
from avtool.inference.preprocess import read_preprocess
from avtool.inference.spectrograms import Spectrograms
from avtool.inference.windows import Window

Logits = NDArray[np.float32]


class Classifier:
    """Loads a model, and scores windows with it.

    Args:
        path: a model, a run, or a checkpoint.
        recipe: device and precision.
        reporter: told which they are.

    Attributes:
        preprocess: how it is fed.

    Raises:
        BadInputError: the path holds no model, or one that cannot be fed from files.
        CorruptArtifactError: it is damaged.
        MissingError: the device is not there.
    """

    def __init__(self, path: Path, recipe: PredictRecipe, reporter: Reporter) -> None:
        import torch

        from avtool.models.model_folder import load_model
        from avtool.models.runtime import choose_device, choose_precision, place

        loaded = load_model(path)
        self.preprocess = read_preprocess(path, loaded.preprocess)
        if "clip" in self.preprocess.inputs:
            message = f"`{path}` reads features of frames, which `avtool predict` does not compute"
            raise BadInputError(message, "choose a model of sound and pictures")
        self.model = loaded.model
        device = choose_device(recipe.runtime.device)
        precision = choose_precision(recipe.runtime.precision, device.value, self.model)
        reporter.info(f"device: {device}; precision: {precision}")
        self.device = torch.device(device.value)
        self.half = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision.value)
        place(self.model, recipe.runtime, self.device)
        self.spectrograms = Spectrograms(self.preprocess, self.device)

    def score(self, windows: Sequence[Window]) -> Logits:
        """The logits of windows of one file, (windows, classes)."""
        import torch

        from avtool.inference.logits import logits_of

        batch = {}
        sounds = [window.sound for window in windows if window.sound is not None]
        if len(sounds) == len(windows):
            batch["audio"] = self.spectrograms(sounds)
        pictures = [window.pictures for window in windows if window.pictures is not None]
        if len(pictures) == len(windows):
            batch["image" if "image" in self.preprocess.inputs else "video"] = torch.stack(pictures).to(
                self.device
            )
        with torch.no_grad(), torch.autocast(self.device.type, self.half, enabled=self.half is not None):
            logits: Logits = logits_of(self.model, batch, self.preprocess.rolls).float().cpu().numpy()
        return logits

    def probabilities(self, logits: Logits) -> NDArray[np.float64]:
        """What the logits say: of each class alone, or of one of each part."""
        wide = logits.astype(np.float64)
        if self.preprocess.task == "multi-label":
            alone: NDArray[np.float64] = np.exp(-np.logaddexp(0, -wide))
            return alone
        ends = np.cumsum(self.preprocess.sizes)[:-1]
        return np.concatenate([_softmax(part) for part in np.split(wide, ends, axis=1)], axis=1)


def _softmax(values: NDArray[np.float64]) -> NDArray[np.float64]:
    raised = np.exp(values - values.max(axis=1, keepdims=True))
    shares: NDArray[np.float64] = raised / raised.sum(axis=1, keepdims=True)
    return shares
