"""Coarse sources: the 57 groups of the SAM-S class list, for stated sources and for sounds alone."""

import tomllib
from collections.abc import Iterable
from functools import lru_cache
from importlib import resources

from avtool.mining.tagger.lexicon_builder import entries
from avtool.mining.tagger.lexicon_files import load_lexicon

# Names in no list are persons: the captions of a film name whoever speaks or grunts.
_UNKNOWN_SOURCE = "person"


def coarse_sources(sources: Iterable[str]) -> tuple[str, ...]:
    """The coarse groups of stated sources ("car horn" → "vehicle"), in order, without repeats.

    A source that belongs to no group gives none; an unknown one is a name, and so a person.
    """
    coarse = load_lexicon().coarse
    groups = (coarse.get(source, _UNKNOWN_SOURCE) for source in sources)
    return tuple(dict.fromkeys(group for group in groups if group))


def default_sources(sounds: Iterable[str]) -> tuple[str, ...]:
    """The coarse groups that usually make these sounds, for events that state no source."""
    table = _defaults()
    return tuple(dict.fromkeys(group for sound in sounds for group in table.get(sound, ())))


@lru_cache(maxsize=1)
def _defaults() -> dict[str, tuple[str, ...]]:
    file = resources.files("avtool.mining.tagger") / "default_sources.toml"
    lists = tomllib.loads(file.read_text(encoding="utf-8"))["default_sources"]
    return {
        sound: tuple(entries(groups.replace("+", ",")))
        for groups, sounds in lists.items()
        for sound in entries(sounds)
    }
