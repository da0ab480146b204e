"""A model's settings: a frozen dataclass filled from a builder's defaults and its caller's overrides."""

from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

from pydantic import TypeAdapter, ValidationError
from rapidfuzz import process

from avtool.core.errors import BadInputError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Settings = TypeVar("Settings", bound="DataclassInstance")


def settle(kind: type[Settings], overrides: dict[str, Any], **defaults: Any) -> Settings:
    """Makes settings of a kind; overrides win over the builder's defaults.

    Raises:
        BadInputError: an override is no setting of the model, or of another type than the setting.
    """
    known = [field.name for field in fields(kind)]
    for name in overrides:
        if name not in known:
            nearest = process.extractOne(name, known)[0]
            raise BadInputError(
                f"`{name}` is no setting of this model",
                f"did you mean `{nearest}`? The settings are {', '.join(known)}",
            )
    types = get_type_hints(kind)
    return kind(**defaults | {name: _of_type(types[name], name, value) for name, value in overrides.items()})


def _of_type(wanted: Any, name: str, value: Any) -> Any:
    """A value as its type has it: a list of JSON where a tuple is wanted is one."""
    try:
        return TypeAdapter(wanted, config={"arbitrary_types_allowed": True}).validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]["msg"]
        message = f"the model's setting `{name}`: {first[:1].lower()}{first[1:]}, got {value!r:.80}"
        raise BadInputError(message) from error


def require(condition: bool, message: str, hint: str = "") -> None:
    """Raises `BadInputError` with the message unless the condition holds."""
    if not condition:
        raise BadInputError(message, hint)
