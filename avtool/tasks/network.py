"""The network that is pretrained, for the clips at hand."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.models.build import build_seeded, tuples
from avtool.models.registry import MODELS
from avtool.models.start import load_start
from avtool.tasks.recipe import ModelRecipe

if TYPE_CHECKING:
    from torch import nn


def build_network(
    name: str, recipe: ModelRecipe, chosen: Mapping[str, Any], seed: int
) -> "tuple[nn.Module, dict[str, Any]]":
    """Builds a registered model; its start depends on the seed alone.

    Args:
        name: of the model.
        recipe: with `arguments` for its other settings.
        chosen: settings that follow from the data and from other keys; those it does not have are ignored.
        seed: of the run.

    Returns:
        The network, and the arguments that build it again.

    Raises:
        BadInputError: there is no such model, or its settings do not fit.
    """
    given = tuples(recipe.arguments)
    if twice := sorted(given.keys() & chosen.keys()):
        message = f"model.arguments.{twice[0]} is set by another key of the recipe, or follows from the data"
        raise BadInputError(message, "`avtool recipes show` lists the keys")
    known = MODELS.find(name).setting_names()
    arguments = {key: value for key, value in chosen.items() if key in known} | given
    return build_seeded(name, arguments, seed), arguments


def start_from(model: "nn.Module", name: str, recipe: ModelRecipe, reporter: Reporter) -> None:
    """Starts the network from `model.init`, and reports what was adapted.

    Raises:
        BadInputError: the file is none, or does not fit the network.
    """
    load_start(model, name, recipe.init, reporter, interpolate=recipe.interpolate_positions)
