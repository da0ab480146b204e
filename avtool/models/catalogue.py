"""The catalogue of published weights that avtool can fetch, and their files in the cache."""

import re
from functools import cache
from pathlib import Path

from pydantic import Field

from avtool.core.errors import BadInputError, MissingError
from avtool.core.files import sha256_of
from avtool.core.paths import cache_folder
from avtool.core.recipe import Recipe, option, read_recipe_file, validate
from avtool.core.registry import nearest_hint

_PLAIN_NAME = re.compile(r"[A-Za-z0-9][\w.+-]*")
FOLDER = "published"
"""Of the cache, for fetched weights."""


class CatalogueEntry(Recipe):
    """Published weights."""

    title: str = Field(description="What they are.")
    url: str = Field(description="Of the file, or of a ZIP file that holds it.")
    bytes: int = Field(description="Size of the download.", gt=0)
    sha256: str = Field(description="Of the download.", pattern="^[0-9a-f]{64}$")
    licence: str = Field(description="Of the weights.")
    file: str = Field(description="The file of weights.")
    files: dict[str, str] = Field(description="Name → SHA-256 of every file that is kept.", min_length=1)
    archive: str = option("", "A ZIP file inside the download that holds them.")
    timm: str = option("", "The network of timm that the weights are of.")


@cache
def read_catalogue(path: Path | None = None) -> dict[str, CatalogueEntry]:
    """The entries of avtool's catalogue, or of a file like it, by name.

    Raises:
        BadInputError: the file is no catalogue.
    """
    file = path or Path(__file__).with_name("catalogue.toml")
    found = {}
    for name, values in read_recipe_file(file).items():
        if not isinstance(values, dict):
            raise BadInputError(f"`{file}`: `{name}` is no table", "write [NAME] above its keys")
        entry = validate(CatalogueEntry, values, f"{name} in {file}")
        if wrong := [one for one in (name, *entry.files) if not _PLAIN_NAME.fullmatch(one)]:
            message = f"`{file}`: `{wrong[0]}` is no plain name, and would be a file's or a folder's"
            raise BadInputError(message, "letters, digits, `.`, `_`, `+` and `-`, a letter or a digit first")
        if entry.file not in entry.files:
            raise BadInputError(f"`{file}`: {name}.files must have `{entry.file}`")
        found[name] = entry
    return found


def find_entry(name: str, catalogue: Path | None = None) -> CatalogueEntry:
    """The entry of a name.

    Raises:
        BadInputError: there is none; the message offers the nearest names.
    """
    entries = read_catalogue(catalogue)
    if name not in entries:
        hint = nearest_hint(name, list(entries), "avtool models fetch")
        raise BadInputError(f"no published weights are called `{name}`", hint)
    return entries[name]


def fetched_folder(name: str) -> Path:
    """Where the files of an entry are, once they are fetched."""
    return cache_folder() / FOLDER / name


def fetched_file(name: str) -> Path | None:
    """The fetched file that a name of the catalogue stands for; None for other names.

    Raises:
        MissingError: it has not been fetched.
    """
    entry = read_catalogue().get(name)
    if entry is None:
        return None
    path = fetched_folder(name) / entry.file
    if not path.is_file():
        raise MissingError(f"the weights `{name}` are not on this machine", f"avtool models fetch {name}")
    return path


def entry_of_file(path: Path) -> CatalogueEntry | None:
    """The entry that a file of weights belongs to, by its checksum."""
    known = {entry.files[entry.file]: entry for entry in read_catalogue().values()}
    return known.get(sha256_of(path)) if path.is_file() else None
