"""Commands: a function and its recipe model become a subcommand with the same options as every other.

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
from pydantic.fields import FieldInfo

from avtool.cli.addresses import call
from avtool.cli.completion import COMPLETED_KEYS, keys_of, recipes_of
from avtool.cli.help import CONTEXT, HelpCommand, HelpGroup
from avtool.cli.session import Session
from avtool.cli.verbs import VERBS
from avtool.core import paths
from avtool.core.parallel import run_on
from avtool.core.recipe import Recipe, flag_of, iter_keys, load, parse_value
from avtool.core.registry import Registry

SCHEMAS: Registry[type[Recipe]] = Registry("command with a recipe", "avtool --help")
"""The recipe model of each command that has one, by the command's words: `pretrain avt`."""
SCHEMAS.live_in("avtool.cli")

_KEYWORD = inspect.Parameter.KEYWORD_ONLY
_common = functools.partial(typer.Option, rich_help_panel="Common options")
_recipe = functools.partial(typer.Option, rich_help_panel="Recipe")
_COMMON: dict[str, tuple[Any, Any]] = {
    "json": (bool, _common(False, "--json", help="Print one JSON object on stdout.")),
    "quiet": (bool, _common(False, "--quiet", "-q", help="Print warnings and errors only.")),
    "verbose": (
        int,
        _common(0, "--verbose", "-v", count=True, show_default=False, help="Print more detail."),
    ),
    "log_file": (Path | None, _common(None, "--log-file", help="Append every message to this file too.")),
    "no_progress": (bool, _common(False, "--no-progress", help="Hide the progress bar.")),
    "debug": (bool, _common(False, "--debug", help="Print the traceback of an internal error.")),
}
_CLUSTER: dict[str, tuple[Any, Any]] = {
    "engine": (
        Literal["local", "dask"],
        typer.Option("local", help="Run the processes here, or on a Dask cluster."),
    ),
    "scheduler": (str, typer.Option("", help="Address of the Dask scheduler: tcp://host:port.")),
}


def common_flags() -> frozenset[str]:
    """The flags that every verb has, such as `-q`."""
    return frozenset(flag for _, option in _COMMON.values() for flag in option.param_decls)


def verb_app(name: str, *examples: str, cls: type[HelpGroup] = HelpGroup) -> typer.Typer:
    """The application of a verb; `command` adds its function, or those of its subcommands.

    Args:
        name: of a row of `VERBS`.
        examples: command lines for the help page.
        cls: of the group that subcommands make.
    """
    return typer.Typer(
        name=name,
        cls=cls,
        help=VERBS[name].summary,
        epilog="\n".join(examples),
        context_settings=CONTEXT,
        rich_markup_mode=None,
        add_completion=False,
        no_args_is_help=False,
    )


def command(
    app: typer.Typer,
    name: str | None = None,
    *,
    resumable: bool = False,
    on_cluster: bool = False,
    to_address: bool = False,
    recipe: type[Recipe] | None = None,
    cls: type[HelpCommand] = HelpCommand,
) -> Callable[[Callable[..., int | None]], Callable[..., int]]:
    """Registers a function as (a subcommand of) `app`; it returns its exit code or None for success.

    Args:
        app: of `verb_app`.
        name: the subcommand; None takes the function as the verb itself, or its name as the subcommand.
        resumable: an interrupted run continues when its command is repeated, and prints that.
        on_cluster: its parallel work may run on a Dask cluster: adds `--engine` and `--scheduler`.
        to_address: its `--out` may be an address, such as `s3://bucket/run`.
        recipe: the recipe model of a command that is made while avtool runs; None takes the annotation.
        cls: of the command.
    """

    def decorate(function: Callable[..., int | None]) -> Callable[..., int]:
        hints = get_type_hints(function, include_extras=True)
        schema = recipe or hints.get("recipe")
        if schema and not recipe:
            SCHEMAS.add(f"{app.info.name} {name}" if name else str(app.info.name), schema)
        own = [
            parameter.replace(annotation=hints[parameter.name], kind=_KEYWORD)
            for parameter in inspect.signature(function).parameters.values()
            if parameter.name not in {"session", "recipe"}
        ]
        shared = {**(_CLUSTER if on_cluster else {}), **_COMMON}
        added = _recipe_parameters(schema, str(app.info.name)) if schema else []
        added += [inspect.Parameter(n, _KEYWORD, default=d, annotation=a) for n, (a, d) in shared.items()]

        @functools.wraps(function)
        def wrapper(**given: Any) -> int:
            if given.pop("debug"):
                os.environ["AVTOOL_DEBUG"] = "1"
            session = Session.from_options(**{key: given.pop(key) for key in _COMMON if key != "debug"})
            if schema:
                given["recipe"] = _resolve(schema, given)
            engine = [given.pop(name) for name in _CLUSTER] if on_cluster else ["local"]
            try:
                with run_on(*engine):
                    return call(function, session, given, sends=to_address)
            except KeyboardInterrupt as stop:
                if not stop.args:  # nobody has reported it
                    more = ": finished work is kept, repeat the command to resume it" if resumable else ""
                    session.reporter.warn(f"interrupted{more}")
                raise

        signature = inspect.Signature([*own, *added], return_annotation=int)
        wrapper.__signature__ = signature  # type: ignore[attr-defined]
        wrapper.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
        examples = None if name else app.info.epilog
        app.command(name, cls=cls, epilog=examples, context_settings=CONTEXT)(wrapper)
        return wrapper

    return decorate


def _recipe_parameters(schema: type[Recipe], verb: str) -> list[inspect.Parameter]:
    """The flags of a recipe: the whole of it, then those of its keys, a section a table."""
    whole = {
        "recipe_name": (
            str | None,
            _recipe(
                None,
                "--recipe",
                help="A recipe file, or the name of a shipped recipe.",
                autocompletion=recipes_of(verb),
            ),
        ),
        "settings": (
            list[str] | None,
            _recipe(
                None,
                "--set",
                help="Set a recipe key: KEY=VALUE. Repeatable.",
                autocompletion=keys_of(schema),
            ),
        ),
    }
    parameters = [inspect.Parameter(n, _KEYWORD, default=d, annotation=a) for n, (a, d) in whole.items()]
    for flag, (key, field) in _flags_of(schema).items():
        kind = _flag_type(field.annotation)
        default = _shown(field.default)
        flags = f"{flag}/--no-{flag[2:]}" if kind is bool else flag
        stated = "[default: " in (field.description or "")  # one that depends on other keys
        text = f"{field.description}  [default: {default}]" if default and not stated else field.description
        table = key.rpartition(".")[0]
        option = typer.Option(
            None,
            flags,
            help=text,
            show_default=False,
            rich_help_panel=f"Recipe: {table}" if table else "Recipe",
            autocompletion=COMPLETED_KEYS.get(key),
        )
        parameters.append(inspect.Parameter(_argument(key), _KEYWORD, default=option, annotation=kind | None))
    return parameters


def _flags_of(schema: type[Recipe]) -> dict[str, tuple[str, FieldInfo]]:
    """The keys that have a flag; of two keys with the same, the flag sets the first, outer one."""
    flags: dict[str, tuple[str, FieldInfo]] = {}
    for key, field in iter_keys(schema):
        if flag := flag_of(field):
            flags.setdefault(flag, (key, field))
    return flags


def _argument(key: str) -> str:
    return "flag__" + key.replace(".", "__")


def _flag_type(annotation: Any) -> Any:
    """The type of a recipe key on the command line: a plain type, or text that is parsed like `--set`."""
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
    for key, field in _flags_of(schema).values():
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
