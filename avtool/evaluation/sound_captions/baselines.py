"""Baselines of sound captions without a model: the commonest cue, and cues of the track at chance times."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from avtool.evaluation.sound_captions.matching import EventCounts, match_onsets
from avtool.evaluation.sound_captions.scores import ONSETS, CaptionedFilm
from avtool.evaluation.sound_captions.track import SoundCue

DRAWS = 20
"""Random placements whose mean is the chance baseline."""
_SHOWN_S = 2.0


def commonest_cue(
    films: Sequence[CaptionedFilm], source: Sequence[CaptionedFilm]
) -> tuple[EventCounts, float]:
    """The most frequent cue of `source`, at its rate, at even distances in each film.

    Returns:
        Events matched within 1 s, and false cues an hour.
    """
    cues = [cue for film in source for cue in film.truth.sounds]
    text = Counter(cue.text for cue in cues).most_common(1)[0][0]
    cue = next(one for one in cues if one.text == text)
    counts = EventCounts()
    for film in films:
        number = _number(film, source)
        starts = (np.arange(number) + 0.5) * film.seconds / max(1, number)
        counts += _counts([_placed(cue, start) for start in starts.tolist()], film)
    return counts, _false_per_hour(counts, films)


def chance_cues(
    films: Sequence[CaptionedFilm], source: Sequence[CaptionedFilm], seed: int = 0
) -> tuple[EventCounts, float]:
    """Cues drawn from `source` at its rate, at random times: what a captioner reaches by chance.

    Returns:
        Events matched within 1 s and false cues an hour, the sums and the mean over 20 placements.
    """
    generator = np.random.default_rng(seed)
    cues = [cue for film in source for cue in film.truth.sounds]
    counts = EventCounts()
    for _ in range(DRAWS):
        for film in films:
            number = _number(film, source)
            starts = np.sort(generator.uniform(0, film.seconds, number)).tolist()
            chosen = generator.integers(len(cues), size=number).tolist()
            placed = [_placed(cues[place], start) for place, start in zip(chosen, starts, strict=True)]
            counts += _counts(placed, film)
    return counts, _false_per_hour(counts, films) / DRAWS


def _number(film: CaptionedFilm, source: Sequence[CaptionedFilm]) -> int:
    rate = sum(len(one.truth.sounds) for one in source) / sum(one.seconds for one in source)
    return round(rate * film.seconds)


def _placed(cue: SoundCue, start: float) -> SoundCue:
    return SoundCue(start, start + _SHOWN_S, cue.text, cue.sounds, cue.sources)


def _counts(given: Sequence[SoundCue], film: CaptionedFilm) -> EventCounts:
    truth = film.truth.sounds
    return EventCounts(len(truth), len(given), len(match_onsets(given, truth, ONSETS[0])))


def _false_per_hour(counts: EventCounts, films: Sequence[CaptionedFilm]) -> float:
    return 3600 * (counts.found - counts.matched) / sum(film.seconds for film in films)
