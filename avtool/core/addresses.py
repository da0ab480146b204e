"""Addresses: names such as `s3://bucket/run`, and the fsspec file systems that open them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from avtool.core.errors import AvtoolError, BadInputError, MissingError
from avtool.core.files import without_passwords
from avtool.core.requirements import require

# A manifest may come from anybody: of fsspec's file systems only those that fetch plain files are opened.
LIBRARIES = {
    "file": "",
    "memory": "",
    "http": "aiohttp",
    "https": "aiohttp",
    "s3": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "az": "adlfs",
    "abfs": "adlfs",
    "abfss": "adlfs",
    "hf": "huggingface_hub",
}
"""The protocols, and the package that each needs."""

_LONGEST_NAME = 100
_FOLDED = re.compile(r"([a-z][a-z0-9+.-]+):/(.*)", re.DOTALL)


def is_address(name: str) -> bool:
    """Whether a name is an fsspec address, and no path."""
    return "://" in name


def address_of(path: Path) -> str:
    """The address that a path was made of, which `Path` folds to `s3:/bucket/run`; empty for other paths.

    An empty part of a key (`s3://bucket/a//b`) is lost. What lies in a folder named `s3:` is a path.
    """
    found = _FOLDED.fullmatch(str(path))
    if not found or Path(f"{found[1]}:").is_dir():
        return ""
    return f"{found[1]}://{'/' if found[1] == 'file' else ''}{found[2]}"


def check_protocol(name: str) -> str:
    """The protocol of an address.

    Raises:
        BadInputError: it is not known, or the address names no place, or a file of another machine.
    """
    protocol = name.partition("://")[0]
    if protocol not in LIBRARIES or "::" in name:
        known = ", ".join(sorted(LIBRARIES))
        shown = without_passwords(name)
        raise BadInputError(f"`{shown}` cannot be opened: unknown protocol", f"use one of {known}, or a path")
    check_place(name)
    return protocol


def check_place(name: str) -> None:
    """Refuses an address that lacks its place, as that of a variable that is not set; other names pass.

    Raises:
        BadInputError: nothing or no host follows `s3://`, or `file://` is followed by another machine.
    """
    protocol, _, rest = name.partition("://")
    if not is_address(name) or protocol not in LIBRARIES:
        return
    shown, (host, _, path) = without_passwords(name), rest.partition("/")
    if protocol == "file" and host not in {"", "localhost"}:
        hint = f"a path of this machine has three slashes: `file:///{host}/{path}`"
        raise BadInputError(f"`{shown}` is a file of another machine, `{host}`", without_passwords(hint))
    in_host = protocol not in {"file", "memory"}
    if not (host if in_host else host + path).strip("/"):
        raise BadInputError(f"`{shown}` names no place", f"write one after `{protocol}://`")


def file_path(address: str) -> Path:
    """The path that a `file://` address means.

    Raises:
        BadInputError: it names no file, or one of another machine.
    """
    check_place(address)
    rest = address.partition("://")[2]
    path = Path("/" + rest.partition("/")[2])  # after the host, which is empty or this machine
    return path if path.exists() else Path(unquote(str(path)))


def file_name(rest: str) -> str:
    """The name of a copy: what follows from it (suffix, title) follows from the address's last part."""
    last = PurePosixPath(unquote(rest.partition("?")[0])).name[-_LONGEST_NAME:]
    plain = "".join(letter if letter.isalnum() or letter in "-_. " else "_" for letter in last)
    return plain if plain.strip(".") else "media"


@contextmanager
def opened(address: str, action: str = "read") -> Iterator[tuple[Any, str]]:
    """The file system of an address, and the path in it; what fails in the block is one error.

    Args:
        address: of a known protocol.
        action: what is done, for the message: "read", "written".

    Raises:
        BadInputError: the address does not exist, or the file system refuses.
        MissingError: the library of its protocol is not installed.
    """
    protocol, shown = check_protocol(address), without_passwords(address)
    try:
        system, path = require("fsspec.core").url_to_fs(address)
        yield system, str(path).rstrip("/")
    except AvtoolError:
        raise
    except ImportError as error:
        library = LIBRARIES[protocol]
        message = f"`{shown}` needs `{library}`, which is not installed"
        raise MissingError(message, f"pip install {library}") from error
    except FileNotFoundError as error:
        raise BadInputError(f"`{shown}` does not exist", "check the address") from error
    except Exception as error:  # each protocol's library has errors of its own
        raise refused(address, action, error) from error


def refused(address: str, action: str, error: Exception) -> BadInputError:
    """The error to show where the file system of an address refuses."""
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    message = f"`{without_passwords(address)}` cannot be {action}: {without_passwords(reason)}"
    return BadInputError(message, "check the address, the credentials and the network")
