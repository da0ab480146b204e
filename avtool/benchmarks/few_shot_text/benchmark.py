"""The text tasks of LM-BFF: a masked LM on K examples a class, five seeds, beside the published numbers."""

import tomllib
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator

from avtool.benchmarks.benchmark import BENCHMARKS, BenchmarkFactSheet
from avtool.core.artifact import settings_hash
from avtool.core.errors import BadInputError
from avtool.core.paths import cache_folder, data_folder
from avtool.core.recipe import Recipe, identity, listed, option, validate
from avtool.core.reporter import Reporter
from avtool.data.few_shot.k_shot import SEEDS
from avtool.data.few_shot.text_task import TextTask, known_tasks
from avtool.evaluation.published import BenchmarkFacts, PublishedResult, comparison
from avtool.evaluation.report import BenchmarkReport, Table
from avtool.tasks.lm_bff.recipe import GridRecipe

if TYPE_CHECKING:
    from avtool.tasks.lm_bff.grid import GridResult

_FOLDER = "k-shot"
PREFIX = "few-shot-"
_GRID = ((1e-5, 2e-5, 5e-5), (2, 4, 8))


class FewShotSettings(Recipe):
    """Settings of the text tasks."""

    data: Path | None = option(
        None,
        "Folder with splits K-SEED, or a file to draw them from.  [default: looked for in AVTOOL_DATA]",
        flag="--data",
    )
    test: Path | None = option(
        None, "Test examples.  [default: the splits', or what the draw leaves]", flag="--test"
    )
    model: Path | None = option(None, "Folder of a masked LM of transformers.", flag="--model")
    k: int = option(16, "Examples a class; published: 16.", flag="--k", ge=1)
    seeds: Annotated[tuple[int, ...], BeforeValidator(listed)] = option(
        SEEDS, "Seeds of the splits; published: these five.", flag="--seeds", min_length=1
    )
    lrs: Annotated[
        tuple[float, ...], BeforeValidator(lambda v: (v,) if isinstance(v, float) else listed(v))
    ] = option(_GRID[0], "Learning rates, chosen from by validation.", flag="--lrs", min_length=1)
    batch_sizes: Annotated[tuple[int, ...], BeforeValidator(listed)] = option(
        _GRID[1], "Batch sizes, chosen from by validation.", flag="--batch-sizes", min_length=1
    )
    steps: int = option(1000, "Optimiser steps of a training.", flag="--max-steps", ge=1, le=10**9)
    demos: Literal["none", "random", "filtered"] = option("none", "Demonstrations.", flag="--demos")
    templates: Path | None = option(
        None, "Templates of a search; their ensemble is scored too.", flag="--templates"
    )
    max_test: int = option(
        0, "Most test examples, evenly spaced: quicker, but not the protocol; 0 for all.", ge=0
    )
    device: str = option("auto", "auto, cpu, cuda or cuda:1.", flag="--device")
    runs: Path | None = option(None, "Folder of the trainings.  [default: the cache]", flag="--runs")


@dataclass(frozen=True)
class FewShotBenchmark:
    """A text task: one protocol for all fifteen.

    Attributes:
        name: of the task.
    """

    name: str

    @property
    def settings(self) -> type[Recipe]:
        """The settings of every text task."""
        return FewShotSettings

    @cached_property
    def task(self) -> TextTask:
        """Template, label words and metric."""
        return known_tasks()[self.name]

    @cached_property
    def published(self) -> tuple[PublishedResult, ...]:
        """The published rows of the task, in %."""
        text = (
            resources.files("avtool.benchmarks.few_shot_text")
            .joinpath("published.toml")
            .read_text(encoding="utf-8")
        )
        table = tomllib.loads(text)
        return tuple(
            _row(row, table["tasks"].index(self.name), self.task.metric, table["source"])
            for row in table["rows"]
            if row["means"][table["tasks"].index(self.name)] != ""
        )

    @property
    def facts(self) -> BenchmarkFactSheet:
        """Its row of a listing."""
        return BenchmarkFactSheet(
            title=f"{self.task.title}, 16-shot",
            summary=f"{self.task.title} with 16 examples a class: a masked LM fine-tuned on prompts.",
            data="text tables",
            protocols=("few-shot",),
            metric=self.task.metric,
            published=self.published,
        )

    def run(self, settings: Recipe, reporter: Reporter) -> BenchmarkReport:
        """Trains the grid of every seed and tests its choice.

        Raises:
            BadInputError: no model or no data are given, or they do not fit together.
        """
        from avtool.tasks.lm_bff.grid import LmBffGrid
        from avtool.training.cells import run_cells

        assert isinstance(settings, FewShotSettings), "the settings are its own"
        source = settings.data or data_folder() / _FOLDER / self.task.title
        if settings.model is None:
            raise BadInputError("no masked LM given", "give a folder of transformers: --model roberta-large")
        if not source.exists():
            message = f"the data of {self.task.title} are not in `{source}`"
            raise BadInputError(message, "give --data: a folder with splits K-SEED, or a file of examples")
        recipe = self._recipe(settings)
        key = settings_hash(
            [self.name, str(source.absolute()), identity(recipe), str(settings.model.absolute())]
        )
        folder = (settings.runs or cache_folder() / "few-shot") / f"{self.name}-{key}"
        folder.mkdir(parents=True, exist_ok=True)
        grid = LmBffGrid(source, recipe, reporter, f"eval {PREFIX}{self.name}")
        return self._report(grid.result(run_cells(grid.cells(), folder, reporter, "grid")), settings)

    def _recipe(self, settings: FewShotSettings) -> GridRecipe:
        return validate(
            GridRecipe,
            {
                "model": {"path": settings.model},
                "data": {
                    "task": self.name, "k": settings.k, "test": settings.test, "duplicates": "keep",
                    "max_test": settings.max_test,
                },
                "demos": {"mode": settings.demos},
                "grid": {
                    "seeds": settings.seeds, "lrs": settings.lrs, "batch_sizes": settings.batch_sizes,
                    "templates": settings.templates,
                },
                "loop": {"max_steps": settings.steps, "tensorboard": False},
                "runtime": {"device": settings.device, "precision": "fp32"},
            },
            "the settings of the trainings",
        )  # fmt: skip

    def _report(self, result: "GridResult", settings: FewShotSettings) -> BenchmarkReport:
        metric = self.task.metric
        ours = []
        for method in result.methods:
            mean, deviation = result.mean(method)
            values = {metric: 100 * mean, "deviation": 100 * deviation}
            ours.append((method, f"{settings.k} a class, {len(settings.seeds)} seeds", values))
        name, _, first = ours[0]
        facts = BenchmarkFacts(self.task.title, published=self.published)
        rows = [
            [
                run.seed,
                run.template,
                run.lr,
                run.batch_size,
                run.best_step,
                round(100 * run.dev, 2),
                round(100 * (run.test or 0.0), 2),
            ]
            for run in result.runs
            if run.chosen and run.head == "words"
        ]
        return BenchmarkReport(
            headline=f"{metric} {first[metric]:.1f} ({first['deviation']:.1f}) by {name}",
            metrics={"methods": {method: values for method, _, values in ours}, "runs": len(result.runs)},
            tables=[
                comparison(f"{self.task.title}: {metric} in %", self.published, ours),
                Table(
                    "choices", ["seed", "template", "lr", "batch size", "step", "validation", "test"], rows
                ),
            ],
            notes=[*_differences(settings, result), *facts.closing_notes()],
        )


def _row(row: dict[str, Any], place: int, metric: str, source: str) -> PublishedResult:
    mean = row["means"][place]
    deviations = {"deviation": float(row["deviations"][place])} if "deviations" in row else {}
    return PublishedResult(
        model=f"RoBERTa-large, {row['method']}",
        inputs="text",
        training="all data" if "all data" in row["method"] else "16 a class, 5 seeds",
        metrics={metric: float(mean), **deviations},
        source=source,
        standing="listing" if isinstance(mean, str) else "paper",
    )


def _differences(settings: FewShotSettings, result: "GridResult") -> list[str]:
    """What keeps the numbers from being compared with the published ones."""
    train, dev, test = result.examples[0]
    notes = [f"{train} training, {dev} validation and {test} test examples with the first seed."]
    changed = {
        "K": settings.k != 16,
        "seeds": tuple(settings.seeds) != SEEDS,
        "grid": (tuple(settings.lrs), tuple(settings.batch_sizes)) != _GRID,
        "steps": settings.steps != 1000,
        "test examples": bool(settings.max_test),
    }
    if other := [name for name, differs in changed.items() if differs]:
        notes.append(f"Not the published protocol: other {', '.join(other)}.")
    return notes


for _name in known_tasks():
    if _name != "cue-kind":
        BENCHMARKS.add(f"{PREFIX}{_name}", FewShotBenchmark(_name))
