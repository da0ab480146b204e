"""Arguments that name many things: themselves, or `-` for stdin."""

import sys
from collections.abc import Sequence


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
