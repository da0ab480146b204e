"""Access to the Hugging Face hub: quiet, and without retries where there is no network."""

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit


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
