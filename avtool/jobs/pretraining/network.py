"""Builds the network that is pretrained, for the clips at hand."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from avtool.core.errors import AvtoolError, BadInputError
from avtool.core.registry import create
from avtool.core.reporter import Reporter
from avtool.jobs.finetuning import recipe as finetuning
from avtool.jobs.finetuning.network import load_start, settings_of
from avtool.jobs.pretraining.recipe import ModelRecipe

if TYPE_CHECKING:
    from torch import nn


def build_network(
    name: str, recipe: ModelRecipe, chosen: Mapping[str, Any], seed: int
) -> "tuple[nn.Module, dict[str, Any]]":
    """Builds a registered model; its start depends on the seed alone.

    Args:
        name: of the model.
        recipe: with `arguments` for its other settings.
        chosen: settings that follow from the data and from other keys; those it does not have are left out.
        seed: of the run.

    Returns:
        The network, and the arguments that build it again.

    Raises:
        BadInputError: there is no such model, or its settings do not fit.
    """
    from avtool.training.seeds import derive, seed_everything

    given = _tuples(recipe.arguments)
    if twice := sorted(given.keys() & chosen.keys()):
        message = f"model.arguments.{twice[0]} is set by another key of the recipe, or follows from the data"
        raise BadInputError(message, "`avtool recipes show` lists the keys")
    known = settings_of(name)
    arguments = {key: value for key, value in chosen.items() if key in known} | given
    seed_everything(derive(seed, "model"))
    try:
        return create(name, **arguments), arguments
    except AvtoolError:
        raise
    except (TypeError, ValueError, RuntimeError, AssertionError) as error:
        reason = " ".join(str(error).split())[:200]
        message = f"`{name}` cannot be built with these settings: {reason}"
        raise BadInputError(message, "see model.arguments of the recipe") from error


def start_from(model: "nn.Module", name: str, recipe: ModelRecipe, reporter: Reporter) -> None:
    """Starts the network from `model.init`, and tells what was adapted.

    Raises:
        BadInputError: the file is none, or does not fit the network.
    """
    start = finetuning.ModelRecipe(name=name, init=recipe.init, fit_positions=recipe.fit_positions)
    load_start(model, start, reporter)


def _tuples(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _tuples(item) for key, item in value.items()}
    return tuple(_tuples(item) for item in value) if isinstance(value, list | tuple) else value
