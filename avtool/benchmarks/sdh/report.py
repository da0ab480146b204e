"""The report of sound captions: scores beside baselines, film by film, and every cue with its time."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from avtool.evaluation.report import BenchmarkReport, Table
from avtool.evaluation.sound_captions.baselines import DRAWS, chance_cues, commonest_cue
from avtool.evaluation.sound_captions.matching import EventCounts
from avtool.evaluation.sound_captions.scores import CaptionedFilm, FilmScores, SoundCaptionScores
from avtool.evaluation.sound_captions.track import SoundCue

_SHOWN_CUES: Final = 300
_EVENTS: Final = ["F1, 1 s", "precision", "recall", "false cues / h"]


def sdh_report(
    name: str, scores: SoundCaptionScores, missing: Sequence[str], style: str, seed: int
) -> BenchmarkReport:
    """The report; shares are in %.

    Args:
        name: of what is scored.
        scores: of all films.
        missing: films without captions to score.
        style: whose rules were checked.
        seed: of the chance baseline.
    """
    films = [one.film for one in scores.films]
    baselines = {
        "commonest cue": [commonest_cue([film], _source(film, films)) for film in films],
        "cues at chance": [chance_cues([film], _source(film, films), seed) for film in films],
    }
    summed = {title: _sum(values, films) for title, values in baselines.items()}
    ours = scores.onsets[1.0]
    rows: list[list[object]] = [[name, *_cells(ours, scores.false_per_hour)]]
    rows += [[title, *_cells(*values)] for title, values in summed.items()]
    return BenchmarkReport(
        headline=f"onset F1 {100 * ours.f1:.1f} % within 1 s, "
        f"{100 * scores.onsets[0.5].f1:.1f} % within 0.5 s; {scores.false_per_hour:.1f} false cues an hour",
        metrics=_metrics(scores, missing, summed),
        tables=[
            Table("sound events beside baselines, in %", ["captions", *_EVENTS], rows),
            _details(scores),
            _by_film(scores),
            Table("cues against the rules of the style", ["fault", "cues"], sorted(scores.faults.items())),
            _cues(scores),
        ],
        notes=_notes(scores, style, films),
        caveats=[f"{len(missing)} of {len(films)} films have no captions to score: {', '.join(missing[:5])}"]
        if missing
        else [],
    )


def _source(film: CaptionedFilm, films: Sequence[CaptionedFilm]) -> Sequence[CaptionedFilm]:
    """Where a film's baselines take cues and rate from: the other films, or the only film itself."""
    return [other for other in films if other is not film] or [film]


def _sum(
    values: Sequence[tuple[EventCounts, float]], films: Sequence[CaptionedFilm]
) -> tuple[EventCounts, float]:
    seconds = sum(film.seconds for film in films)
    false = sum(rate * film.seconds for (_, rate), film in zip(values, films, strict=True)) / seconds
    return sum((counts for counts, _ in values), EventCounts()), false


def _cells(counts: EventCounts, false_per_hour: float) -> list[object]:
    shares = (counts.f1, counts.precision, counts.recall)
    return [*(round(100 * share, 1) for share in shares), round(false_per_hour, 1)]


def _details(scores: SoundCaptionScores) -> Table:
    rows: list[list[object]] = [
        [f"F1 by onset within {limit:g} s", round(100 * counts.f1, 1)]
        for limit, counts in scores.onsets.items()
    ]
    rows += [
        [f"F1 by tIoU {limit:g}", round(100 * counts.f1, 1)] for limit, counts in scores.overlaps.items()
    ]
    rows += [
        ["stem F1 of cues at one time", round(100 * scores.stem_f1, 1)],
        ["CIDEr of cues at one time", round(100 * scores.cider, 1)],
        ["SODA_c by stem F1", round(100 * scores.soda_stem.f1, 1)],
        ["SODA_c by METEOR", round(100 * scores.soda_meteor.f1, 1)],
    ]
    return Table("all metrics, in %", ["metric", "value"], rows)


def _by_film(scores: SoundCaptionScores) -> Table:
    columns = ["film", "true", "found", "matched", *_EVENTS, "faults", "words changed", "cues moved"]
    rows = []
    for one in scores.films:
        counts = one.onsets[1.0]
        changed = ["–" if value is None else value for value in (one.words_changed, one.cues_moved)]
        cells = _cells(counts, one.false_per_hour)
        faults = sum(one.faults.values())
        rows.append([one.film.name, counts.true, counts.found, counts.matched, *cells, faults, *changed])
    return Table("film by film", columns, rows)


def _cues(scores: SoundCaptionScores) -> Table:
    rows = [row for one in scores.films for row in _rows(one)]
    title = "cues" if len(rows) <= _SHOWN_CUES else f"the first {_SHOWN_CUES} of {len(rows)} cues"
    return Table(title, ["film", "time", "result", "caption", "true caption", "late, s"], rows[:_SHOWN_CUES])


def _rows(one: FilmScores) -> Iterator[list[object]]:
    """Every cue of a film, in the order of time: matched, false or missed."""
    given, truth = one.film.given.sounds, one.film.truth.sounds
    other = dict(one.pairs)
    found: list[tuple[float, str, str, SoundCue | None]] = []
    for place, cue in enumerate(given):
        true = truth[other[place]] if place in other else None
        found.append((cue.start, "matched" if true else "false", cue.text, true))
    kept = set(other.values())
    found += [(cue.start, "missed", "", cue) for place, cue in enumerate(truth) if place not in kept]
    for start, result, text, true in sorted(found, key=lambda row: (row[0], row[1], row[2])):
        late = round(start - true.start, 2) if true and result == "matched" else ""
        yield [one.film.name, _clock(start), result, text, true.text if true else "", late]


def _clock(seconds: float) -> str:
    minutes, tenths = divmod(round(10 * seconds), 600)
    return f"{minutes // 60}:{minutes % 60:02d}:{tenths / 10:04.1f}"


def _metrics(
    scores: SoundCaptionScores, missing: Sequence[str], baselines: dict[str, tuple[EventCounts, float]]
) -> dict[str, Any]:
    def events(counts: EventCounts) -> dict[str, float]:
        shares = {"f1": counts.f1, "precision": counts.precision, "recall": counts.recall}
        return {**shares, "true": counts.true, "found": counts.found, "matched": counts.matched}

    def changed(key: str) -> int | None:
        values = [value for one in scores.films if (value := getattr(one, key)) is not None]
        return sum(values) if values else None

    return {
        "onset": {f"{limit:g}": events(counts) for limit, counts in scores.onsets.items()},
        "tiou": {f"{limit:g}": events(counts) for limit, counts in scores.overlaps.items()},
        "false_per_hour": scores.false_per_hour,
        "stem_f1": scores.stem_f1,
        "cider": scores.cider,
        "soda_stem_f1": scores.soda_stem.f1,
        "soda_meteor": scores.soda_meteor.f1,
        "format_violations": dict(scores.faults),
        "dialogue_words_changed": changed("words_changed"),
        "dialogue_cues_moved": changed("cues_moved"),
        "baselines": {
            title: {"f1": counts.f1, "false_per_hour": false} for title, (counts, false) in baselines.items()
        },
        "films": {
            one.film.name: {
                **events(one.onsets[1.0]),
                "false_per_hour": one.false_per_hour,
                "seconds": one.film.seconds,
                "dialogue_words_changed": one.words_changed,
            }
            for one in scores.films
        },
        "missing": list(missing),
    }


def _notes(scores: SoundCaptionScores, style: str, films: Sequence[CaptionedFilm]) -> list[str]:
    seconds = sum(film.seconds for film in films)
    where = "the other films" if len(films) > 1 else "the film itself, which favours them"
    counts = scores.onsets[1.0]
    return [
        f"Sound cues: {counts.found} against {counts.true}; {len(films)} films, {seconds / 60:.1f} min.",
        "Matched: starts within 1 s, and the same lemmas or the same class (sound, and sources where both "
        "have some); in the order of time, one to one. Sung words are no cues.",
        "Cues at one time: starts within 1 s, whatever the words.",
        f"Baselines take cues and rate from {where}; cues at chance are the mean of {DRAWS} placements.",
        f"Form: the rules of the style `{style}`, for the cues without dialogue.",
        "METEOR is unfit for captions of one or two words (gunshot and gunshots score 0): it stands last.",
    ]
