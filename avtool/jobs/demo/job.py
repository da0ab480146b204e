"""The whole path on films made on the spot: nothing to download, nothing to prepare."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from avtool.core.artifact import CARD
from avtool.core.artifact_folder import own_files, partial_folder, retire
from avtool.core.errors import BadInputError, MissingError
from avtool.core.files import writing
from avtool.core.reporter import Reporter
from avtool.core.requirements import require
from avtool.evaluation.mined_events import EventScores
from avtool.jobs.demo.captioning import CaptionedFilm, caption_held_out
from avtool.jobs.demo.films import make_films, mine_films, score_mining
from avtool.jobs.demo.learning import LearnResult, learn_sounds
from avtool.jobs.demo.pretraining import PretrainedFilms, pretrain_films
from avtool.jobs.demo.queries import QueriedFilm, query_held_out
from avtool.jobs.demo.recipe import DemoRecipe
from avtool.jobs.demo.report import write_demo_page
from avtool.mining.mine_subtitles import MineResult
from avtool.synthetic.make_film import FilmFiles

_MARK = ".avtool-demo"
_ASIDE = ".previous"
_PARTS = (
    "films", "mined", "pretrained", "run", "predictions", "thresholds", "captions", "index", "hits",
    "report.html",
)  # fmt: skip
_FILM = re.compile(r"film")


@dataclass(frozen=True)
class DemoResult:
    """What the demonstration made: the films, the dataset mined from them, and how well it went.

    Attributes:
        folder: where it is.
        films: the films with their captions and truth.
        mined: the dataset.
        scores: what was found against what was put in.
        pretrained: what was learned without labels; None where nothing was.
        learned: what a network learned from it; None where nothing was to be learned.
        captioned: the held-out film with captions by that network; None where nothing was learned.
        queried: what queries found in the held-out film; None where nothing was learned.
    """

    folder: Path
    films: tuple[FilmFiles, ...]
    mined: MineResult
    scores: EventScores
    pretrained: PretrainedFilms | None
    learned: LearnResult | None
    captioned: CaptionedFilm | None
    queried: QueriedFilm | None

    @property
    def report(self) -> Path:
        """The page to look at."""
        return self.folder / "report.html"


def demo(
    out: Path, recipe: DemoRecipe, reporter: Reporter, *, overwrite: bool = False, jobs: int = 1
) -> DemoResult:
    """Makes films with captions that are out of time, mines them, and learns their sounds.

    Args:
        out: the folder for `films/`, `mined/`, `pretrained/`, `run/`, `predictions/`, `thresholds/`,
            `captions/`, `index/`, `hits/` and the page.
        recipe: the settings.
        reporter: gets progress.
        overwrite: whether an older demonstration there may go.
        jobs: processes for mining, and for spectrograms.

    Raises:
        BadInputError: `out` holds something else.
        MissingError: something is to be trained, and torch is not installed.
    """
    _prepare(out, overwrite)
    with _replacing(out):
        return _demo(out, recipe, reporter, jobs)


def _need_torch() -> None:
    try:
        require("torch", "learn")
    except MissingError as error:
        untrained = "avtool demo --training none --pretraining none"
        raise MissingError(str(error), f"{error.hint}; or without training: {untrained}") from error


def _demo(out: Path, recipe: DemoRecipe, reporter: Reporter, jobs: int) -> DemoResult:
    if recipe.films > 1 and (recipe.training, recipe.pretraining) != ("none", "none"):
        _need_torch()  # before films are made
    films = make_films(out / "films", recipe, reporter)
    mined = mine_films(films.table, out / "mined", recipe, reporter, jobs=jobs)
    scores = score_mining(films.films, mined.out)
    pretrained = _pretrained(mined.out, out, recipe, reporter, jobs)
    learned = None
    if recipe.training == "none":
        reporter.info("nothing is trained: --training none")
    elif recipe.films < 2:
        reporter.info("nothing is trained: one film leaves none to test on")
    else:
        learned = learn_sounds(mined.out, out, recipe, reporter, jobs=jobs)
    captioned = caption_held_out(films.films, mined.out, learned, out, recipe, reporter) if learned else None
    queried = query_held_out(films.films, learned, out, reporter) if learned else None
    result = DemoResult(out, films.films, mined, scores, pretrained, learned, captioned, queried)
    write_demo_page(
        result.report, mined.out, scores, pretrained, learned, captioned, reporter, queried=queried
    )
    return result


def _pretrained(
    mined: Path, out: Path, recipe: DemoRecipe, reporter: Reporter, jobs: int
) -> PretrainedFilms | None:
    """What is learned without labels, where there are frames to learn from and films to test on."""
    if recipe.pretraining == "none" or recipe.films < 2:
        return None
    if recipe.video == "none":
        reporter.info("nothing is pretrained: the films have no video")
        return None
    return pretrain_films(mined, out, recipe, reporter, jobs=jobs)


def _prepare(out: Path, overwrite: bool) -> None:
    if out.exists() and not (out / _MARK).is_file() and (not out.is_dir() or any(out.iterdir())):
        raise BadInputError(f"`{out}` exists and is no demonstration", "choose another --out folder")
    if (out / _MARK).is_file() and not overwrite:
        raise BadInputError(f"`{out}` holds a demonstration already", "give --overwrite, or another --out")
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
        (out / _MARK).touch()
        for name in _PARTS:  # what a killed demonstration left; with other settings it could not be resumed
            shutil.rmtree(partial_folder(out / name), ignore_errors=True)


@contextmanager
def _replacing(out: Path) -> Iterator[None]:
    """Puts an older demonstration aside for the block, and back where it fails; files of others stay."""
    aside = out / _ASIDE
    _put_back(out)
    with writing(out):
        aside.mkdir()
        for name in _PARTS:
            if (out / name).exists():
                (out / name).rename(aside / name)
    try:
        yield
    except BaseException:
        _put_back(out)
        raise
    for name in _PARTS:
        if (aside / name).is_dir():
            retire(aside / name, out / name, _own(aside / name))
    shutil.rmtree(aside, ignore_errors=True)


def _put_back(out: Path) -> None:
    """The parts of a demonstration that was to be replaced, instead of those of the one that failed."""
    aside = out / _ASIDE
    with writing(out):
        for path in aside.iterdir() if aside.is_dir() else ():
            if (out / path.name).is_dir():
                retire(out / path.name, path, _own(out / path.name))
            path.replace(out / path.name)
        if aside.is_dir():
            aside.rmdir()


def _own(folder: Path) -> set[str]:
    """The files of a part of a demonstration."""
    if (folder / CARD).is_file():
        return own_files(folder)
    return {path.name for path in folder.iterdir() if _FILM.match(path.name)}
