"""The lexicon: which words name a sound, a source or a quality, read from the TOML files beside this module."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from rapidfuzz import process

from avtool.core.errors import BadInputError
from avtool.mining.tagger.inflection import VerbForm, form_of, plurals, verb_forms

Tables = Mapping[str, Mapping[str, Any]]
_SECTIONS = (
    "sounds", "sound_nouns", "sound_aliases", "sound_noun_aliases", "sound_forms", "sources",
    "source_plurals", "source_aliases", "source_roles", "qualities", "quality_aliases", "states", "music", "speech", "words", "prepositions",
    "names", "implied", "forget",
)  # fmt: skip
# Word classes whose members are verbs, so that any form of them counts.
_VERB_ROLES = frozenset({"continuing", "silent", "perform", "idle", "bearing"})


@dataclass(frozen=True, slots=True)
class Word:
    """One surface form and all that it may mean.

    Attributes:
        text: the surface form, lower case; may be a phrase ("car door").
        sound, source, quality: the lemma in that dimension, or "".
        state: the quality that it means as a verb of starting, stopping or moving, or "".
        form: as a verb, which form it is; "" for what is no verb.
        roles: word classes of the grammar ("medium", "genre", "article", a source's coarse group, …).
    """

    text: str
    sound: str = ""
    source: str = ""
    quality: str = ""
    state: str = ""
    form: VerbForm | Literal[""] = ""
    roles: frozenset[str] = frozenset()

    def has(self, *roles: str) -> bool:
        """Whether the word belongs to one of these classes."""
        return not self.roles.isdisjoint(roles)


@dataclass(frozen=True)
class Lexicon:
    """Surface forms and what they mean.

    Attributes:
        words: surface form → word.
        longest: first word of a phrase → words in the longest phrase that begins with it.
        prepositions: kind ("medium", "place", "of", "manner") → words.
        implied: a sound whose source goes without saying → that source.
        parts: the single words that phrases are made of.
        coarse: source lemma → coarse group, "" for none.
    """

    words: Mapping[str, Word]
    longest: Mapping[str, int]
    prepositions: Mapping[str, frozenset[str]]
    implied: Mapping[str, str]
    parts: frozenset[str]
    coarse: Mapping[str, str] = field(default_factory=dict)

    def knows(self, text: str) -> bool:
        """Whether a surface form stands in the lexicon, alone or within a phrase."""
        return (
            text in self.words
            or text in self.parts
            or any(text in words for words in self.prepositions.values())
        )


def entries(value: str | Iterable[str]) -> list[str]:
    """The entries of a text block ("dog, cat") or of a list, without repeats, in order."""
    items = value.split(",") if isinstance(value, str) else value
    return list(dict.fromkeys(word for item in items if (word := " ".join(item.split()))))


class _Builder:
    """Collects words from tables; later entries add to earlier ones, and aliases replace them."""

    def __init__(self) -> None:
        self.words: dict[str, Word] = {}
        self.coarse: dict[str, str] = {}
        self.prepositions: dict[str, frozenset[str]] = {}
        self.implied: dict[str, str] = {}

    def put(self, text: str, roles: Iterable[str] = (), **meaning: Any) -> None:
        old = self.words.get(text, Word(text))
        self.words[text] = replace(old, roles=old.roles | frozenset(roles), **meaning)

    def put_verb(self, verb: str, roles: Iterable[str] = (), **meaning: Any) -> None:
        for surface, form in verb_forms(verb):
            self.put(surface, roles, form=form, **meaning)

    def put_noun(self, noun: str, roles: Iterable[str] = (), **meaning: Any) -> None:
        for surface in (noun, *plurals(noun)):
            self.put(surface, roles, **meaning)

    def add(self, tables: Tables) -> None:
        for family, words in tables.get("sounds", {}).items():
            for verb in entries(words):
                self.put_verb(verb, [f"{family} sound"], sound=verb)
        for verb, forms in tables.get("sound_forms", {}).items():
            for surface in entries(forms):
                self.put(surface, sound=verb, form=form_of(surface))
        for noun in entries(tables.get("sound_nouns", {}).get("words", "")):
            self.put_noun(noun, ["noun"], sound=noun)
        self._add_sources(tables)
        for kind, words in tables.get("qualities", {}).items():
            for quality in entries(words):
                self.put(quality, [kind], quality=quality)
        for alias, quality in tables.get("quality_aliases", {}).items():
            self.put(alias, quality=quality)
        for state, verbs in tables.get("states", {}).items():
            for verb in entries(verbs):
                self.put_verb(verb, state=state)
        for section in ("music", "speech", "words", "names"):
            self._add_classes(tables.get(section, {}))
        for section, put in (("sound_aliases", self.put_verb), ("sound_noun_aliases", self.put_noun)):
            for alias, sound in tables.get(section, {}).items():
                roles = self.words.get(sound, Word(sound)).roles & {"voice sound", "noun", "music"}
                put(alias, roles, sound=sound)
        for kind, words in tables.get("prepositions", {}).items():
            self.prepositions[kind] = self.prepositions.get(kind, frozenset()) | frozenset(entries(words))
        self.implied |= tables.get("implied", {})
        for word in entries(tables.get("forget", {}).get("words", "")):
            self.words.pop(word, None)

    def _add_sources(self, tables: Tables) -> None:
        for group, words in tables.get("sources", {}).items():
            for noun in entries(words):
                self.coarse.setdefault(noun, "" if group == "other" else group)
                self.put_noun(noun, ["thing", group], source=noun)
        for noun, forms in tables.get("source_plurals", {}).items():
            for surface in entries(forms):
                self.put(surface, self.words[noun].roles if noun in self.words else (), source=noun)
        for alias, noun in tables.get("source_aliases", {}).items():
            self.put_noun(alias, self.words[noun].roles if noun in self.words else (), source=noun)
        for role, words in tables.get("source_roles", {}).items():
            for noun in entries(words):
                self.put_noun(noun, [role])

    def _add_classes(self, classes: Mapping[str, Any]) -> None:
        for role, words in classes.items():
            for word in entries(words):
                if role in _VERB_ROLES:
                    self.put_verb(word, [role])
                elif role == "noun":
                    self.put_noun(word, ["music"])
                else:
                    self.put(word, [role])

    def finish(self) -> Lexicon:
        longest: dict[str, int] = {}
        for text in self.words:
            parts = text.split(" ")
            longest[parts[0]] = max(longest.get(parts[0], 1), len(parts))
        phrases = (text.split(" ") for text in self.words if " " in text)
        parts = frozenset(part for phrase in phrases for part in phrase)
        return Lexicon(self.words, longest, self.prepositions, self.implied, parts, self.coarse)


def _packaged_tables() -> Iterator[Tables]:
    folder = resources.files("avtool.mining.tagger") / "lexicon"
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".toml"):
            yield tomllib.loads(file.read_text(encoding="utf-8"))


def _merge(tables: Iterable[Tables]) -> dict[str, dict[str, Any]]:
    """One table a section, so that the order of files does not matter."""
    merged: dict[str, dict[str, Any]] = {}
    for table in tables:
        for section, values in table.items():
            merged.setdefault(section, {}).update(values)
    return merged


def read_tables(path: Path) -> Tables:
    """Reads and checks a lexicon file of a user.

    Raises:
        BadInputError: the file is absent, is not TOML, or has a section or a value that means nothing.
    """
    hint = f"a lexicon is a TOML file with sections such as {', '.join(_SECTIONS[:3])}"
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInputError(f"cannot read the lexicon `{path}`: {error.strerror}", hint) from error
    except ValueError as error:  # TOML syntax, or bytes that are not UTF-8
        raise BadInputError(f"`{path}` is not a TOML file ({error})", hint) from error
    for section, values in tables.items():
        if section not in _SECTIONS:
            nearest = process.extractOne(section, _SECTIONS)[0]
            raise BadInputError(f"`{path}` has an unknown section `{section}`", f"did you mean `{nearest}`?")
        if not isinstance(values, dict):
            raise BadInputError(f"`{path}`: `{section}` must be a section, not a value", hint)
        for key, value in values.items():
            if not isinstance(value, str) and not (
                isinstance(value, list) and all(isinstance(word, str) for word in value)
            ):
                message = (
                    f"`{path}`: `{section}.{key}` must be a text of comma-separated words, or a list of them"
                )
                raise BadInputError(message, hint)
    return tables


@lru_cache(maxsize=4)
def load_lexicon(path: Path | None = None) -> Lexicon:
    """The lexicon of the package, extended (and where they differ overridden) by a user's file."""
    builder = _Builder()
    builder.add(_merge(_packaged_tables()))
    if path is not None:
        builder.add(_lowered(read_tables(path)))
    return builder.finish()


def _lowered(tables: Tables) -> Tables:
    def lower(value: Any) -> Any:
        return value.lower() if isinstance(value, str) else [word.lower() for word in value]

    return {
        section: {key.lower(): lower(value) for key, value in values.items()}
        for section, values in tables.items()
    }
