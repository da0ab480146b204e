"""Recipes: TOML files checked by frozen pydantic models, and the one order in which settings are looked up.

Precedence: command-line flag > `--set key=value` > `AVTOOL_KEY` > recipe file > default. Each default is
written once, in the recipe model; help texts, documentation and cards read it from there.
"""

import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Any, TypeVar, cast, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.config import JsonDict
from pydantic.fields import FieldInfo

from avtool.core.errors import BadInputError
from avtool.core.files import is_file
from avtool.core.paths import list_recipes, recipes_folder
from avtool.core.registry import nearest_hint

ENVIRONMENT_PREFIX = "AVTOOL_"
_NOT_SETTINGS = {"AVTOOL_DATA", "AVTOOL_CACHE_DIR", "AVTOOL_DEBUG", "AVTOOL_TEST_DATA"}
"""Variables with a meaning of their own: a key called `data` is not set by them."""
_MAX_RECIPE_BYTES = 1 << 20
_MAX_PARENTS = 20
_MAX_PROBLEMS = 20  # listed in one error


class Recipe(BaseModel):
    """The base of every recipe and of its tables: immutable, and unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _read_former_names(cls, values: Any) -> Any:
        """Values under the present names of their keys."""
        if not isinstance(values, Mapping):
            return values
        renamed = _former_names(cls)
        for old in renamed.keys() & values.keys():
            if renamed[old] in values:
                raise ValueError(f"`{old}` is the former name of `{renamed[old]}`: set one of them")
        return {renamed.get(key, key): value for key, value in values.items()}


def option(
    default: Any,
    description: str,
    *,
    flag: str = "",
    identity: bool = True,
    formerly: str = "",
    **constraints: Any,
) -> Any:
    """A recipe key.

    Args:
        default: its value where nothing sets it.
        description: its help text.
        flag: its command-line flag, for the few that have one.
        identity: whether it decides the result; keys of the machine (device, workers) do not.
        formerly: an older name of the key, which recipes and saved runs may still use.
        **constraints: of pydantic's `Field`.
    """
    extra: JsonDict = {"flag": flag, "identity": identity, "formerly": formerly}
    return Field(default, description=description, json_schema_extra=extra, **constraints)


Items = TypeVar("Items", bound=tuple[Any, ...])


def listed(value: object) -> object:
    """A list from text such as `audio,video`, or from a single number, as the command line gives them."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(","))
    return (value,) if isinstance(value, int | float) else value


def distinct(values: Items) -> Items:
    """A list of which every value is another one: what is swept over twice would count twice.

    Raises:
        ValueError: one comes twice.
    """
    if twice := next((one for place, one in enumerate(values) if one in values[:place]), None):
        raise ValueError(f"{twice} comes twice")
    return values


Schema = TypeVar("Schema", bound=Recipe)


def iter_keys(schema: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    """Every key of a recipe model as ("sync.max_offset", its field), without the tables themselves.

    Where a recipe has a table twice, as the optimisers of an adversarial task, flags set the first one.
    """
    taken: set[str] = set()
    for key, field in _walk(schema, ""):
        flag = flag_of(field)
        if flag in taken:
            repeated = copy(field)
            repeated.json_schema_extra = {**cast(JsonDict, field.json_schema_extra), "flag": ""}
            yield key, repeated
        else:
            yield key, field
        taken |= {flag} - {""}


def _walk(schema: type[BaseModel], prefix: str) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in schema.model_fields.items():
        table = _table_of(field)
        if table is None:
            yield prefix + name, field
        else:
            yield from _walk(table, f"{prefix}{name}.")


def _table_of(field: FieldInfo) -> type[BaseModel] | None:
    candidates = (field.annotation, *get_args(field.annotation))
    return next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)


def flag_of(field: FieldInfo) -> str:
    """The command-line flag of a key, or an empty string."""
    return str(_mark(field, "flag") or "")


def identity(recipe: Recipe) -> dict[str, Any]:
    """The settings of a recipe that decide a result, nested, as JSON has them."""
    return _without_machine(type(recipe), recipe.model_dump(mode="json"))


def _without_machine(schema: type[BaseModel], values: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for name, field in schema.model_fields.items():
        table, value = _table_of(field), values[name]
        if table is not None and isinstance(value, Mapping):
            found[name] = _without_machine(table, value)
        elif _mark(field, "identity") is not False:
            found[name] = value
    return found


def _mark(field: FieldInfo, name: str) -> Any:
    """What `option` notes of a key."""
    extra = field.json_schema_extra
    return extra.get(name) if isinstance(extra, dict) else None


def load(
    schema: type[Schema],
    *,
    recipe: Path | None = None,
    settings: Sequence[str] = (),
    flags: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Schema:
    """Resolves a recipe from all of its sources.

    Args:
        schema: the recipe model of the command.
        recipe: a TOML file, or None for the defaults alone.
        settings: `key=value` texts of `--set`, the value in TOML ("optimizer.lr=1e-4", "vad=webrtc").
        flags: dotted key → value of the flags that the user gave; None stands for "not given".
        environment: where `AVTOOL_SYNC__MAX_OFFSET`-like variables are looked up.

    Raises:
        BadInputError: the file or a value is wrong; every problem is named in one message.
    """
    values = _present_names(schema, read_recipe_file(recipe)) if recipe else {}
    values.pop("command", None)
    for key, _ in iter_keys(schema):
        variable = ENVIRONMENT_PREFIX + key.replace(".", "__").upper()
        if variable in environment and variable not in _NOT_SETTINGS:
            _put(values, key, parse_value(environment[variable]))
    for text in settings:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise BadInputError(
                f"`--set {text}` is not of the form key=value", "write `--set sync.vad=webrtc`"
            )
        _put(values, _present_key(schema, key.strip()), parse_value(value.strip()))
    given = {key: value for key, value in (flags or {}).items() if value is not None}
    for key, value in given.items():
        _put(values, key, value)
    origin = f"{recipe} with --set" if recipe and settings else str(recipe or "the settings")
    written = {key: flag_of(field) for key, field in iter_keys(schema) if key in given}
    return validate(schema, values, origin=origin, flags=written)


def validate(
    schema: type[Schema], values: Mapping[str, Any], origin: str, flags: Mapping[str, str] | None = None
) -> Schema:
    """Checks plain values against a recipe model, with all problems in one error.

    Args:
        schema: the recipe model.
        values: nested, as TOML has them.
        origin: of the values, for messages.
        flags: keys that were given by flags, which problems with them name.

    Raises:
        BadInputError: a value is wrong, or a key unknown.
    """
    try:
        return schema.model_validate(values)
    except ValidationError as error:
        known = [key for key, _ in iter_keys(schema)]
        problems, hints = [], []
        found = error.errors(include_url=False, include_context=False)
        # A list whose items are refused is too short as well: that is the same fault.
        inside = {item["loc"][:end] for item in found for end in range(len(item["loc"]))}
        found = [one for one in found if one["type"] != "too_short" or one["loc"] not in inside]
        for item in found[:_MAX_PROBLEMS]:
            key = _named([str(part) for part in item["loc"] if not _is_union_tag(part)], flags or {})
            if item["type"] == "extra_forbidden":
                problems.append(f"unknown key `{key}`")
                hints.append(nearest_hint(key, known, "avtool recipes show"))
            elif item["type"] == "value_error":  # our own sentence, which names the value itself
                message = item["msg"].removeprefix("Value error, ")
                named = isinstance(item["input"], Mapping) or key.rpartition(".")[2] in message
                problems.append(message if named else f"`{key}`: {message}")
            else:
                problems.append(f"`{key}`: {item['msg'][:1].lower()}{item['msg'][1:]}, got {item['input']!r}")
        if len(found) > _MAX_PROBLEMS:
            problems.append(f"and {len(found) - _MAX_PROBLEMS} more")
        raise BadInputError(f"{origin}: {'; '.join(problems)}", "; ".join(dict.fromkeys(hints))) from error


def _named(parts: Sequence[str], flags: Mapping[str, str]) -> str:
    """A key as the user wrote it: the flag that gave it, or the key itself."""
    whole = [".".join(parts[:end]) for end in range(len(parts), 0, -1)]
    return next((flags[key] for key in whole if flags.get(key)), whole[0] if whole else "")


def _is_union_tag(part: object) -> bool:
    return isinstance(part, str) and ("[" in part or part in {"int", "float", "str", "bool"})


def _former_names(schema: type[BaseModel]) -> dict[str, str]:
    """The former names of a model's own keys, and the present ones."""
    return {old: name for name, field in schema.model_fields.items() if (old := _mark(field, "formerly"))}


def _present_names(schema: type[BaseModel], values: Mapping[str, Any]) -> dict[str, Any]:
    """A file's values under the present names, so that `--set` and flags win over either name.

    Where a file has both names of a key they are left, and refused when the values are checked.
    """
    renamed, found = _former_names(schema), {}
    for key, value in values.items():
        name = key if (now := renamed.get(key, key)) in values else now
        field = schema.model_fields.get(name)
        table = _table_of(field) if field else None
        found[name] = _present_names(table, value) if table and isinstance(value, Mapping) else value
    return found


def _present_key(schema: type[BaseModel], key: str) -> str:
    """A dotted key by its present name."""
    first, dot, rest = key.partition(".")
    name = _former_names(schema).get(first, first)
    field = schema.model_fields.get(name)
    table = _table_of(field) if field else None
    return name + dot + (_present_key(table, rest) if table and rest else rest)


def parse_value(text: str) -> Any:
    """A value written in TOML, or the text itself where it is not TOML (so `vad=webrtc` needs no quotes)."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):  # no TOML, a number of thousands of digits, or thousands of brackets
        return text


def _put(values: dict[str, Any], key: str, value: Any) -> None:
    *tables, name = key.split(".")
    for table in tables:
        values = values.setdefault(table, {})
        if not isinstance(values, dict):
            raise BadInputError(f"`{key}`: `{table}` is a value, not a table")
    values[name] = value


def read_recipe_file(path: Path, _seen: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Reads a recipe file and those that it extends, nearest last: files beside it, or shipped ones by name.

    Raises:
        BadInputError: a file is missing, too large, not TOML, or extends itself.
    """
    if "\0" in str(path):
        raise BadInputError(f"recipe `{str(path)!r:.80}` is no file's name", "correct the `extends` line")
    resolved = Path(os.path.realpath(path))
    if resolved in _seen:
        raise BadInputError(f"recipe `{path}` extends itself", "remove one of the `extends` lines")
    if len(_seen) >= _MAX_PARENTS:
        raise BadInputError(f"recipe `{path}` is the {_MAX_PARENTS}th that another extends", "join them")
    try:
        if path.exists() and not path.is_file():  # a pipe or a device may never end
            raise BadInputError(f"recipe `{path}` is no regular file", "give a TOML file")
        if path.stat().st_size > _MAX_RECIPE_BYTES:
            raise BadInputError(f"recipe `{path}` is larger than 1 MiB", "is it a recipe?")
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInputError(
            f"cannot read recipe `{path}`: {error.strerror}", "`avtool recipes list` shows them"
        ) from error
    except (ValueError, RecursionError) as error:  # numbers and nesting without bounds among them
        raise BadInputError(f"recipe `{path}` is not TOML: {error}") from error
    parent = values.pop("extends", None)
    if parent is None:
        return values
    if not isinstance(parent, str):
        raise BadInputError(f"recipe `{path}`: `extends` is {parent!r:.60}", "name one TOML file")
    return _merge(read_recipe_file(extended_file(path, parent), (*_seen, resolved)), values)


def extended_file(path: Path, parent: str) -> Path:
    """The file that a recipe extends: relative to its own, or the shipped recipe of that name."""
    beside = path.parent / parent
    shipped = recipes_folder() / f"{parent.removesuffix('.toml')}.toml"
    is_shipped = parent.removesuffix(".toml") in list_recipes()
    return shipped if is_shipped and not is_file(beside) else beside


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        both_tables = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merge(merged[key], value) if both_tables else value
    return merged
