"""A sweep over methods, shots and seeds: runs that can be resumed, one table, accuracy against shots."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, BeforeValidator, Field, NonNegativeInt, model_validator

from avtool.core.recipe import Recipe, distinct, listed, option, validate
from avtool.core.reporter import Reporter
from avtool.evaluation.report import BenchmarkReport, Table
from avtool.models.clip.methods import METHODS, MethodName
from avtool.tasks.clip_prompts.recipe import ClipPromptRecipe
from avtool.tasks.clip_prompts.task import ClipPromptTask
from avtool.training.run import default_out, train_task

LINEAR_PROBE = "linear-probe"
Methods = Annotated[tuple[MethodName, ...], BeforeValidator(listed), AfterValidator(distinct)]
Numbers = Annotated[tuple[NonNegativeInt, ...], BeforeValidator(listed), AfterValidator(distinct)]


class SweepTable(Recipe):
    """What is swept over."""

    methods: Methods = option(("zeroshot", "coop"), "Methods.", flag="--methods", min_length=1)
    shots: Numbers = option((1, 2, 4, 8, 16), "Training images a class.", flag="--shot-list", min_length=1)
    seeds: Numbers = option((1, 2, 3), "Seeds of draws and prompts.", flag="--seeds", min_length=1)
    linear_probe: bool = option(True, "Fit a linear probe on the host's features of the same images.")


class SweepRecipe(ClipPromptRecipe):
    """`avtool prompt-tune sweep`: the keys of a training, and lists of methods, shots and seeds.

    Keys that are not given are each method's published ones.
    """

    sweep: SweepTable = Field(default_factory=SweepTable)

    @model_validator(mode="before")
    @classmethod
    def _take_published(cls, values: Any) -> Any:
        """Nothing yet: each cell takes those of its method."""
        return values

    @property
    def num_cells(self) -> int:
        """Trainings and probes."""
        table = self.sweep
        each = len(table.shots) * len(table.seeds)
        learning = sum(METHODS[method].learns for method in table.methods)
        return len(table.methods) - learning + each * (learning + table.linear_probe)

    def cell(self, method: MethodName, shots: int, seed: int) -> ClipPromptRecipe:
        """The recipe of one training."""
        values = self.model_dump(mode="json", exclude_unset=True)
        values.pop("sweep", None)
        values["seed"] = seed
        values["prompt"] = {**values.get("prompt", {}), "method": method}
        values["data"] = {**values.get("data", {}), "shots": shots}
        return validate(ClipPromptRecipe, values, origin=f"the settings of {method}")


@dataclass(frozen=True)
class Cell:
    """The result of one training.

    Attributes:
        method: or `linear-probe`.
        shots: images a class; 0 of the zero-shot classifier.
        seed: of the draw.
        accuracy, mean_class_accuracy: from 0 to 1.
        seconds: wall time of the training, 0 of one that was finished already.
        run: its folder; "" of a probe.
    """

    method: str
    shots: int
    seed: int
    accuracy: float
    mean_class_accuracy: float
    seconds: float
    run: str


def run_sweep(
    source: Path, recipe: SweepRecipe, reporter: Reporter, runs: Path, command: str
) -> Iterator[Cell]:
    """Trains every cell, or reads the outcome of its finished run.

    Args:
        source: of the images.
        recipe: what is swept over.
        reporter: receives decisions.
        runs: the folder of the trainings.
        command: the command line, for their cards.

    Raises:
        AvtoolError: data, host and settings do not fit together, or a training failed.
    """
    table = recipe.sweep
    for method in table.methods:
        learns = METHODS[method].learns
        for shots in table.shots if learns else (table.shots[0],):
            for seed in table.seeds if learns else (table.seeds[0],):
                task = ClipPromptTask(source, recipe.cell(method, shots, seed), reporter, command=command)
                out = default_out(task, runs)
                outcome = train_task(task, out)
                scores = outcome.metrics
                yield Cell(
                    method, shots if learns else 0, seed, scores["accuracy"], scores["mean_class_accuracy"],
                    round(outcome.seconds, 2), str(out),
                )  # fmt: skip
    if table.linear_probe:
        for shots in table.shots:
            for seed in table.seeds:
                yield _probe(ClipPromptTask(source, _plain(recipe.cell("zeroshot", shots, seed)), reporter))


def _plain(recipe: ClipPromptRecipe) -> ClipPromptRecipe:
    return recipe.model_copy(update={"data": recipe.data.model_copy(update={"augment": "none"})})


def _probe(task: ClipPromptTask) -> Cell:
    """A linear probe on the host's features of the drawn images' centres."""
    from avtool.evaluation.metrics.single_label import class_accuracies, confusion_matrix
    from avtool.evaluation.probes.linear import fit_linear_probe
    from avtool.tasks.clip_prompts.samples import ImageSamples, ImageScoring

    training = task.prepare()
    samples, scoring = training.samples, training.validate
    assert isinstance(samples, ImageSamples), "the task makes them"
    assert isinstance(scoring, ImageScoring), "a sweep has images to score"
    assert samples.features is not None, "centres have features"
    assert scoring.samples.features is not None, "centres have features"
    labels, truth = np.array(samples.labels), np.array(scoring.samples.labels)
    groups = list(range(len(labels)))
    probe = fit_linear_probe(samples.features.numpy(), labels, groups, seed=task.recipe.seed)
    guessed = probe.classes[probe.scores(scoring.samples.features.numpy()).argmax(axis=1)]
    confusion = confusion_matrix(truth, guessed, len(task.images.classes))
    accuracy = float((guessed == truth).mean())
    balanced = float(np.nanmean(class_accuracies(confusion)))
    return Cell(LINEAR_PROBE, task.recipe.data.shots, task.recipe.seed, accuracy, balanced, 0.0, "")


def sweep_report(cells: Sequence[Cell], notes: Sequence[str] = ()) -> BenchmarkReport:
    """The table of methods and shots, and the curves of accuracy against shots.

    Args:
        cells: of a sweep.
        notes: the protocol, and limits of the numbers.
    """
    groups: dict[tuple[str, int], list[float]] = {}
    for cell in cells:
        groups.setdefault((cell.method, cell.shots), []).append(100 * cell.accuracy)
    methods = list(dict.fromkeys(cell.method for cell in cells))
    shots = sorted({cell.shots for cell in cells if cell.shots})
    rows = [
        [method, *(_entry(groups.get((method, k)) or groups.get((method, 0))) for k in shots)]
        for method in methods
    ]
    curves: list[Mapping[str, Any]] = [
        {
            "name": method,
            "points": [
                [k, mean(found), min(found), max(found)]
                for k in (shots if (method, 0) not in groups else shots[:1] + shots[-1:])
                if (found := groups.get((method, k)) or groups.get((method, 0)))
            ],
        }
        for method in methods
    ]
    best = max(groups, key=lambda key: mean(groups[key]))
    headline = f"best: {best[0]} at {best[1]} shots, {mean(groups[best]):.1f} %"
    table = Table("accuracy in %, mean ± standard deviation over seeds", ["method", *map(str, shots)], rows)
    metrics = {
        "cells": [vars(cell) for cell in cells],
        "curves": {"x": "shots", "y": "accuracy in %", "lines": curves},
    }
    return BenchmarkReport(headline, metrics, [table], list(notes))


def _entry(values: list[float] | None) -> str:
    if not values:
        return ""
    return f"{mean(values):.1f}" + (f" ± {stdev(values):.1f}" if len(values) > 1 else "")
