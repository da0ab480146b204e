"""The entry point: verbs loaded on use, errors in one line, exit codes.

`avtool --help` must feel instant, so the help page is made from `VERBS` and a verb's module is imported only
when the verb is used.
"""

import contextlib
import io
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import typer
from typer.exceptions import Abort, TyperException

from avtool.cli.help import CONTEXT, HelpGroup
from avtool.cli.verbs import VERBS, load_verb
from avtool.core.addresses import check_place
from avtool.core.errors import AvtoolError, BadInputError, ExitCode
from avtool.core.files import outside_problem, write_problem
from avtool.core.requirements import missing_library
from avtool.core.version import __version__
from avtool.core.writers import release_all


class _LazyGroup(HelpGroup):
    """A command group that imports the module of a verb when the verb is used."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = dict.fromkeys(VERBS)  # type: ignore[assignment]  # the names, for did-you-mean

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        if cmd_name not in VERBS:
            return None
        if self.commands[cmd_name] is None:
            self.commands[cmd_name] = typer.main.get_command(load_verb(cmd_name))
        return self.commands[cmd_name]

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        for section in dict.fromkeys(verb.section for verb in VERBS.values()):
            with formatter.section(section):
                formatter.write_dl(
                    [(name, verb.summary) for name, verb in VERBS.items() if verb.section == section]
                )


def _version(show: bool) -> None:
    if show:
        print(f"avtool {__version__}")  # noqa: T201
        raise typer.Exit


app = typer.Typer(cls=_LazyGroup, context_settings=CONTEXT, rich_markup_mode=None, no_args_is_help=True)


@app.callback(epilog="avtool demo\navtool finetune --help")
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version."
    ),
) -> None:
    """Audio-visual learning: sound events mined from captions, pretraining, fine-tuning, evaluation."""


def main() -> NoReturn:
    """Runs the command line and ends the process with its exit code."""
    signal.signal(signal.SIGTERM, _terminate)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names that are not in UTF-8, and terminals that are not
            stream.reconfigure(errors="backslashreplace")
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = _mute_stdout()
    except OSError as error:
        _mute_stdout()
        code = _show(outside_problem(error) or write_problem(Path("stdout"), error))
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Runs one command line in this process and returns its exit code."""
    try:
        for argument in arguments:  # before paths fold them: `file://host/a` and `file:///host/a` are one
            check_place(argument.partition("=")[2] if argument.startswith("--") else argument)
        return int(app(list(arguments), prog_name="avtool", standalone_mode=False) or ExitCode.DONE)
    except AvtoolError as error:
        return _show(error)
    except TyperException as error:
        return _usage_error(error)
    except BrokenPipeError:
        return _mute_stdout()
    except (Abort, KeyboardInterrupt):
        return ExitCode.INTERRUPTED
    except SystemExit as stop:
        if isinstance(stop.__context__, BrokenPipeError):  # typer ends the process with 1 here
            return _mute_stdout()
        return stop.code if isinstance(stop.code, int) else ExitCode.DONE
    except MemoryError:
        return _show(BadInputError("out of memory", "lower --jobs, or free some memory"))
    except Exception as error:  # noqa: BLE001 - the outermost frame: whatever arrives here is our fault
        problem = _outside_cause(error)
        return _show(problem) if problem else _our_fault(error)
    finally:
        release_all()


def _outside_cause(error: Exception) -> AvtoolError | None:
    """The error to show where the system or a name is the cause, wherever it struck; else None."""
    if isinstance(error, OSError):
        return outside_problem(error)
    if isinstance(error, ModuleNotFoundError):
        return missing_library(error)
    if isinstance(error, UnicodeEncodeError):
        name = error.object.encode("utf-8", "backslashreplace").decode()
        return BadInputError(f"a name is not in UTF-8: `{name:.200}`", "rename it")
    if isinstance(error, ValueError) and "embedded null" in str(error):
        return BadInputError("a name holds a NUL character", "correct it")
    if isinstance(error, ValueError) and "integer string conversion" in str(error):
        return BadInputError("a number of an input has thousands of digits", "correct it")
    if isinstance(error, RecursionError) and _is_in_parser(error):
        return BadInputError("an input is nested too deeply", "is it what the command reads?")
    return None


def _is_in_parser(error: RecursionError) -> bool:
    place = Path(traceback.extract_tb(error.__traceback__)[-1].filename)
    return place.parent.name in {"json", "tomllib"}


def _show(error: AvtoolError) -> int:
    from avtool.core.console import ConsoleReporter

    with contextlib.suppress(OSError):  # a full disk, or a terminal that has gone
        ConsoleReporter().error(error)
    return error.exit_code


def _usage_error(error: TyperException) -> int:
    message = error.format_message().replace(": Value error, ", ": ")  # of pydantic, for choices
    from avtool.cli.command import common_flags

    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        print(message)  # noqa: T201 - the help page, as no argument was given
        return ExitCode.BAD_INPUT
    hint = f"`{context.command_path} --help` shows how" if context else ""
    option = getattr(error, "option_name", "")
    if context and isinstance(context.command, HelpGroup) and option in common_flags():
        hint = f"write it after the command: {context.command_path} COMMAND {option}"
    return _show(BadInputError(message[:1].lower() + message[1:].rstrip("."), hint))


def _our_fault(error: Exception) -> int:
    """Writes the traceback to a log, and one line about it. Nothing in here may fail in its turn."""
    hint = "run again with --debug to see where"
    summary = type(error).__name__
    with contextlib.suppress(Exception):
        text = " ".join(str(error).split())
        summary += f": {text.encode('utf-8', 'backslashreplace').decode()}"
    with contextlib.suppress(Exception):
        text = traceback.format_exc()
        if os.environ.get("AVTOOL_DEBUG"):
            sys.stderr.write(text)
        hint = f"see `{_write_log(text)}` and please report it"
    with contextlib.suppress(Exception):
        _show(AvtoolError(f"internal error: {summary}", hint))
    return ExitCode.OUR_FAULT


def _write_log(text: str) -> Path:
    from avtool.core.paths import cache_folder

    log = cache_folder() / "last-crash.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    content = f"avtool {__version__}: {' '.join(sys.argv)}\n\n{text}"
    log.write_text(content, encoding="utf-8", errors="backslashreplace")
    return log


def _mute_stdout() -> int:
    """After a broken pipe: keeps Python from complaining once more when it flushes stdout at exit."""
    with contextlib.suppress(OSError, ValueError):  # a stdout that is no file needs no muting
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return ExitCode.BROKEN_PIPE


def _terminate(signum: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
    sys.exit(ExitCode.TERMINATED)
