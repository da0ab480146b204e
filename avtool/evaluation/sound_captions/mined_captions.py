"""Captions of mined films: sounds with their onsets, by film and by the classes of a tagger."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avtool.captioning.phrases.phrase_book import SoundClass
from avtool.core.errors import BadInputError
from avtool.data.manifest import read_manifest
from avtool.evaluation.dense_captions.segments import CaptionedSegment
from avtool.evaluation.sound_captions.track import SoundCue, sound_cues
from avtool.mining.tagger import Tagger, coarse_sources

_NEEDED = ("film", "event_start", "sounds")
_UNCAPTIONED = ("speech", "never", "generic")
"""Kinds of classes that no caption is compared with."""


@dataclass(frozen=True)
class MinedCaption:
    """A captioned event of a film.

    Attributes:
        start: its onset, in seconds of film time.
        text: of the caption.
        sounds, sources: its labels.
    """

    start: float
    text: str
    sounds: frozenset[str]
    sources: frozenset[str]


def read_mined_captions(dataset: Path, split: str | None = None) -> dict[str, list[MinedCaption]]:
    """The captioned events of each film of a dataset.

    Args:
        dataset: of `avtool mine-subtitles`.
        split: whose films are wanted; None for all.

    Raises:
        BadInputError: the dataset cannot be read, or was not mined from films.
    """
    clips = read_manifest(dataset)
    if split is not None:
        clips = clips.select(split)
    films: dict[str, list[MinedCaption]] = defaultdict(list)
    for clip in clips:
        extras: Mapping[str, Any] = clip.extras
        if any(name not in extras for name in _NEEDED):
            message = f"`{dataset}` names no films and events of captions"
            raise BadInputError(message, "give a dataset of `avtool mine-subtitles`")
        stated, implied = (extras.get(name) or () for name in ("sources_stated", "sources_default"))
        sources = coarse_sources(stated) or implied
        start, sounds = float(extras["event_start"]), frozenset(extras["sounds"])
        films[str(extras["film"])].append(MinedCaption(start, clip.text, sounds, frozenset(sources)))
    return dict(films)


def captioned_sounds(captions: Sequence[MinedCaption], language: str = "en") -> tuple[SoundCue, ...]:
    """The captions as sound cues, each at its onset."""
    return sound_cues([CaptionedSegment(one.start, one.start, one.text) for one in captions], language)


def class_onsets(captions: Sequence[MinedCaption], classes: Sequence[SoundClass]) -> dict[str, list[float]]:
    """The captioned onsets of each class of a tagger: of its sound, and of its source where both state one.

    Args:
        captions: of a film.
        classes: with the phrases that stand for them.

    Returns:
        Label → onsets in seconds, ascending.
    """
    wanted = _labels_of(classes)
    onsets: dict[str, set[float]] = defaultdict(set)
    for caption in captions:
        for sound in caption.sounds:
            for label, sources in wanted.get(sound, ()):
                if not (sources and caption.sources) or sources & caption.sources:
                    onsets[label].add(caption.start)
    return {label: sorted(times) for label, times in onsets.items()}


def _labels_of(classes: Sequence[SoundClass]) -> dict[str, list[tuple[str, frozenset[str]]]]:
    """Captioned sound → the classes whose phrase reads as it, each with the sources of the phrase."""
    tagger = Tagger()
    found: dict[str, list[tuple[str, frozenset[str]]]] = defaultdict(list)
    for one in classes:
        if one.kind not in _UNCAPTIONED:
            tag = tagger.tag(one.phrase)
            for sound in tag.sounds:
                found[sound].append((one.label, frozenset(coarse_sources(tag.sources))))
    return dict(found)
