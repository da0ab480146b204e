"""Adapting a pretrained encoder: which classifier stands over it, and what its training must keep."""

from pathlib import Path
from typing import Any

from avtool.core.errors import BadInputError
from avtool.data.inputs.audio import AudioInput
from avtool.data.inputs.image import ImageInput
from avtool.data.inputs.spec import InputSpec, read_inputs
from avtool.data.inputs.video import VideoInput
from avtool.models.registry import MODELS, Model
from avtool.tasks.classification.recipe import FinetuneRecipe


def adapted_recipe(recipe: FinetuneRecipe, encoder: Path, modality: str, *, start: bool) -> FinetuneRecipe:
    """The recipe of a training that starts from an encoder, and feeds it as it was fed before.

    Args:
        recipe: how to train.
        encoder: a model, a run, a checkpoint, or weights of others.
        modality: `audio`, `video`, `image` or `both`.
        start: start from the encoder's weights; without, from random ones (the random-init baseline).

    Raises:
        BadInputError: there is no encoder, no classifier stands over it, or it does not take the modality.
    """
    from avtool.models.foreign import locate
    from avtool.models.model_folder import read_description

    folder = locate(encoder)
    description = read_description(folder)
    init = encoder if folder.is_relative_to(encoder) else folder
    inputs = read_inputs(encoder, description.preprocess)
    inputs = inputs.of_modality(modality, encoder)
    classifier = classifier_of(description.builder)
    known = classifier.setting_names()
    arguments = {
        key: value
        for key, value in description.arguments.items()
        if key in known and key not in {*classifier.family.follows, "modalities"}
    }
    modalities = tuple(name for name in ("video", "audio") if name in inputs)
    model = recipe.model.model_copy(
        update={
            "name": classifier.name,
            "arguments": {**arguments, **recipe.model.arguments},
            "init": init if start else None,
            "modalities": modalities if "modalities" in known else None,
        }
    )
    return recipe.model_copy(update={"model": model, "data": recipe.data.model_copy(update=_data_of(inputs))})


def _data_of(inputs: InputSpec) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if audio := inputs.get(AudioInput):
        values = {"audio": audio.settings, "seconds": audio.seconds, "mean": audio.mean, "std": audio.std}
    if frames := inputs.get(VideoInput) or inputs.get(ImageInput):
        values["video"] = frames.settings
    return values


def classifier_of(builder: str) -> Model:
    """The classifier over the encoder of a registered model.

    Raises:
        BadInputError: there is no such model, or no classifier over it.
    """
    name = MODELS.find(builder).family.classifier_of(builder)
    if name is None:
        raise BadInputError(f"no classifier stands over a `{builder}`", "choose --protocol linear or knn")
    return MODELS.find(name)
