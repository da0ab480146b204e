"""Other libraries: imported on use, or an error with the line that installs them; their logs silenced."""

import importlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from types import ModuleType

from avtool.core.errors import MissingError


def require(module: str, extra: str = "") -> ModuleType:
    """Imports a library that this command needs.

    Args:
        module: the module's import name.
        extra: the extra of avtool that installs it, or "" for a required dependency.

    Raises:
        MissingError: it is not installed, or is broken (such as a torchvision built for another torch).
    """
    package = f"'avtool[{extra}]'" if extra else "avtool"
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name and not module.startswith(error.name):
            raise
        raise MissingError(f"this command needs `{module}`", f"pip install {package}") from error
    except (OSError, RuntimeError) as error:
        first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
        message = f"`{module}` is installed but does not load: {first_line}"
        raise MissingError(message, f"pip install --force-reinstall {package}") from error


@contextmanager
def quiet(name: str) -> Iterator[None]:
    """Silences the loggers below `name` inside the block: what they report is counted by the caller."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(level)


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Silences the notices and bars of transformers inside the block: callers check what was loaded.

    Some of its classes print complaints of their own docstrings to stdout, where data belong.
    """
    from transformers.utils import logging as notices

    level, bars = notices.get_verbosity(), notices.is_progress_bar_enabled()
    notices.set_verbosity_error()  # type: ignore[no-untyped-call]
    notices.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        with redirect_stdout(StringIO()):
            yield
    finally:
        notices.set_verbosity(level)
        if bars:
            notices.enable_progress_bar()  # type: ignore[no-untyped-call]
