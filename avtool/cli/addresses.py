"""Addresses on a command line: artifacts that are read from them, and an output that is written to one."""

import io
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any
from uuid import uuid4

from avtool.cli.session import Session
from avtool.core.addresses import address_of, check_protocol, file_path, is_address
from avtool.core.artifact import settings_hash
from avtool.core.errors import AvtoolError, BadInputError
from avtool.core.files import without_passwords
from avtool.core.recipe import Recipe
from avtool.core.reporter import Reporter

Command = Callable[..., int | None]
"""The function of a command: session and arguments → its exit code, or None for 0."""
_OUTPUTS = frozenset({"out", "to", "watch"})
_WRITTEN = frozenset({"runs", "submission"})
"""Recipe keys that name what is written."""
_NAMES = frozenset({"encoder", "text_encoder"})
"""Recipe keys that hold the name of a published model, or a path or an address of one."""
_NO_SETTINGS = frozenset({"resume", "overwrite", "jobs"})


def with_copies(given: Mapping[str, Any], session: Session) -> dict[str, Any]:
    """The arguments of a command, and the keys of its recipe, with paths in the place of addresses.

    Raises:
        BadInputError: what a recipe key names is written, and has an address.
        AvtoolError: as `local_copy`.
    """
    return {
        name: value if name in _OUTPUTS else _copied(name, value, session.reporter)
        for name, value in given.items()
    }


def _copied(name: str, value: Any, reporter: Reporter) -> Any:
    if isinstance(value, Recipe):
        return _recipe_copied(value, reporter)
    if isinstance(value, list):
        return [_copied(name, one, reporter) for one in value]
    address = address_of(value) if isinstance(value, Path) else ""
    if name in _NAMES and isinstance(value, str) and is_address(value):
        address = value
    if not address:
        return value
    from avtool.core.stored_input import local_copy

    return type(value)(local_copy(address, reporter))


def _recipe_copied(recipe: Recipe, reporter: Reporter) -> Recipe:
    changed = {}
    for key in type(recipe).model_fields:
        value = getattr(recipe, key)
        address = address_of(value) if key in _WRITTEN and isinstance(value, Path) else ""
        if address and check_protocol(address) != "file":
            message = f"`{key}` is the address `{without_passwords(address)}`, and is written on this machine"
            raise BadInputError(message, "name a path")
        if (copy := _copied(key, value, reporter)) != value:
            changed[key] = copy
    return recipe.model_copy(update=changed) if changed else recipe


def call(function: Command, session: Session, given: Mapping[str, Any], *, sends: bool) -> int:
    """Calls the function of a command; what it writes is sent where `--out` is an address.

    Args:
        function: of the command.
        session: of the run.
        given: its arguments.
        sends: whether the command may have an output elsewhere.

    Raises:
        BadInputError: `--out` is an address, and the command takes none, or it cannot be written.
        MissingError: the library of its protocol is not installed.
    """
    given = with_copies(given, session)
    out = given.get("out")
    address = address_of(out) if isinstance(out, Path) else ""
    if address and check_protocol(address) == "file":
        given, address = {**given, "out": file_path(address)}, ""
    if not address:
        return function(session=session, **given) or 0
    if not sends or given.get("watch") is not None:
        message = f"--out `{without_passwords(address)}` is an address, and this command writes to a folder"
        raise BadInputError(message, "name a folder, and copy it there")
    return _send(function, session, given, address)


def _send(function: Command, session: Session, given: dict[str, Any], address: str) -> int:
    from avtool.core.artifact_folder import sent_over
    from avtool.core.stored_output import Printed, StoredOutput

    dry_run = bool(given.get("dry_run"))
    overwrite = bool(given.get("overwrite", not given.get("resume", True)))
    output = StoredOutput(address, _settings(given), overwrite)
    begun = output.begin(dry_run=dry_run)
    printed = begun.printed
    if printed is not None:
        session.reporter.info(f"sending to {output.shown} what an earlier run made")
    else:
        held = io.StringIO()
        try:
            with redirect_stdout(held), sent_over(output.staged, begun.replaced):
                code = function(session=session, **given | {"out": output.staged}) or 0
        except AvtoolError as error:
            output.abandon()
            message, hint = (
                text.replace(str(output.staged), output.shown) for text in (error.message, error.hint)
            )
            error.message, error.hint = message, hint
            raise
        printed = Printed(code, held.getvalue().replace(str(output.staged), output.shown))
    if not dry_run:
        output.finish(printed, session.reporter)
    sys.stdout.write(printed.stdout)
    return printed.code


def _settings(given: Mapping[str, Any]) -> str:
    """A name of what is computed; another one each time where the inputs are named on stdin."""
    values = {name: str(value) for name, value in given.items() if name not in _NO_SETTINGS}
    from_stdin = any(isinstance(value, list) and "-" in value for value in given.values())
    return uuid4().hex if from_stdin else settings_hash(values)
