"""Training of rows of the zoo under one configuration, over seeds, and their comparison on the same clips."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from avtool.core.files import read_json, write_json
from avtool.core.reporter import Recorder, Reporter
from avtool.evaluation.model_comparison import Comparison, compare_models
from avtool.jobs.zoo.compare import Trained, write_comparison
from avtool.jobs.zoo.train_one import train_one
from avtool.jobs.zoo.train_plan import SCORES, Planned
from avtool.jobs.zoo.train_recipe import Kind, ZooTrainRecipe

if TYPE_CHECKING:
    from avtool.data.manifest import Manifest

RAW = "linear probe of raw inputs"


@dataclass(frozen=True)
class ZooTraining:
    """What the trainings came to: the report's folder, costs and seeds of each entrant, the comparison."""

    out: Path
    trained: Sequence[Trained]
    comparison: Comparison


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
                train_one(one, listener)
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


def _raw_probe(planned: Planned, val: "Manifest", out: Path) -> "np.ndarray[Any, Any]":
    """(clips,) whether a linear probe of the networks' inputs, without any network, names each class."""
    from avtool.jobs.zoo.raw_probe import probe_inputs

    file = out / SCORES / f"raw-{planned.out.name}.json"
    if not file.is_file():
        write_json(
            file, [bool(one) for one in probe_inputs(planned.out, planned.task.clips.train, val)], indent=None
        )
    return np.array(read_json(file), bool)
