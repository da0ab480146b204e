"""Sound events with their caption wordings: the bank that a film draws from, and its synthetic filling."""

import csv
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from avtool.synthetic import ambient_sounds, living_sounds, percussive_sounds, tonal_sounds
from avtool.synthetic.synthesis import Rng, Signal

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Wording:
    """One way to write a sound in a caption, with the labels that a tagger should find in it.

    Attributes:
        tag: the text between the brackets, in lower case ("door slams").
        sound: the lemma of what is heard ("slam"), or "".
        source: who or what makes it, as stated in the tag ("door"), or "".
        quality: manner, loudness, distance ("soft"), or "".
    """

    tag: str
    sound: str
    source: str
    quality: str = ""


class SoundBank(Protocol):
    """Where a film gets its sounds from."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes there are, sorted."""

    @property
    def sample_rate(self) -> int:
        """Of everything rendered, in Hz."""

    def render(self, label: str, variant: int) -> Samples:
        """One sound of a class: peak 1, audible from its first sample on, the same every time."""

    def wordings(self, label: str) -> tuple[Wording, ...]:
        """The ways to write the class in a caption; never empty."""


@cache
def _wording_table() -> dict[str, tuple[Wording, ...]]:
    table: dict[str, list[Wording]] = {}
    text = files("avtool.synthetic").joinpath("wordings.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        label = row.pop("label")
        table.setdefault(label, []).append(Wording(**row))
    return {label: tuple(wordings) for label, wordings in table.items()}


@cache
def known_labels() -> tuple[str, ...]:
    """The classes whose caption wordings are known, in the order of the table."""
    return tuple(_wording_table())


def known_wordings(label: str) -> tuple[Wording, ...]:
    """The caption wordings of a class; a class we have no words for is written as it is called."""
    return _wording_table().get(label, (Wording(label.replace("_", " "), "", ""),))


_SYNTHESISERS: dict[str, Callable[[Rng, int], Signal]] = {
    maker.__name__: maker
    for maker in (
        percussive_sounds.door_slam,
        percussive_sounds.door_wood_knock,
        percussive_sounds.gunshot,
        percussive_sounds.glass_breaking,
        percussive_sounds.footsteps,
        percussive_sounds.clapping,
        percussive_sounds.keyboard_typing,
        percussive_sounds.clock_tick,
        percussive_sounds.water_drops,
        tonal_sounds.phone_ring,
        tonal_sounds.church_bells,
        tonal_sounds.clock_alarm,
        tonal_sounds.siren,
        tonal_sounds.car_horn,
        tonal_sounds.whistle,
        tonal_sounds.music,
        living_sounds.dog,
        living_sounds.cat,
        living_sounds.chirping_birds,
        living_sounds.crying_baby,
        living_sounds.laughing,
        living_sounds.coughing,
        living_sounds.sneezing,
        living_sounds.crowd,
        ambient_sounds.rain,
        ambient_sounds.wind,
        ambient_sounds.thunderstorm,
        ambient_sounds.sea_waves,
        ambient_sounds.crackling_fire,
        ambient_sounds.engine,
        ambient_sounds.helicopter,
        ambient_sounds.chainsaw,
    )
}


@dataclass(frozen=True)
class SyntheticSounds:
    """A bank of synthesised sounds; the classes that ESC-50 has too carry its names.

    Attributes:
        sample_rate: in Hz, at least 16 000.
        labels: the classes to offer; all by default.
    """

    sample_rate: int = 16_000
    labels: tuple[str, ...] = tuple(sorted(_SYNTHESISERS))

    def render(self, label: str, variant: int) -> Samples:
        # The label is hashed into the seed, or equal variants of two classes would share their noise.
        rng = np.random.default_rng((zlib.crc32(label.encode()), variant))
        samples = _SYNTHESISERS[label](rng, self.sample_rate)
        return np.asarray(samples / np.abs(samples).max(), dtype=np.float32)

    def wordings(self, label: str) -> tuple[Wording, ...]:
        return known_wordings(label)
