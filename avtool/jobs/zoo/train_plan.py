"""Plan of `zoo train`: a training for each row and seed, checked before the first one begins."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.core.files import read_json
from avtool.core.reporter import Recorder, Reporter
from avtool.jobs.zoo.train_recipe import Entrant, Kind, ZooTrainRecipe
from avtool.tasks.classification.task import ClassificationTask
from avtool.training.run import default_out

SCORES = "scores"
"""The folder of the scores beside the runs."""
_RUNS = "runs"


@dataclass(frozen=True)
class Score:
    """A finished training.

    Attributes:
        run: the name of its folder, which its settings decide.
        seed: of everything random.
        right: (clips,) whether the class of each validation clip is named.
        params: parameters.
        macs: multiply-accumulates of one clip.
        steps: optimiser steps.
        seconds_per_step: wall time of a step on this machine, validation and checkpoints included.
    """

    run: str
    seed: int
    right: Sequence[bool]
    params: int
    macs: int
    steps: int
    seconds_per_step: float


@dataclass(frozen=True)
class Planned:
    """A training that is done or to be done.

    Attributes:
        entrant: what is trained.
        task: the training.
        out: its run.
        scores: where its score is kept.
    """

    entrant: Entrant
    task: ClassificationTask
    out: Path
    scores: Path

    @property
    def score(self) -> Score | None:
        """The score of the finished training."""
        return Score(**read_json(self.scores)) if self.scores.is_file() else None


def find_kind(dataset: Path) -> Kind:
    """The inputs of a dataset, as its clips are: images, or else spectrograms.

    Raises:
        BadInputError: there is no dataset.
    """
    from avtool.data.dataset import open_dataset
    from avtool.media.still_images import is_image

    clips = open_dataset(dataset)
    return "images" if len(clips) and is_image(Path(clips[0].media)) else "spectrograms"


def plan(
    entrants: Sequence[Entrant],
    dataset: Path,
    recipe: ZooTrainRecipe,
    reporter: Reporter,
    *,
    out: Path,
    seeds: int,
    jobs: int = 1,
    command: str = "",
) -> list[Planned]:
    """The trainings of all seeds, the first seed of all entrants first.

    Args:
        entrants: what is trained.
        dataset: a `dataset` artifact with validation clips.
        recipe: the one configuration.
        reporter: receives decisions about the data, once.
        out: the folder of all runs.
        seeds: how many, from that of the recipe on.
        jobs: processes that compute spectrograms.
        command: the command line, for the cards.

    Raises:
        BadInputError: there are no validation clips of one label each, or the recipe chooses by them.
    """
    if recipe.selects:
        message = "the recipe chooses checkpoints by the clips that rows are compared on"
        raise BadInputError(message, "set loop.final = last, without early stopping or plateau")
    found: list[Planned] = []
    for seed in range(recipe.seed, recipe.seed + seeds):
        for entrant in entrants:
            listener = Recorder() if found else reporter
            settled = ClassificationTask.settle(recipe.of_run(entrant, seed), listener)
            task = ClassificationTask(dataset, settled, listener, jobs, command or "zoo train")
            _check_clips(task)
            if seed == recipe.seed:
                _check_size(entrant, task)
            run = default_out(task, out / _RUNS, f"{entrant.slug}-seed{seed}")
            found.append(Planned(entrant, task, run, out / SCORES / f"{run.name}.json"))
    return found


def _check_clips(task: ClassificationTask) -> None:
    if task.clips.val is None:
        message = f"`{task.source}` has no validation clips to compare rows on"
        raise BadInputError(message, "give --folds and --val-folds, or a dataset with a split `val`")
    if task.clips.kind != "single-label":
        message = f"`{task.source}` has {task.clips.kind} clips, and rows are compared by one label a clip"
        raise BadInputError(message, "choose a dataset of one label a clip, or set data.task = single-label")


def _check_size(entrant: Entrant, task: ClassificationTask) -> None:
    """Builds a network without memory, so that a wrong size ends the command before the first training."""
    import torch

    from avtool.models.zoo.measure import wrong_size

    try:
        with torch.device("meta"):
            task.build()
    except BadInputError as error:
        recipe = task.recipe
        side = recipe.model.arguments.get("side", recipe.data.video.size)
        if entrant.row is None or entrant.row.size is None or entrant.row.size == (side, side):
            raise
        raise wrong_size(entrant.row, (side, side), error) from error
