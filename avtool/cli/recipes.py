"""`avtool recipes`: the shipped settings files."""

import json
import os
import re
from pathlib import Path
from typing import Annotated

import typer

from avtool.cli.command import SCHEMAS, command, verb_app
from avtool.cli.completion import complete_recipes
from avtool.cli.session import Session
from avtool.core import paths
from avtool.core.errors import BadInputError
from avtool.core.files import write_text
from avtool.core.recipe import Recipe, extended_file, iter_keys, read_recipe_file, validate

app = verb_app("recipes", "avtool recipes list", "avtool recipes copy finetune/esc50-cnn mine.toml")
_EXTENDS = re.compile(r"""^extends\s*=\s*["']([^"'\n]+)["']""", re.MULTILINE)
Name = Annotated[
    str,
    typer.Argument(
        help="A shipped recipe's name, or a TOML file.", metavar="RECIPE", autocompletion=complete_recipes
    ),
]


@command(app, "list")
def list_(session: Session) -> None:
    """List the shipped recipes with their summaries."""
    names = paths.list_recipes()
    summaries = [_summary(paths.find_recipe(name)) for name in names]
    session.table(["recipe", "summary"], list(zip(names, summaries, strict=True)))
    session.emit({"recipes": dict(zip(names, summaries, strict=True))})


@command(app, "show")
def show(session: Session, recipe_file: Name) -> None:
    """Show a resolved recipe: every key with its value and meaning."""
    path = paths.find_recipe(recipe_file)
    verb, resolved = check_recipe(path)
    values = resolved.model_dump(mode="json")
    rows = [(key, _lookup(values, key), field.description or "") for key, field in iter_keys(type(resolved))]
    session.table(["key", "value", "meaning"], rows, title=f"{recipe_file} (avtool {verb})")
    session.emit({"command": verb, "file": path, "settings": values})


@command(app, "copy")
def copy(
    session: Session,
    recipe_file: Name,
    to: Annotated[Path, typer.Argument(help="The file to write.", metavar="FILE")],
) -> None:
    """Copy a recipe to a file, for editing."""
    source = paths.find_recipe(recipe_file)
    if to.exists():
        raise BadInputError(f"`{to}` exists already", "choose another name")
    if to.suffix != ".toml":
        raise BadInputError(f"`{to}` has another suffix than .toml", f"write `{to.name}.toml`")
    text = _EXTENDS.sub(lambda found: _extends(source, found[1], to), source.read_text(encoding="utf-8"))
    write_text(to, text)
    session.emit({"recipe": to}, text=str(to))


@command(app, "check")
def check(session: Session, recipe_file: Name) -> None:
    """Check a recipe; name every unknown key and wrong value."""
    path = paths.find_recipe(recipe_file)
    verb, _ = check_recipe(path)
    session.emit({"command": verb, "file": path, "ok": True}, text=f"{path}: fine, for `avtool {verb}`")


def check_recipe(path: Path) -> tuple[str, Recipe]:
    """Reads a recipe file in full: its command and its resolved settings.

    Raises:
        BadInputError: it names no command, or a value is wrong.
    """
    values = read_recipe_file(path)
    command_name = values.pop("command", None)
    if not isinstance(command_name, str):
        message = f"recipe `{path}` names no command"
        raise BadInputError(message, 'add a line such as command = "mine-subtitles"')
    return command_name, validate(SCHEMAS.find(command_name), values, origin=f"recipe `{path}`")


def _extends(source: Path, parent: str, to: Path) -> str:
    """The line by which a copy elsewhere extends the same recipe: a shipped one by its name."""
    file, folder = extended_file(source, parent).resolve(), paths.recipes_folder().resolve()
    if file.is_relative_to(folder):
        name = file.relative_to(folder).with_suffix("").as_posix()
    else:
        name = Path(os.path.relpath(file, to.absolute().parent)).as_posix()
    return f"extends = {json.dumps(name)}"


def _summary(path: Path) -> str:
    first = path.read_text(encoding="utf-8").split("\n", 1)[0]
    return first.removeprefix("#").strip()


def _lookup(values: object, key: str) -> object:
    for part in key.split("."):
        values = values[part] if isinstance(values, dict) else None
    return "" if values is None else values
