"""Training of rows of the zoo under one configuration, over seeds, and their comparison on the same clips."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from avtool.core.errors import BadInputError
from avtool.core.files import read_json, write_json, writing
from avtool.core.reporter import Recorder, Reporter
from avtool.evaluation.model_comparison import Comparison, compare_models
from avtool.jobs.zoo.compare import Trained, write_comparison
from avtool.jobs.zoo.train_recipe import Entrant, Kind, ZooTrainRecipe
from avtool.tasks.classification.task import ClassificationTask
from avtool.training.run import default_out, train_task

if TYPE_CHECKING:
    from avtool.data.manifest import Manifest

RAW = "linear probe of raw inputs"
_RUNS, _SCORES = "runs", "scores"


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


@dataclass(frozen=True)
class ZooTraining:
    """What the trainings came to: the report's folder, costs and seeds of each entrant, the comparison."""

    out: Path
    trained: Sequence[Trained]
    comparison: Comparison


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
            found.append(Planned(entrant, task, run, out / _SCORES / f"{run.name}.json"))
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


def train(
    planned: Sequence[Planned], recipe: ZooTrainRecipe, kind: Kind, reporter: Reporter, *, out: Path
) -> ZooTraining:
    """Trains what is not trained yet, and writes the comparison.

    Args:
        planned: the trainings; interrupted ones are resumed, finished ones read.
        recipe: the one configuration.
        kind: of inputs.
        reporter: receives progress, and each warning once.
        out: receives `compare.json`, `compare.md` and `compare.html`.

    Raises:
        AvtoolError: a training failed.
    """
    warned: set[str] = set()
    with reporter.progress("training", len(planned)) as bar:
        for one in planned:
            if one.score is None:
                listener = Recorder()
                _train_one(one, listener)
                for text in listener.warnings:
                    if text not in warned:
                        warned.add(text)
                        reporter.warn(text)
            bar.advance(note=one.out.name)
    val = planned[0].task.clips.val
    assert val is not None, "checked in the plan"
    trained = [_gather(planned, entrant) for entrant in dict.fromkeys(_titles(planned))]
    right = {one.title: np.array(one.right, bool) for one in trained}
    right[RAW] = _raw_probe(planned[0], val, out)[None]
    groups = [group or clip for group, clip in zip(val.column("group"), val.column("clip_id"), strict=True)]
    comparison = compare_models(right, groups)
    write_comparison(out, comparison, trained, recipe, kind, planned[0].task)
    return ZooTraining(out, trained, comparison)


def _titles(planned: Sequence[Planned]) -> Iterator[str]:
    return (one.entrant.title for one in planned)


def _gather(planned: Sequence[Planned], title: str) -> Trained:
    """The seeds of an entrant together."""
    runs = [(one.entrant, one.score) for one in planned if one.entrant.title == title]
    scores = [score for _, score in runs if score is not None]
    first = scores[0]
    return Trained(
        runs[0][0], [score.right for score in scores], first.params, first.macs, first.steps,
        float(np.median([score.seconds_per_step for score in scores])),
    )  # fmt: skip


def _train_one(planned: Planned, reporter: Reporter) -> None:
    """Trains, and scores the validation clips by the saved model."""
    from dataclasses import replace

    from avtool.core.runtime import RuntimeRecipe
    from avtool.data.items import clip_items
    from avtool.inference.clip_features import score_clips
    from avtool.inference.predictor import Predictor

    task = replace(planned.task, reporter=reporter)
    planned.out.parent.mkdir(parents=True, exist_ok=True)
    outcome = train_task(task, planned.out)
    val = task.clips.val
    assert val is not None, "checked in the plan"
    runtime = RuntimeRecipe(device=task.recipe.runtime.device, precision=task.recipe.runtime.precision)
    predictor = Predictor(planned.out, runtime, reporter)
    scores = score_clips(predictor, clip_items(val), task.recipe.data.windows, reporter)
    index = {name: number for number, name in enumerate(predictor.outputs.labels)}
    right = [
        bool(row.argmax() == index[labels[0]])
        for row, labels in zip(scores, val.column("labels"), strict=True)
    ]
    params, macs = _cost(task)
    done = max(1, outcome.steps - outcome.resumed_from)
    score = Score(
        planned.out.name, task.recipe.seed, right, params, macs, outcome.steps,
        round(outcome.seconds / done, 4),
    )  # fmt: skip
    with writing(planned.scores):
        planned.scores.parent.mkdir(parents=True, exist_ok=True)
    write_json(planned.scores, asdict(score), indent=None)


def _cost(task: ClassificationTask) -> tuple[int, int]:
    """Parameters, and the MACs of one clip, with the last layer."""
    from avtool.models.zoo.count import count_macs, count_parameters

    model, _ = task.build()
    inputs: Mapping[str, Any] = {name: value[:1] for name, value in task.example().items()}
    return count_parameters(model), count_macs(model, lambda: model(**inputs))


def _raw_probe(planned: Planned, val: "Manifest", out: Path) -> "np.ndarray[Any, Any]":
    """(clips,) whether a linear probe of the networks' inputs, without any network, names each class."""
    from avtool.jobs.zoo.raw_probe import probe_inputs

    file = out / _SCORES / f"raw-{planned.out.name}.json"
    if not file.is_file():
        write_json(
            file, [bool(one) for one in probe_inputs(planned.out, planned.task.clips.train, val)], indent=None
        )
    return np.array(read_json(file), bool)
