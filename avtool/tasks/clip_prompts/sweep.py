"""A sweep over methods, shots and seeds as cells of one table, and accuracy against shots."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, BeforeValidator, Field, NonNegativeInt, model_validator

from avtool.core.artifact import Input, settings_hash
from avtool.core.recipe import Recipe, distinct, listed, option, validate
from avtool.core.reporter import Reporter, Silent
from avtool.data.image_shots import shots_of
from avtool.evaluation.report import BenchmarkReport, means_table
from avtool.models.clip.methods import METHODS, MethodName
from avtool.tasks.clip_prompts.recipe import ClipPromptRecipe
from avtool.tasks.clip_prompts.task import ClipPromptTask
from avtool.training.cells import Cell, CellResult
from avtool.training.run import default_out, train_task

_SILENT = Silent()
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

    def cell(self, method: MethodName, shots: int, seed: int) -> ClipPromptRecipe:
        """The recipe of one training."""
        values = self.model_dump(mode="json", exclude_unset=True)
        values.pop("sweep", None)
        values["seed"] = seed
        values["prompt"] = {**values.get("prompt", {}), "method": method}
        values["data"] = {**values.get("data", {}), "shots": shots}
        return validate(ClipPromptRecipe, values, origin=f"the settings of {method}")


@dataclass(frozen=True)
class SweepRow:
    """The result of one training, a row of `runs.csv`.

    Attributes:
        method: or `linear-probe`.
        shots: images a class, 0 for all; None of the zero-shot classifier.
        seed: of the draw.
        accuracy, mean_class_accuracy: from 0 to 1.
        seconds: wall time of the training, 0 of one that was finished already.
        run: its folder; "" of a probe.
    """

    method: str
    shots: int | None
    seed: int
    accuracy: float
    mean_class_accuracy: float
    seconds: float = 0.0
    run: str = ""


@dataclass(frozen=True)
class ClipSweep:
    """The cells of a sweep.

    Attributes:
        source: of the images.
        recipe: methods, shots, seeds, and the settings of the trainings.
        reporter: receives decisions.
        runs: the folder of the trainings; finished ones are read, interrupted ones resumed.
        command: the command line, for their cards.
    """

    source: Path
    recipe: SweepRecipe
    reporter: Reporter
    runs: Path = Path("runs")
    command: str = ""
    title = "prompt tuning"

    @cached_property
    def inputs(self) -> Sequence[Input]:
        """The host's weights, and the images of every draw."""
        draws = [self._task("zeroshot", shots, seed).images.content for shots, seed in self._draws]
        weights = [item for item in self._task("zeroshot", *self._draws[0]).inputs if item.kind == "weights"]
        return [*weights, Input(str(self.source), "dataset", settings_hash(draws))]

    def cells(self) -> list[Cell]:
        """Trainings and probes.

        Raises:
            BadInputError: images, host and settings of one of them do not fit together.
        """
        import torch

        table, cells = self.recipe.sweep, []
        _ = self.inputs
        for method in table.methods:
            with torch.device("meta"):
                self._task(method, *self._draws[0]).build()
            for shots, seed in self._draws if METHODS[method].learns else self._draws[:1]:
                run = partial(self._train, method, shots, seed)
                cells.append(Cell(f"{method}-{shots}shots-seed{seed}", run))
        for shots, seed in self._draws if table.linear_probe else ():
            cells.append(Cell(f"linear-probe-{shots}shots-seed{seed}", partial(self._probe, shots, seed)))
        return cells

    def rows(self) -> list[SweepRow]:
        """All results; nothing is kept but the trainings' own runs."""
        return _rows([cell.run(self.runs) for cell in self.cells()])

    def report(self, results: Sequence[CellResult]) -> BenchmarkReport:
        """The table of methods and shots, and the curves."""
        return sweep_report(_rows(results), [f"Images: {self.source}. Host: {self.recipe.prompt.backbone}."])

    @property
    def _draws(self) -> list[tuple[int, int]]:
        return [(shots, seed) for shots in self.recipe.sweep.shots for seed in self.recipe.sweep.seeds]

    def _task(
        self, method: MethodName, shots: int, seed: int, reporter: Reporter = _SILENT
    ) -> ClipPromptTask:
        recipe = self.recipe.cell(method, shots, seed)
        return ClipPromptTask(self.source, recipe, reporter, command=self.command)

    def _train(self, method: MethodName, shots: int, seed: int, _: Path) -> CellResult:
        task = self._task(method, shots, seed, self.reporter)
        out = default_out(task, self.runs)
        outcome = train_task(task, out)
        scores = outcome.metrics["accuracy"], outcome.metrics["mean_class_accuracy"]
        learned_from = shots if METHODS[method].learns else None
        return _result(SweepRow(method, learned_from, seed, *scores, round(outcome.seconds, 2), str(out)))

    def _probe(self, shots: int, seed: int, _: Path) -> CellResult:
        """A linear probe on the host's features of the drawn images' centres."""
        from avtool.evaluation.metrics.single_label import class_accuracies, confusion_matrix
        from avtool.evaluation.probes.linear import fit_linear_probe
        from avtool.tasks.clip_prompts.samples import ImageSamples, ImageScoring

        task = self._task("zeroshot", shots, seed)
        centres = task.recipe.data.model_copy(update={"augment": "none"})
        training = replace(task, recipe=task.recipe.model_copy(update={"data": centres})).prepare()
        samples, scoring = training.samples, training.validate
        assert isinstance(samples, ImageSamples), "the task makes them"
        assert isinstance(scoring, ImageScoring), "a sweep has images to score"
        assert samples.features is not None, "centres have features"
        assert scoring.samples.features is not None, "centres have features"
        labels, truth = np.array(samples.labels), np.array(scoring.samples.labels)
        probe = fit_linear_probe(samples.features.numpy(), labels, list(range(len(labels))), seed=seed)
        guessed = probe.classes[probe.scores(scoring.samples.features.numpy()).argmax(axis=1)]
        shares = class_accuracies(confusion_matrix(truth, guessed, len(task.images.classes)))
        scores = float((guessed == truth).mean()), float(np.nanmean(shares))
        return _result(SweepRow("linear-probe", shots, seed, *scores))


def _result(row: SweepRow) -> CellResult:
    metrics = {"accuracy": row.accuracy, "mean_class_accuracy": row.mean_class_accuracy}
    return CellResult({row.method: metrics}, row.seed, [asdict(row)])


def _rows(results: Sequence[CellResult]) -> list[SweepRow]:
    return [SweepRow(**row) for result in results for row in result.rows]


def sweep_report(rows: Sequence[SweepRow], notes: Sequence[str] = ()) -> BenchmarkReport:
    """The table of methods and shots, and the curves of accuracy against shots.

    Args:
        rows: of a sweep; what was trained without shots has its accuracy in every column.
        notes: the protocol, and limits of the numbers.
    """
    shots = sorted({row.shots for row in rows if row.shots is not None}, key=lambda k: k or np.inf)
    found: dict[str, dict[int, list[float]]] = {}
    for row in rows:
        for count in shots if row.shots is None else [row.shots]:
            found.setdefault(row.method, {}).setdefault(count, []).append(100 * row.accuracy)
    curves: list[Mapping[str, Any]] = [
        {
            "name": method,
            "points": [[k, float(np.mean(each)), min(each), max(each)] for k, each in entries.items() if k],
        }
        for method, entries in found.items()
    ]
    means = {(method, k): np.mean(each) for method, entries in found.items() for k, each in entries.items()}
    best, count = max(means, key=lambda key: means[key])
    plain = any(row.method == best and row.shots is None for row in rows)
    trained = "without training" if plain else f"at {shots_of(count)}"
    values = {name: {shots_of(k): each for k, each in entries.items()} for name, entries in found.items()}
    return BenchmarkReport(
        f"best: {best} {trained}, {means[best, count]:.1f} %",
        {
            "cells": [asdict(row) for row in rows],
            "curves": {"x": "shots", "y": "accuracy in %", "lines": curves},
        },
        [means_table("accuracy in %, mean ± standard deviation over seeds", values)],
        list(notes),
    )
