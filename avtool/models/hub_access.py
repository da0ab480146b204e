"""Access to the Hugging Face hub: quiet, and without retries where there is no network."""

import logging
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from textwrap import shorten
from urllib.parse import urlsplit

from avtool.core.errors import MissingError
from avtool.core.requirements import require

_FILES = ("*.json", "*.txt", "*.safetensors")


def download(name: str, patterns: Sequence[str] = _FILES) -> Path:
    """The folder of a model of the hub, of its cache or downloaded.

    Args:
        name: OWNER/NAME.
        patterns: of the files: by default configuration, tokenizer and safetensors.

    Raises:
        MissingError: it is in neither place, or huggingface_hub is not installed.
    """
    library = require("huggingface_hub", "hub")
    try:
        with hub_access():
            return Path(library.snapshot_download(name, allow_patterns=list(patterns)))
    except Exception as error:  # a name, the network, the disk: whatever the library calls it
        reason = shorten(" ".join(str(error).split()), 120, placeholder=" …") or type(error).__name__
        message = f"`{name}` is not in the hub's cache, and cannot be downloaded ({reason})"
        raise MissingError(message, "connect to the network, or give a folder with its files") from error


@contextmanager
def hub_access() -> Iterator[None]:
    """Downloads inside are looked for in the hub's cache alone where the hub cannot be reached."""
    from huggingface_hub import constants

    logger = logging.getLogger("huggingface_hub")
    level, offline = logger.level, constants.HF_HUB_OFFLINE
    logger.setLevel(logging.ERROR)
    constants.HF_HUB_OFFLINE = offline or not _reachable(constants.ENDPOINT)
    try:
        yield
    finally:
        logger.setLevel(level)
        constants.HF_HUB_OFFLINE = offline


def _reachable(endpoint: str) -> bool:
    """Whether the hub's name is known here; a proxy looks it up itself."""
    from urllib.request import getproxies

    parts = urlsplit(endpoint)
    if parts.scheme in getproxies():
        return True
    try:
        socket.getaddrinfo(parts.hostname, parts.port or 443)
    except OSError:
        return False
    return True
