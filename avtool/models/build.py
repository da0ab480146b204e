"""Seeded construction of a registered network."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from avtool.core.errors import AvtoolError, BadInputError
from avtool.models.registry import create

if TYPE_CHECKING:
    from torch import nn


def build_seeded(name: str, arguments: Mapping[str, Any], seed: int) -> "nn.Module":
    """Builds a registered model; its initial weights depend on the seed alone.

    Raises:
        BadInputError: there is no such model, or its settings do not fit.
    """
    from avtool.models.seeds import derive, seed_everything

    seed_everything(derive(seed, "model"))
    try:
        return create(name, **arguments)
    except AvtoolError:
        raise
    except (TypeError, ValueError, RuntimeError, AssertionError) as error:
        reason = " ".join(str(error).split())[:200]
        message = f"`{name}` cannot be built with these settings: {reason}"
        raise BadInputError(message, "see model.arguments of the recipe") from error


def tuples(value: Any) -> Any:
    """Lists of a recipe as tuples, which settings compare by value."""
    if isinstance(value, Mapping):
        return {key: tuples(item) for key, item in value.items()}
    return tuple(tuples(item) for item in value) if isinstance(value, list | tuple) else value
