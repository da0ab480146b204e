"""Scores of sound captions: events by onset and by tIoU, words of matched cues, order, form, dialogue."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np

from avtool.captioning.style import CaptionStyle
from avtool.captioning.violations import violations
from avtool.evaluation.dense_captions.soda import SodaScore, mean_soda, overlapping_pairs, soda
from avtool.evaluation.metrics.caption_overlap import Cider
from avtool.evaluation.metrics.meteor import Meteor, pair_scores
from avtool.evaluation.sound_captions.matching import (
    EventCounts,
    Pairs,
    any_sound,
    match_onsets,
    match_overlaps,
)
from avtool.evaluation.sound_captions.track import SoundTrack, stem_f1

ONSETS = (1.0, 0.5)
OVERLAPS = (0.3, 0.5)


@dataclass(frozen=True)
class CaptionedFilm:
    """A film to score.

    Attributes:
        name: of the film.
        given: predicted captions.
        truth: its own SDH track.
        seconds: its length.
        dialogue: the dialogue that the prediction was merged with; None where it holds none.
    """

    name: str
    given: SoundTrack
    truth: SoundTrack
    seconds: float
    dialogue: SoundTrack | None = None


@dataclass(frozen=True)
class FilmScores:
    """The scores of a film.

    Attributes:
        film: the film.
        onsets, overlaps: tolerance in seconds, or tIoU → events matched by sound and time.
        pairs: predictions and references that match by sound within 1 s.
        at_once: those that match within 1 s whatever their words.
        stem_f1: of the words of each of these.
        faults: kind of fault → cues that have it.
        words_changed: of the dialogue; None where the prediction has no dialogue or there is none beside it.
        cues_moved: dialogue cues whose times the track lacks; None likewise.
    """

    film: CaptionedFilm
    onsets: Mapping[float, EventCounts]
    overlaps: Mapping[float, EventCounts]
    pairs: Pairs
    at_once: Pairs
    stem_f1: tuple[float, ...]
    faults: Mapping[str, int]
    words_changed: int | None
    cues_moved: int | None

    @property
    def false_per_hour(self) -> float:
        """Predictions without a true cue of the same sound within 1 s, for each hour of film."""
        counts = self.onsets[ONSETS[0]]
        return 3600 * (counts.found - counts.matched) / self.film.seconds


@dataclass(frozen=True)
class SoundCaptionScores:
    """The scores of all films; events are counted over them, orders are means.

    Attributes:
        films: one by one.
        onsets, overlaps: as of a film.
        false_per_hour: predictions without a true cue for each hour of film.
        stem_f1, cider: of cues that match within 1 s whatever their words; CIDEr's document frequencies are
            those of the true cues among them.
        soda_stem, soda_meteor: SODA_c with stem F1 and with METEOR as the similarity of texts.
    """

    films: tuple[FilmScores, ...]
    onsets: Mapping[float, EventCounts]
    overlaps: Mapping[float, EventCounts]
    false_per_hour: float
    stem_f1: float
    cider: float
    soda_stem: SodaScore
    soda_meteor: SodaScore

    @property
    def faults(self) -> Counter[str]:
        """Kind of fault → cues that have it."""
        return sum((Counter(film.faults) for film in self.films), Counter())


def score_sound_captions(
    films: Sequence[CaptionedFilm], style: CaptionStyle, meteor: Meteor
) -> SoundCaptionScores:
    """The scores of films.

    Args:
        films: at least one.
        style: whose rules the captions are checked against.
        meteor: counts the matches of pairs.
    """
    scored = tuple(score_film(film, style) for film in films)
    given = {film.name: tuple(cue.segment for cue in film.given.sounds) for film in films}
    truth = {film.name: tuple(cue.segment for cue in film.truth.sounds) for film in films}
    pairs = list(dict.fromkeys(overlapping_pairs(given, truth)))
    exchanged = pair_scores(meteor.counts([pair[::-1] for pair in pairs])).tolist()
    by_stem = soda(given, truth, {pair: stem_f1(*pair) for pair in pairs})
    by_meteor = soda(given, truth, dict(zip(pairs, exchanged, strict=True)))
    onsets = {limit: sum((one.onsets[limit] for one in scored), EventCounts()) for limit in ONSETS}
    hours = sum(film.seconds for film in films) / 3600
    words = [value for one in scored for value in one.stem_f1]
    return SoundCaptionScores(
        scored,
        onsets,
        {limit: sum((one.overlaps[limit] for one in scored), EventCounts()) for limit in OVERLAPS},
        (onsets[ONSETS[0]].found - onsets[ONSETS[0]].matched) / hours,
        float(np.mean(words)) if words else 0.0,
        _cider(scored),
        mean_soda(list(by_stem.values())),
        mean_soda(list(by_meteor.values())),
    )


def score_film(film: CaptionedFilm, style: CaptionStyle) -> FilmScores:
    """The scores of one film."""
    given, truth = film.given.sounds, film.truth.sounds
    matched = {limit: match_onsets(given, truth, limit) for limit in ONSETS}
    overlapping = {limit: match_overlaps(given, truth, limit) for limit in OVERLAPS}
    at_once = match_onsets(given, truth, ONSETS[0], any_sound)
    faults = violations(
        film.given.captions, style, film.given.dialogue, film.seconds, film.given.language or "en"
    )
    return FilmScores(
        film,
        {limit: EventCounts(len(truth), len(given), len(pairs)) for limit, pairs in matched.items()},
        {limit: EventCounts(len(truth), len(given), len(pairs)) for limit, pairs in overlapping.items()},
        matched[ONSETS[0]],
        at_once,
        tuple(stem_f1(given[one].text, truth[other].text) for one, other in at_once),
        Counter(str(fault.fault) for fault in faults),
        *_dialogue_changes(film),
    )


def _dialogue_changes(film: CaptionedFilm) -> tuple[int | None, int | None]:
    """Words put in, taken out or replaced in the dialogue, and its cues with other times."""
    if film.dialogue is None or not film.given.dialogue:
        return None, None
    before, after = film.dialogue.words, film.given.words
    changed = SequenceMatcher(None, before, after, autojunk=False).get_opcodes() if before != after else []
    words = sum(max(b - a, d - c) for kind, a, b, c, d in changed if kind != "equal")
    times = {(cue.start_ms, cue.end_ms) for cue in film.dialogue.dialogue}
    moved = sum((cue.start_ms, cue.end_ms) not in times for cue in film.given.dialogue)
    return words, moved


def _cider(films: Sequence[FilmScores]) -> float:
    pairs = [
        (one.film.given.sounds[given].text, one.film.truth.sounds[true].text)
        for one in films
        for given, true in one.at_once
    ]
    return Cider().corpus(pairs) if pairs else 0.0
