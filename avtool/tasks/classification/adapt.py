"""Adapting a pretrained encoder: which classifier stands over it, and what its training must keep."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from avtool.core.errors import BadInputError
from avtool.core.recipe import Recipe
from avtool.core.reporter import Reporter
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
    inputs = read_inputs(folder, description.preprocess)
    inputs = inputs.of_modality(modality, encoder)
    classifier = classifier_of(description.builder)
    known = classifier.setting_names()
    arguments = _network_of(description.arguments, classifier, recipe)
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


def recipe_of_start(recipe: FinetuneRecipe, reporter: Reporter) -> FinetuneRecipe:
    """The recipe with what the model in `model.init` was built and fed with, where the recipe sets nothing.

    Weights of others do not describe it, unless they are of a kind that is imported whole, such as YAMNet's.

    Raises:
        CorruptArtifactError: its description is damaged.
    """
    from avtool.models.catalogue import fetched_file
    from avtool.models.foreign import find_foreign, find_weights, locate
    from avtool.models.model_files import described_folder
    from avtool.models.model_folder import read_description

    init = recipe.model.init
    if init is None:
        return recipe
    if not init.exists():
        init = fetched_file(str(init)) or find_weights(init)
        recipe = recipe.model_copy(update={"model": recipe.model.model_copy(update={"init": init})})
    folder = locate(init) if not init.is_dir() and find_foreign(init) is not None else described_folder(init)
    if folder is None:
        return recipe
    description = read_description(folder)
    name = MODELS.find(description.builder).family.classifier_of(description.builder)
    if name is None:
        return recipe
    model: dict[str, Any] = {}
    if "name" not in recipe.model.model_fields_set:
        model["name"] = name
    if model.get("name", recipe.model.name) == name:
        own = _network_of(description.arguments, MODELS.find(name), recipe)
        model["arguments"] = {**own, **recipe.model.arguments}
    data = _unset(recipe.data, _data_of(read_inputs(folder, description.preprocess)))
    changed = [f"model {name}"] if "name" in model else []
    changed += [key for key, value in data.items() if value != getattr(recipe.data, key)]
    if changed:
        reporter.info(f"as in `{init}`: {', '.join(changed)}")
    return recipe.model_copy(
        update={
            "model": recipe.model.model_copy(update=model),
            "data": recipe.data.model_copy(update=data),
        }
    )


def _network_of(arguments: Mapping[str, Any], classifier: Model, recipe: FinetuneRecipe) -> dict[str, Any]:
    """The arguments of an encoder that its classifier takes over; others follow from data and recipe."""
    left = {*classifier.family.follows, "modalities"}
    if recipe.model.drop_path is not None:
        left.add("drop_path")
    known = classifier.setting_names()
    return {key: value for key, value in arguments.items() if key in known and key not in left}


def _unset(given: Recipe, found: Mapping[str, Any]) -> dict[str, Any]:
    """What was found for keys that are not set; mean and deviation belong together."""
    kept = {}
    for key, value in found.items():
        own = getattr(given, key)
        if key not in given.model_fields_set:
            kept[key] = value
        elif isinstance(own, Recipe):
            kept[key] = value.model_copy(update={name: getattr(own, name) for name in own.model_fields_set})
    return kept


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
