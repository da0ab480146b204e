"""Builds a subcommand from a function and its recipe model, so that every subcommand has the same manners.

A command function takes a `Session`, optionally its resolved recipe, and its own arguments. The decorator
adds one flag for each recipe key that has one (with the help and the default written in the recipe),
`--recipe`, `--set`, and the common options.
"""

import functools
import inspect
import os
from collections.abc import Callable
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import typer

from avtool.cli.session import Session
from avtool.core import paths
from avtool.core.recipe import Recipe, flag_of, iter_keys, load, parse_value

_KEYWORD = inspect.Parameter.KEYWORD_ONLY
_COMMON: dict[str, tuple[Any, Any]] = {
    "json": (bool, typer.Option(False, "--json", help="Print one JSON object on stdout.")),
    "quiet": (bool, typer.Option(False, "--quiet", "-q", help="Say only warnings and errors.")),
    "verbose": (int, typer.Option(0, "--verbose", "-v", count=True, show_default=False, help="Say more.")),
    "log_file": (Path | None, typer.Option(None, "--log-file", help="Append every line to this file too.")),
    "no_progress": (bool, typer.Option(False, "--no-progress", help="Show no progress.")),
    "debug": (bool, typer.Option(False, "--debug", help="Show the traceback of an internal error.")),
}
_RECIPE: dict[str, tuple[Any, Any]] = {
    "recipe_name": (
        str | None,
        typer.Option(None, "--recipe", help="A recipe file, or a shipped recipe's name."),
    ),
    "settings": (
        list[str] | None,
        typer.Option(None, "--set", help="Set a recipe key: KEY=VALUE. Repeatable."),
    ),
}


def command(
    app: typer.Typer, name: str | None = None
) -> Callable[[Callable[..., int | None]], Callable[..., int]]:
    """Registers a function as (a subcommand of) `app`; it returns its exit code or None for success."""

    def decorate(function: Callable[..., int | None]) -> Callable[..., int]:
        hints = get_type_hints(function, include_extras=True)
        schema = hints.get("recipe")
        own = [
            parameter.replace(annotation=hints[parameter.name], kind=_KEYWORD)
            for parameter in inspect.signature(function).parameters.values()
            if parameter.name not in {"session", "recipe"}
        ]
        added = _recipe_parameters(schema) if schema else []
        added += [inspect.Parameter(n, _KEYWORD, default=d, annotation=a) for n, (a, d) in _COMMON.items()]

        @functools.wraps(function)
        def wrapper(**given: Any) -> int:
            if given.pop("debug"):
                os.environ["AVTOOL_DEBUG"] = "1"
            session = Session.from_options(**{key: given.pop(key) for key in _COMMON if key != "debug"})
            if schema:
                given["recipe"] = _resolve(schema, given)
            return function(session=session, **given) or 0

        signature = inspect.Signature([*own, *added], return_annotation=int)
        wrapper.__signature__ = signature  # type: ignore[attr-defined]
        wrapper.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
        app.command(name)(wrapper)
        return wrapper

    return decorate


def subcommand_app(help_text: str | None = None) -> typer.Typer:
    """An application in the style of all of avtool's subcommands."""
    return typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=False, help=help_text)


def _recipe_parameters(schema: type[Recipe]) -> list[inspect.Parameter]:
    parameters = []
    for key, field in iter_keys(schema):
        if flag := flag_of(field):
            kind = _flag_type(field.annotation)
            default = _shown(field.default)
            flags = f"{flag}/--no-{flag[2:]}" if kind is bool else flag
            text = f"{field.description}  [default: {default}]" if default else field.description
            option = typer.Option(None, flags, help=text, show_default=False)
            parameters.append(
                inspect.Parameter(_argument(key), _KEYWORD, default=option, annotation=kind | None)
            )
    parameters += [inspect.Parameter(n, _KEYWORD, default=d, annotation=a) for n, (a, d) in _RECIPE.items()]
    return parameters


def _argument(key: str) -> str:
    return "flag__" + key.replace(".", "__")


def _flag_type(annotation: Any) -> Any:
    """What the command line reads for a recipe key: a plain type, or text that is parsed like `--set`."""
    if get_origin(annotation) in {Union, UnionType}:
        plain = [part for part in get_args(annotation) if part is not NoneType]
        annotation = plain[0] if len(plain) == 1 else str
    if get_origin(annotation) is Literal:
        return annotation
    return annotation if annotation in {bool, int, float, str, Path} else str


def _shown(default: Any) -> str:
    if default is None or default == "" or default == ():
        return ""
    if isinstance(default, bool):
        return "on" if default else "off"
    return ",".join(str(part) for part in default) if isinstance(default, tuple) else str(default)


def _resolve(schema: type[Recipe], given: dict[str, Any]) -> Recipe:
    name, settings = given.pop("recipe_name"), given.pop("settings")
    flags: dict[str, Any] = {}
    for key, field in iter_keys(schema):
        if flag_of(field):
            value = given.pop(_argument(key))
            text_for_other = isinstance(value, str) and _flag_type(field.annotation) is str
            flags[key] = _parsed(value, field.annotation) if text_for_other else value
    return load(
        schema, recipe=paths.find_recipe(name) if name else None, settings=settings or (), flags=flags
    )


def _parsed(text: str, annotation: Any) -> Any:
    """A flag's text as the recipe key wants it: text stays text, `0.8,0.1,0.1` is a list."""
    if str in {annotation, *get_args(annotation)}:
        return text
    return [parse_value(part.strip()) for part in text.split(",")] if "," in text else parse_value(text)
