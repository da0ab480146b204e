"""Other libraries: imported on use, or an error with the line that installs them; their logs silenced."""

import importlib
import importlib.util
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from types import ModuleType

from avtool.core.errors import MissingError

_EXTRAS = {
    **dict.fromkeys(("torch", "torchaudio", "accelerate", "onnx", "onnxruntime", "sklearn"), "learn"),
    **dict.fromkeys(("timm", "torchvision", "transformers", "huggingface_hub", "h5py", "msgpack"), "hub"),
    **dict.fromkeys(("tensorboard",), "tensorboard"),
}
"""The extra of avtool that installs a library, by import name."""


def is_installed(module: str) -> bool:
    """Whether a library is there, without importing it."""
    return importlib.util.find_spec(module) is not None


def missing_library(error: ModuleNotFoundError) -> MissingError | None:
    """What to print where an import inside a command failed; None where the library is none of an extra.

    Verbs import torch, and what needs it, as if it were there; the command line looks up the failure here.
    """
    library = (error.name or "").partition(".")[0]
    if library not in _EXTRAS:
        return None
    return MissingError(f"this command needs `{library}`", _install_line(_EXTRAS[library]))


def _install_line(extra: str) -> str:
    return f"pip install 'avtool[{extra}]'" if extra else "pip install avtool"


def require(module: str, extra: str = "") -> ModuleType:
    """Imports a library that this command needs.

    Args:
        module: the module's import name.
        extra: the extra of avtool that installs it, or "" for a required dependency.

    Raises:
        MissingError: it is not installed, or is broken (such as a torchvision built for another torch).
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name and not module.startswith(error.name):
            raise
        raise MissingError(f"this command needs `{module}`", _install_line(extra)) from error
    except (OSError, RuntimeError) as error:
        first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
        message = f"`{module}` is installed but does not load: {first_line}"
        hint = _install_line(extra).replace("install", "install --force-reinstall")
        raise MissingError(message, hint) from error


@contextmanager
def quiet(name: str) -> Iterator[None]:
    """Silences the loggers below `name` inside the block: what they report is counted by the caller."""
    names = [name, *(one for one in logging.root.manager.loggerDict if one.startswith(f"{name}."))]
    levels = {one: logging.getLogger(one).level for one in names}  # those below may have levels of their own
    for one in names:
        logging.getLogger(one).setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for one, level in levels.items():
            logging.getLogger(one).setLevel(level)


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
