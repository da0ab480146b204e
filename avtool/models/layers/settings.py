"""A model's settings: a frozen dataclass filled from a builder's defaults and its caller's overrides."""

from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from rapidfuzz import process

from avtool.core.errors import BadInputError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Settings = TypeVar("Settings", bound="DataclassInstance")


def settle(kind: type[Settings], overrides: dict[str, Any], **defaults: Any) -> Settings:
    """Makes settings of a kind; overrides win over the builder's defaults.

    Raises:
        BadInputError: an override is no setting of the model.
    """
    known = [field.name for field in fields(kind)]
    for name in overrides:
        if name not in known:
            nearest = process.extractOne(name, known)[0]
            raise BadInputError(
                f"`{name}` is no setting of this model",
                f"did you mean `{nearest}`? The settings are {', '.join(known)}",
            )
    return kind(**{**defaults, **overrides})


def require(condition: bool, message: str, hint: str = "") -> None:
    """Raises `BadInputError` with the message unless the condition holds."""
    if not condition:
        raise BadInputError(message, hint)
