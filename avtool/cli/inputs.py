"""Arguments that name many things: themselves, or `-` for stdin."""

import sys
from collections.abc import Sequence

from avtool.core.errors import BadInputError


def expand_lists(arguments: Sequence[str]) -> list[str]:
    """The arguments, with `-` replaced by the non-empty lines of stdin (`#` begins a comment)."""
    expanded: list[str] = []
    for argument in arguments:
        if argument == "-":
            lines = (line.strip() for line in sys.stdin)
            expanded.extend(line for line in lines if line and not line.startswith("#"))
        else:
            expanded.append(argument)
    return expanded


def need_alone(films: Sequence[str], *, resume: bool, fail_fast: bool) -> None:
    """Makes sure that nothing is given which a watched folder has no use for.

    Raises:
        BadInputError: films, `--overwrite` or `--fail-fast` are given beside `--watch`.
    """
    given = [*(["films"] if films else []), *([] if resume else ["--overwrite"])]
    given += ["--fail-fast"] if fail_fast else []
    if given:
        raise BadInputError(f"--watch goes without {' and '.join(given)}", "the folder holds the films")
