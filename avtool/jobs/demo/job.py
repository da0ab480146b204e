"""The whole path on films made on the spot: nothing to download, nothing to prepare."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from avtool.core.artifact import partial_folder
from avtool.core.errors import BadInputError
from avtool.core.files import writing
from avtool.core.reporter import Reporter
from avtool.evaluation.mined_events import EventScores
from avtool.jobs.demo.films import make_films, mine_films, score_mining
from avtool.jobs.demo.learning import LearnResult, learn_sounds
from avtool.jobs.demo.pretraining import PretrainedFilms, pretrain_films
from avtool.jobs.demo.recipe import DemoRecipe
from avtool.jobs.demo.report import write_demo_page
from avtool.mining.mine_subtitles import MineResult
from avtool.synthetic.make_film import FilmFiles

_MARK = ".avtool-demo"
_ARTIFACTS = ("mined", "pretrained", "run", "predictions")


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
    """

    folder: Path
    films: tuple[FilmFiles, ...]
    mined: MineResult
    scores: EventScores
    pretrained: PretrainedFilms | None
    learned: LearnResult | None

    @property
    def report(self) -> Path:
        """The page to look at."""
        return self.folder / "report.html"


def demo(
    out: Path, recipe: DemoRecipe, reporter: Reporter, *, overwrite: bool = False, jobs: int = 1
) -> DemoResult:
    """Makes films with captions that are out of time, mines them, and learns their sounds.

    Args:
        out: the folder for `films/`, `mined/`, `pretrained/`, `run/`, `predictions/` and the page.
        recipe: the settings.
        reporter: gets progress.
        overwrite: whether an older demonstration there may go.
        jobs: processes for mining, and for spectrograms.

    Raises:
        BadInputError: `out` holds something else.
    """
    _prepare(out, overwrite)
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
    result = DemoResult(out, films.films, mined, scores, pretrained, learned)
    write_demo_page(result.report, mined.out, scores, pretrained, learned, reporter)
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
        for artifact in _ARTIFACTS:
            shutil.rmtree(out / artifact, ignore_errors=True)
            shutil.rmtree(partial_folder(out / artifact), ignore_errors=True)
        shutil.rmtree(out / "films", ignore_errors=True)
        out.mkdir(parents=True, exist_ok=True)
        (out / _MARK).touch()
