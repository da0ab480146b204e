"""Lexicon tables → a `Lexicon`: derives inflected forms and merges the entries of one word."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from avtool.mining.tagger.inflection import form_of, plurals, verb_forms
from avtool.mining.tagger.lexicon import Lexicon, Word

Tables = Mapping[str, Mapping[str, Any]]
ARTICLES = frozenset({"a", "an", "the"})
# Word classes whose members are verbs, so that any form of them counts.
_VERB_ROLES = frozenset({"continuing", "silent", "perform", "idle", "bearing"})
# Classes of a sound that its aliases share.
_DIMENSIONS = {"sounds": "sound", "sources": "source", "qualities": "quality"}
_SHARED_ROLES = frozenset({"voice sound", "machine sound", "noun", "music"})


def entries(value: str | Iterable[str]) -> list[str]:
    """The entries of a text block ("dog, cat") or of a list, without repeats, in order."""
    items = value.split(",") if isinstance(value, str) else value
    return list(dict.fromkeys(word for item in items if (word := " ".join(item.split()))))


def _without_articles(phrase: str) -> str:
    """A phrase as it stands in a tag, whose English articles go: Spanish "a lo lejos"."""
    return " ".join(word for word in phrase.split() if word not in ARTICLES) or phrase


class LexiconBuilder:
    """Collects words from tables. Entries of a word add up; a repeated meaning replaces the earlier one."""

    def __init__(self) -> None:
        self._words: dict[str, Word] = {}
        self._coarse: dict[str, str] = {}
        self._prepositions: dict[str, frozenset[str]] = {}
        self._implied: dict[str, str] = {}
        self._is_english = True

    def add(self, tables: Tables) -> None:
        """Adds the tables of one lexicon; a later call overrides an earlier one."""
        self._add_sounds(tables)
        self._add_sources(tables)
        self._add_qualities(tables)
        for section in ("music", "speech", "words", "names"):
            self._add_classes(tables.get(section, {}))
        for verb, forms in tables.get("sound_forms", {}).items():
            for surface in entries(forms):
                self._put(surface, self._roles(verb), sound=verb, form=form_of(surface))
        self._add_aliases(tables.get("sound_aliases", {}), self._put_verb)
        self._add_aliases(tables.get("sound_noun_aliases", {}), self._put_noun)
        for kind, words in tables.get("prepositions", {}).items():
            self._prepositions[kind] = self._prepositions.get(kind, frozenset()) | frozenset(entries(words))
        self._implied |= tables.get("implied", {})
        for word in entries(tables.get("forget", {}).get("words", "")):
            self._words.pop(word, None)

    def add_language(self, tables: Tables) -> None:
        """Adds the words of another language under the English words that are their labels.

        A surface form loses what it means in English: "die" is an article in German.
        """
        meanings = [
            (surface, kind, label)
            for kind in ("sounds", "sources", "qualities")
            for label, surfaces in tables.get(kind, {}).items()
            for written in entries(surfaces)
            for surface in dict.fromkeys((written, _without_articles(written)))
        ]
        self._is_english = False
        roles = {(kind, label): self._label_roles(kind, label) for _, kind, label in meanings}
        classes = [(word, role) for role, words in tables.get("words", {}).items() for word in entries(words)]
        for surface in [surface for surface, *_ in meanings] + [word for word, _ in classes]:
            self._words.pop(surface, None)
        for surface, kind, label in meanings:
            verb = {"form": "s"} if kind == "sounds" and not roles[kind, label] & {"noun", "music"} else {}
            self._put(surface, roles[kind, label], **{_DIMENSIONS[kind]: label}, **verb)
        for word, role in classes:
            self._put(word, [role])
        for kind, words in tables.get("prepositions", {}).items():
            for word in entries(words):
                self._words.pop(word, None)
                if kind == "conjunction":
                    self._words[word] = Word("and")
            if kind != "conjunction":
                self._prepositions[kind] |= frozenset(entries(words))

    def _label_roles(self, kind: str, label: str) -> frozenset[str]:
        roles = self._roles(label)
        return roles & _SHARED_ROLES if kind == "sounds" else roles

    def build(self) -> Lexicon:
        """The lexicon of all that was added."""
        phrases = [text.split(" ") for text in self._words if " " in text]
        longest: dict[str, int] = {}
        for phrase in phrases:
            longest[phrase[0]] = max(longest.get(phrase[0], 1), len(phrase))
        parts = frozenset(part for phrase in phrases for part in phrase).union(*self._prepositions.values())
        return Lexicon(
            self._words, longest, parts, self._prepositions, self._implied, self._coarse, self._is_english
        )

    def _put(self, text: str, roles: Iterable[str] = (), **meaning: Any) -> None:
        old = self._words.get(text, Word(text))
        self._words[text] = replace(old, roles=old.roles | frozenset(roles), **meaning)

    def _put_verb(self, verb: str, roles: Iterable[str] = (), **meaning: Any) -> None:
        for surface, form in verb_forms(verb):
            self._put(surface, roles, form=form, **meaning)

    def _put_noun(self, noun: str, roles: Iterable[str] = (), **meaning: Any) -> None:
        for surface in (noun, *plurals(noun)):
            self._put(surface, roles, **meaning)

    def _roles(self, text: str) -> frozenset[str]:
        return self._words.get(text, Word(text)).roles

    def _add_sounds(self, tables: Tables) -> None:
        for family, words in tables.get("sounds", {}).items():
            for verb in entries(words):
                self._put_verb(verb, [f"{family} sound"], sound=verb)
        for noun in entries(tables.get("sound_nouns", {}).get("words", "")):
            self._put_noun(noun, ["noun"], sound=noun)

    def _add_sources(self, tables: Tables) -> None:
        for group, words in tables.get("sources", {}).items():
            for noun in entries(words):
                self._coarse[noun] = "" if group == "other" else group
                self._put_noun(noun, [group], source=noun)
        for noun, forms in tables.get("source_plurals", {}).items():
            for surface in entries(forms):
                self._put(surface, self._roles(noun), source=noun)
        for alias, noun in tables.get("source_aliases", {}).items():
            self._put_noun(alias, self._roles(noun), source=noun)
        for role, words in tables.get("source_roles", {}).items():
            for noun in entries(words):
                self._put_noun(noun, [role])

    def _add_qualities(self, tables: Tables) -> None:
        for kind, words in tables.get("qualities", {}).items():
            for quality in entries(words):
                self._put(quality, [kind], quality=quality)
        for alias, quality in tables.get("quality_aliases", {}).items():
            self._put(alias, quality=quality)
        for state, verbs in tables.get("states", {}).items():
            for verb in entries(verbs):
                self._put_verb(verb, state=state)

    def _add_classes(self, classes: Mapping[str, Any]) -> None:
        for role, words in classes.items():
            for word in entries(words):
                if role in _VERB_ROLES:
                    self._put_verb(word, [role])
                elif role == "tune":
                    self._put_noun(word, ["music"])
                else:
                    self._put(word, [role])

    def _add_aliases(self, aliases: Mapping[str, str], put: Callable[..., None]) -> None:
        for alias, sound in aliases.items():
            put(alias, self._roles(sound) & _SHARED_ROLES, sound=sound)
