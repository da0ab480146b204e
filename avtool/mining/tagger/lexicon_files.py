"""Reading lexicons: the package's own, and a file of the user that extends it."""

import tomllib
from collections.abc import Iterable
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from rapidfuzz import process

from avtool.core.errors import BadInputError
from avtool.mining.tagger.lexicon import Lexicon
from avtool.mining.tagger.lexicon_builder import LexiconBuilder, Tables

# Sections whose values are lists of words, and sections that give one word for another.
_LISTS = (
    "sounds",
    "sound_nouns",
    "sound_forms",
    "sources",
    "source_plurals",
    "source_roles",
    "qualities",
    "states",
    "music",
    "speech",
    "words",
    "prepositions",
    "names",
    "forget",
)
_ALIASES = ("sound_aliases", "sound_noun_aliases", "source_aliases", "quality_aliases", "implied")


LANGUAGES = ("en", "de", "es", "fr")
"""Languages with a lexicon in the package; all but English are small."""


@lru_cache(maxsize=8)
def load_lexicon(path: Path | None = None, language: str = "en") -> Lexicon:
    """The lexicon of the package, extended (and where they differ, overridden) by a user's file.

    Args:
        path: the user's file, or None.
        language: that of the captions (BCP 47): its words are added where the package has them.

    Raises:
        BadInputError: the file is absent, is not TOML, or has a section or a value that means nothing.
    """
    builder = LexiconBuilder()
    builder.add(_packaged_tables())
    primary = language.partition("-")[0]
    if primary in LANGUAGES and primary != "en":
        file = resources.files("avtool.mining.tagger") / "lexicon" / "languages" / f"{primary}.toml"
        builder.add_language(tomllib.loads(file.read_text(encoding="utf-8")))
    if path is not None:
        builder.add(_read_tables(path))
    return builder.build()


def _packaged_tables() -> Tables:
    """The files of the package as one, so that their order does not matter."""
    folder = resources.files("avtool.mining.tagger") / "lexicon"
    files = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name
    )
    return _merge(tomllib.loads(file.read_text(encoding="utf-8")) for file in files)


def _merge(many: Iterable[Tables]) -> Tables:
    merged: dict[str, dict[str, Any]] = {}
    for tables in many:
        for section, values in tables.items():
            merged.setdefault(section, {}).update(values)
    return merged


def _read_tables(path: Path) -> Tables:
    """A user's tables, checked and in lower case."""
    hint = "a lexicon is a TOML file; docs/explanation/tagger.md shows its sections"
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInputError(f"cannot read the lexicon `{path}`: {error.strerror}", hint) from error
    except ValueError as error:  # TOML syntax, or bytes that are not UTF-8
        raise BadInputError(f"the lexicon `{path}` is not a TOML file: {error}", hint) from error
    for section, values in tables.items():
        if section not in _LISTS + _ALIASES:
            nearest = process.extractOne(section, _LISTS + _ALIASES)[0]
            message = f"the lexicon `{path}` has an unknown section `{section}`"
            raise BadInputError(message, f"did you mean `{nearest}`?")
        if not isinstance(values, dict):
            raise BadInputError(f"the lexicon `{path}`: `{section}` must be a section, not a value", hint)
        for key, value in values.items():
            _check_value(path, section, key, value)
    return {
        section: {key.lower() if section in _ALIASES else key: _lower(value) for key, value in values.items()}
        for section, values in tables.items()
    }


def _check_value(path: Path, section: str, key: str, value: object) -> None:
    is_list = isinstance(value, list) and all(isinstance(word, str) for word in value)
    if isinstance(value, str) or (is_list and section not in _ALIASES):
        return
    wanted = "one word or phrase" if section in _ALIASES else "words separated by commas, or a list of them"
    message = f"the lexicon `{path}`: `{section}.{key}` must be {wanted}"
    raise BadInputError(message, "docs/explanation/tagger.md shows the sections")


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else [word.lower() for word in value]
