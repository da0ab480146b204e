"""Mined films that were listened to once: thresholds are chosen on some, and scored on others."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from avtool.captioning.event import SoundEvent
from avtool.captioning.style import CaptionStyle
from avtool.evaluation.sound_captions.matching import EventCounts
from avtool.evaluation.sound_captions.track import SoundCue
from avtool.evaluation.sound_captions.written_captions import count_written
from avtool.inference.sound_tagger.calibration import ClassCalibration, FilmCounts, choose_thresholds, raised
from avtool.inference.sound_tagger.captioner import SoundTagger
from avtool.inference.sound_tagger.heard_film import HeardFilm
from avtool.inference.sound_tagger.thresholds import ClassThresholds

_RAISED = (0.0, 0.05, 0.1, 0.2, 0.3)
_MOST_FOLDS = 4
_RATE_SHARE = 95
"""Percentage of minutes that keep the style's rate."""


@dataclass(frozen=True)
class CalibratedFilm:
    """A mined film.

    Attributes:
        heard: its scores.
        counts: of detections by class and threshold.
        truth: its captioned sounds, in time order.
    """

    heard: HeardFilm
    counts: FilmCounts
    truth: Sequence[SoundCue]


@dataclass(frozen=True)
class Choice:
    """Thresholds that were chosen, and how well captions by them find those of films held out.

    Attributes:
        classes: with their thresholds.
        raised: by how much all of them were raised.
        held_out: F1 by onset of captions by the calibrated thresholds, on films that they were not chosen on.
        defaults: of captions by the default ones, on the same films.
    """

    classes: list[ClassCalibration]
    raised: float
    held_out: float
    defaults: float

    @property
    def is_better(self) -> bool:
        """Whether captions of held-out films are no worse by calibrated thresholds, and some are right."""
        return self.held_out >= self.defaults and self.held_out > 0


@dataclass(frozen=True)
class Calibrator:
    """Chooses thresholds of a tagger on films.

    Attributes:
        tagger: the classifier, with its default thresholds.
        style: of the captions whose onsets are scored, and whose rate is kept.
        tolerance: seconds between the onsets of a caption and of its detection.
        settings: `min_events` and `per_hour` of `choose_thresholds`.
    """

    tagger: SoundTagger
    style: CaptionStyle
    tolerance: float
    settings: Mapping[str, Any]

    def choose(self, films: Sequence[CalibratedFilm]) -> Choice:
        """Thresholds by all films, and their F1 on each part of the films when chosen on the others.

        A single film is its own test.
        """
        parts = [films[first::_MOST_FOLDS] for first in range(min(_MOST_FOLDS, len(films)))]
        calibrated = EventCounts()
        for part in parts:
            others = [film for film in films if not any(film is one for one in part)] or films
            calibrated += self._score(part, self._values(self._chosen(others)[0]))
        defaults = self._score(films, self.tagger.thresholds)
        classes, amount = self._chosen(films)
        return Choice(classes, amount, calibrated.f1, defaults.f1)

    def _chosen(self, films: Sequence[CalibratedFilm]) -> tuple[list[ClassCalibration], float]:
        """The thresholds with the best F1 of captions on these films that keep the rate of the style."""
        labels = [one.label for one in self.tagger.classes]
        defaults = self.tagger.thresholds.threshold
        chosen = choose_thresholds([film.counts for film in films], labels, defaults, **self.settings)
        rated = []
        for amount in _RAISED:
            classes = raised(chosen, amount)
            sounds = [self.tagger.sounds(film.heard, self._values(classes)) for film in films]
            f1 = self._counted(films, sounds).f1
            rated.append((self._keeps_rate(films, sounds), f1, amount, classes))
        *_, amount, classes = max(rated, key=lambda one: (one[0], one[1] if one[0] else one[2]))
        return classes, amount

    def _values(self, classes: Sequence[ClassCalibration]) -> ClassThresholds:
        return self.tagger.thresholds.changed(np.array([one.threshold for one in classes]))

    def _score(self, films: Sequence[CalibratedFilm], values: ClassThresholds) -> EventCounts:
        return self._counted(films, [self.tagger.sounds(film.heard, values) for film in films])

    def _counted(
        self, films: Sequence[CalibratedFilm], sounds: Sequence[Sequence[SoundEvent]]
    ) -> EventCounts:
        counts = (
            count_written(events, film.truth, self.style, film.heard.seconds, self.tolerance)
            for film, events in zip(films, sounds, strict=True)
        )
        return sum(counts, EventCounts())

    def _keeps_rate(self, films: Sequence[CalibratedFilm], sounds: Sequence[Sequence[SoundEvent]]) -> bool:
        """Whether nearly all minutes have no more sounds than the style has cues."""
        minutes = []
        for film, events in zip(films, sounds, strict=True):
            counts = np.zeros(max(1, math.ceil(film.heard.seconds / 60)), np.int64)
            for event in events:
                counts[min(len(counts) - 1, int(event.start // 60))] += 1
            minutes.append(counts)
        return float(np.percentile(np.concatenate(minutes), _RATE_SHARE)) <= self.style.per_minute
