"""What other libraries read from a user's folder: whatever they raise over it is one clean error."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from avtool.core.errors import AvtoolError, BadInputError

_VOCABULARIES = ("tokenizer.json", "vocab.*", "*.model")
_LONGEST = 160
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@contextmanager
def read_by_others(what: str, hint: str = "", error: type[AvtoolError] = BadInputError) -> Iterator[None]:
    """Turns what a library raises inside the block into one error.

    A configuration that does not fit ends in a library's own kinds of exceptions, in a ZeroDivisionError, or
    in an unknown key: they have no class in common.

    Args:
        what: the problem, with the file's name; the library's reason follows it.
        hint: the remedy.
        error: the kind of error.
    """
    try:
        yield
    except (AvtoolError, MemoryError):
        raise
    except Exception as problem:
        reason = " ".join(_COLOURS.sub("", str(problem)).split())[:_LONGEST] or type(problem).__name__
        raise error(f"{what} ({reason})", hint) from problem


def check_vocabulary(folder: Path, error: type[AvtoolError] = BadInputError) -> None:
    """Refuses a folder without a tokenizer's vocabulary: transformers would take an empty one without a word.

    Args:
        folder: of transformers.
        error: the kind of error.
    """
    if not any(path.is_file() for pattern in _VOCABULARIES for path in folder.glob(pattern)):
        message = f"`{folder}` holds no tokenizer: none of {', '.join(_VOCABULARIES)} is there"
        raise error(message, "save one there: tokenizer.save_pretrained")
