"""A trained model applied to files: what `avtool.load_model` returns."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from avtool.core.recipe import validate
from avtool.data.items import find_items
from avtool.inference.embedding import FileFeatures, embed_file
from avtool.inference.frames import find_frames
from avtool.inference.predictor import Predictor
from avtool.inference.recipes import EmbedRecipe, PredictRecipe
from avtool.inference.score import FilePrediction, score_file


class TrainedModel(Predictor):
    """Predictions and features of files; the network itself is `model`."""

    def predict(
        self, files: Sequence[str | Path], *, events: bool = False, **settings: Any
    ) -> list[FilePrediction]:
        """Scores files; memory does not grow with their duration.

        Args:
            files: files, folders, and datasets.
            events: find events in time too.
            **settings: further keys of the recipe of `avtool predict`: hop, threshold, merge_gap, …

        Raises:
            BadInputError: a key is unknown, or a file cannot be read.
            CorruptArtifactError: the model is no classifier.
        """
        recipe = validate(PredictRecipe, {"events": events, **settings}, "predict")
        items = find_items(
            _names(files), split=recipe.split, folds=recipe.folds, images="image" in self.inputs
        )
        frames = find_frames(items, self, recipe, self.reporter)
        model = self.with_features(frames) if frames else self
        if recipe.phrases:
            model = model.with_phrases(recipe.phrases)
        if recipe.class_map:
            model = model.with_class_map(recipe.class_map)
        labels, found = model.outputs.labels, []
        for item in items:
            scored = score_file(item, model, recipe, self.reporter)
            probabilities = np.array(scored.probabilities)
            found.append(FilePrediction(item.name, scored.seconds, labels, probabilities, scored.events))
        return found

    def embed(self, files: Sequence[str | Path], **settings: Any) -> list[FileFeatures]:
        """The features of files, window by window.

        Args:
            files: files, folders, and datasets.
            **settings: keys of the recipe of `avtool embed`: modality, hop, windows, …

        Raises:
            BadInputError: a key is unknown, a file cannot be read, or the model gives no features.
        """
        recipe = validate(EmbedRecipe, settings, "embed")
        encoder = self.only(recipe.modality)
        items = find_items(
            _names(files),
            split=recipe.split,
            folds=recipe.folds,
            images="image" in encoder.inputs,
        )
        return [embed_file(item, encoder, recipe) for item in items]


def _names(files: Sequence[str | Path]) -> list[str]:
    """File names; text alone, which is a sequence of letters too, is one name."""
    return [str(file) for file in ([files] if isinstance(files, (str, Path)) else files)]
