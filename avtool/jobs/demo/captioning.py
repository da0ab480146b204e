"""The end of the path: the held-out film captioned by what was learned, and compared with its true events."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from avtool.core.reporter import Reporter
from avtool.evaluation.mined_events import (
    EventScores,
    LabelledStart,
    merge_scores,
    read_true_events,
    score_events,
)
from avtool.evaluation.report import Table
from avtool.jobs.caption.calibrate import calibrate
from avtool.jobs.caption.calibration import CalibrateRecipe
from avtool.jobs.caption.job import caption
from avtool.jobs.caption.recipe import CaptionRecipe
from avtool.jobs.demo.learning import COMMAND, LearnResult
from avtool.jobs.demo.recipe import DemoRecipe
from avtool.media.captions.reading import read_captions
from avtool.mining.tagger import Tagger
from avtool.synthetic.make_film import FilmFiles

_TOLERANCE_S = 1.0


@dataclass(frozen=True)
class CaptionedFilm:
    """The held-out films with captions.

    Attributes:
        captions: the folder of caption files and pages.
        thresholds: of the classes, calibrated on the training films.
        pages: a page a film, which plays it with the captions.
        num_true: sound events that the films have.
        num_cues: sounds in the captions.
        num_right: those within a second of an event with the same sound.
        hours: of film.
    """

    captions: Path
    thresholds: Path
    pages: tuple[Path, ...]
    num_true: int
    num_cues: int
    num_right: int
    hours: float

    @property
    def onset_f1(self) -> float:
        """Harmonic mean of the share of right cues and of the share of events with a cue."""
        return 2 * self.num_right / max(1, self.num_cues + self.num_true)

    @property
    def false_per_hour(self) -> float:
        """Cues an hour without such an event."""
        return (self.num_cues - self.num_right) / max(1e-9, self.hours)


def caption_held_out(
    films: Sequence[FilmFiles],
    mined: Path,
    learned: LearnResult,
    out: Path,
    recipe: DemoRecipe,
    reporter: Reporter,
) -> CaptionedFilm:
    """Calibrates the network on the training films, and captions the held-out ones.

    Args:
        films: all films, with their true events.
        mined: the mined dataset, split by film.
        learned: the network, and the held-out films.
        out: the demonstration's folder, for `thresholds` and `captions`.
        recipe: the settings.
        reporter: gets progress.
    """
    thresholds, captions = out / "thresholds", out / "captions"
    chosen = CalibrateRecipe(split="train")
    calibrate(mined, learned.run, thresholds, chosen, reporter, command=COMMAND)
    held_out = [one for one in films if one.film.stem in learned.films]
    settings = CaptionRecipe(thresholds=thresholds, formats=("vtt",), preview=recipe.video != "none")
    names = [str(one.film) for one in held_out]
    result = caption(names, learned.run, captions, settings, reporter, command=COMMAND)
    scores = merge_scores([_score(one, captions) for one in held_out])
    return CaptionedFilm(
        captions,
        thresholds,
        tuple(sorted(captions.glob("*.html"))),
        scores.num_true,
        scores.num_found,
        scores.num_matched,
        round(sum(film.seconds for film in result.films) / 3600, 4),
    )


def caption_table(captioned: CaptionedFilm) -> Table:
    """The captions beside the true events."""
    rows = [
        ("sound events of the film", captioned.num_true),
        ("sounds in the captions", captioned.num_cues),
        ("right: same sound, onset within 1 s", captioned.num_right),
        ("onset F1", f"{100 * captioned.onset_f1:.1f} %"),
        ("false cues an hour", f"{captioned.false_per_hour:.0f}"),
    ]
    return Table("captions of the held-out film by the network", ["", "captions"], rows)


def _score(film: FilmFiles, captions: Path) -> EventScores:
    """The sounds in the captions of a film against its true events."""
    tagger, found = Tagger(), []
    for cue in read_captions(captions / f"{film.film.stem}.en-sdh.vtt").cues:
        for line in cue.lines:
            tag = tagger.tag(line.strip("[]"))
            found.append(LabelledStart(cue.start_ms / 1000, *map(frozenset, (tag.sounds, tag.sources, ()))))
    return score_events(found, read_true_events(film.events), _TOLERANCE_S)
