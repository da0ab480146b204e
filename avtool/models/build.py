"""Seeded construction of a registered network."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from avtool.core.errors import AvtoolError, BadInputError
from avtool.models.registry import MODELS, create

if TYPE_CHECKING:
    from torch import nn

_LARGEST, _PLAIN = 200_000, 4096  # of a number: widths, vocabularies; and what needs no counting
_MOST_BLOCKS, _REPEATED = 512, ("depth", "layers", "blocks")
_MOST_PARAMETERS = 2e10


def build_seeded(name: str, arguments: Mapping[str, Any], seed: int) -> "nn.Module":
    """Builds a registered model; its initial weights depend on the seed alone.

    Raises:
        BadInputError: there is no such model, or its settings do not fit.
    """
    from avtool.models.seeds import derive, seed_everything

    _check_size(name, arguments)
    seed_everything(derive(seed, "model"))
    try:
        return create(name, **arguments)
    except AvtoolError:
        raise
    except (TypeError, ValueError, RuntimeError, AssertionError, ArithmeticError) as error:
        reason = " ".join(str(error).split())[:200]
        message = f"`{name}` cannot be built with these settings: {reason}"
        raise BadInputError(message, "see model.arguments of the recipe") from error


def _check_size(name: str, arguments: Mapping[str, Any]) -> None:
    """Refuses settings of a network that no memory holds, before it is built.

    Raises:
        BadInputError: a number is absurd, or there would be too many parameters.
    """
    numbers = list(_numbers(arguments))  # two towers have one name for their depth
    for key, value in numbers:
        deep = any(word in key for word in _REPEATED)
        if abs(value) > (_MOST_BLOCKS if deep else _LARGEST):
            message = f"`{name}` cannot be built with {key} = {value:.6g}"
            raise BadInputError(message, "see model.arguments of the recipe")
    if max((abs(value) for _, value in numbers), default=0) <= _PLAIN:
        return
    import torch

    try:
        with torch.device("meta"):
            count = sum(parameter.numel() for parameter in create(name, **arguments).parameters())
    except (AvtoolError, TypeError, ValueError, RuntimeError, AssertionError, ArithmeticError):
        return  # whoever builds it names what does not fit
    if count > _MOST_PARAMETERS:
        message = f"`{name}` would have {count / 1e9:.0f} billion parameters with these settings"
        raise BadInputError(message, "see model.arguments of the recipe")


def _numbers(value: Any, key: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _numbers(item, str(name))
    elif isinstance(value, list | tuple):
        yield f"the length of {key}", 64.0 * len(value)
        for place, item in enumerate(value[:_MOST_BLOCKS]):
            yield from _numbers(item, f"{key}[{place}]")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield key, float(value)


def build_network(
    name: str, given: Mapping[str, Any], chosen: Mapping[str, Any], seed: int
) -> "tuple[nn.Module, dict[str, Any]]":
    """Builds a registered model for a recipe.

    Args:
        name: of the model.
        given: settings of the user: `model.arguments`.
        chosen: settings that follow from the data and from other keys of the recipe; those that the model
            does not have are ignored.
        seed: of the run.

    Returns:
        The network, and the arguments that build it again.

    Raises:
        BadInputError: a setting is both given and chosen, or does not fit.
    """
    if twice := sorted(given.keys() & chosen.keys()):
        message = f"model.arguments.{twice[0]} is set by another key of the recipe, or follows from the data"
        raise BadInputError(message, "`avtool recipes show` lists the keys")
    known = MODELS.find(name).setting_names()
    arguments = {key: value for key, value in chosen.items() if key in known} | tuples(given)
    return build_seeded(name, arguments, seed), arguments


def tuples(value: Any) -> Any:
    """Lists of a recipe as tuples, which settings compare by value."""
    if isinstance(value, Mapping):
        return {key: tuples(item) for key, item in value.items()}
    return tuple(tuples(item) for item in value) if isinstance(value, list | tuple) else value
