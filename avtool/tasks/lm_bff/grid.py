"""Trainings over a grid and several seeds as cells: each seed's choice by validation, then tested."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from avtool.core.artifact import Input
from avtool.core.files import sha256_of
from avtool.core.reporter import Reporter
from avtool.evaluation.report import BenchmarkReport, Table, mean_entry, means_table
from avtool.tasks.lm_bff.recipe import GridRecipe, LmBffRecipe
from avtool.tasks.lm_bff.task import LmBffTask
from avtool.tasks.lm_bff.variants import GridRun, Unit, grid_units, variant_of
from avtool.training.cells import Cell, CellResult, work_folder

Metrics = Mapping[str, float]
OURS, CLASSIFIER = "prompt fine-tuning", "classifier fine-tuning"
ZERO_SHOT, ENSEMBLE = "zero-shot prompt", "ensemble"


@dataclass(frozen=True)
class LmBffGrid:
    """The cells of a grid.

    Attributes:
        source: the examples; with folders `K-SEED` in it, each seed has its own.
        recipe: the task and what is varied.
        reporter: receives progress.
        command: the command line, for the cards.
    """

    source: Path
    recipe: GridRecipe
    reporter: Reporter
    command: str = ""

    @property
    def title(self) -> str:
        """The task's."""
        return self.task.text_task.title

    @cached_property
    def task(self) -> LmBffTask:
        """The task of the first seed."""
        return self.tasks[self.recipe.grid.seeds[0]]

    @cached_property
    def tasks(self) -> Mapping[int, LmBffTask]:
        """The task of each seed, with its examples; they share the weights, which are read once."""
        from avtool.models.masked_lm.hub_folder import read_host

        values = {name: getattr(self.recipe, name) for name in LmBffRecipe.model_fields}
        tasks = {}
        for seed in self.recipe.grid.seeds:
            data = self.recipe.data.model_copy(update={"split_seed": seed})
            recipe = LmBffRecipe.model_construct(**{**values, "seed": seed, "data": data})
            folder = self.source / f"{data.k}-{seed}"  # as splits are published
            source = folder if folder.is_dir() else self.source
            tasks[seed] = LmBffTask(source, recipe, self.reporter, command=self.command)
        first = next(iter(tasks.values()))
        _ = first.inputs
        weights = read_host(first.host)
        return {seed: replace(task, weights=weights) for seed, task in tasks.items()}

    @cached_property
    def inputs(self) -> Sequence[Input]:
        """The masked LM, the examples of every seed, and the files of candidates."""
        grid = self.recipe.grid
        found = {item.path: item for task in self.tasks.values() for item in task.inputs}
        given = [path for path in (grid.templates, grid.words) if path and path.is_file()]
        return [*found.values(), *(Input(str(path), "candidates", sha256_of(path)) for path in given)]

    def cells(self) -> list[Cell]:
        """What is trained, then what is computed from it, seed by seed.

        Raises:
            BadInputError: examples of a seed, a template or a label word do not fit task and model.
        """
        units = list(grid_units(self.recipe))
        for unit in units:
            if unit.seed == self.task.recipe.seed:
                variant_of(self.task, unit, 1.0, 1).check()
        return [cell for task in self.tasks.values() for cell in self._of_seed(task, units)]

    def _of_seed(self, task: LmBffTask, units: Sequence[Unit]) -> Iterator[Cell]:
        _ = task.examples
        own = [unit for unit in units if unit.seed == task.recipe.seed]
        for unit in own:
            yield Cell(unit.name, partial(self._train, task, unit))
        prompts = [unit for unit in own if unit.head == "words"]
        if len(prompts) > 1:
            yield Cell(f"{task.recipe.seed}-ensemble", partial(_ensemble, task, prompts))
        if self.recipe.grid.zero_shot:
            yield Cell(f"{task.recipe.seed}-zero-shot", partial(_zero_shot, task))
        yield Cell(f"{task.recipe.seed}-baselines", partial(_baselines, task))

    def _train(self, task: LmBffTask, unit: Unit, folder: Path) -> CellResult:
        """The trainings of a unit; the choice of validation is tested and kept."""
        from avtool.training.run import train_task

        grid, work = self.recipe.grid, work_folder(folder, unit.name)
        runs: list[GridRun] = []
        best: tuple[float, Path] | None = None
        for lr in grid.lrs or (task.recipe.optimizer.lr,):
            for size in grid.batch_sizes or (task.recipe.loop.batch_size,):
                run = variant_of(task, unit, lr, size)
                out = work / f"{lr:g}-{size}"
                outcome = train_task(run, out)
                dev = float(outcome.metrics[task.metric_key])
                words = " / ".join(", ".join(names) for names in run.text_task.words.values())
                shown = (run.settings.template, words if unit.head == "words" else "")
                step = outcome.best_step or 0
                runs.append(
                    GridRun(unit.seed, unit.head, *shown, lr, size, step, dev, seconds=outcome.seconds)
                )
                shutil.rmtree(out / "checkpoints", ignore_errors=True)
                if best is None or dev > best[0]:
                    best = dev, outcome.model
                elif outcome.model.parent == out:
                    shutil.rmtree(out / "model", ignore_errors=True)
        assert best is not None, "a grid has a run"
        metrics, logits = _tested(task, best[1])
        chosen = next(number for number, run in enumerate(runs) if run.dev == best[0])
        runs[chosen] = replace(runs[chosen], chosen=True, test=metrics[task.metric_key])
        _logits_of(folder, unit).parent.mkdir(parents=True, exist_ok=True)
        np.save(_logits_of(folder, unit), logits, allow_pickle=False)
        if unit.head == "words":
            _keep_model(best[1], folder / "models" / unit.name)
        shutil.rmtree(work, ignore_errors=True)
        self.reporter.info(f"{unit.name}: validation {best[0]:.4f}, test {metrics[task.metric_key]:.4f}")
        method = OURS if unit.head == "words" else CLASSIFIER
        return CellResult({method: metrics}, unit.seed, [asdict(run) for run in runs], best[0])

    def result(self, results: Sequence[CellResult]) -> "GridResult":
        """All runs, and the test metrics of each method; of several cells the one that validates best."""
        found: dict[tuple[str, int], CellResult] = {}
        for result in results:
            for method in result.methods:
                known = found.get((method, result.seed))
                if known is None or result.dev > known.dev:
                    found[method, result.seed] = result
        methods: dict[str, list[Metrics]] = {}
        for (method, _), result in found.items():
            methods.setdefault(method, []).append(result.methods[method])
        sizes = [
            (len(t.examples.train), len(t.examples.dev), len(t.examples.test)) for t in self.tasks.values()
        ]
        runs = [GridRun(**row) for result in results for row in result.rows]
        return GridResult(runs, methods, self.task.metric_key, sizes)

    def report(self, results: Sequence[CellResult]) -> BenchmarkReport:
        """Each method's mean and deviation over the seeds, and the choices."""
        result, title, seeds = self.result(results), self.title, len(self.tasks)
        train, dev, test = result.examples[0]
        values = {
            method: {name: [100 * each[name] for each in found] for name in found[0]}
            for method, found in result.methods.items()
        }
        means = {
            method: {name: list(result.mean(method, name)) for name in found}
            for method, found in values.items()
        }
        chosen = [_choice(run) for run in result.runs if run.chosen]
        return BenchmarkReport(
            f"{title}: {result.metric} {mean_entry(values[OURS][result.metric])} over {seeds} seeds",
            {"metric": result.metric, "seeds": seeds, "methods": means, "runs": len(result.runs)},
            [
                means_table(f"{title}: % on the test examples, mean ± deviation over seeds", values),
                Table("the choices of validation", _CHOICES, chosen),
            ],
            [
                f"{train} training and {dev} validation examples a seed, {test} to test with the first one.",
                "Learning rate, batch size and step are chosen by validation, the first of equals.",
            ],
        )


@dataclass(frozen=True)
class GridResult:
    """All runs, and the test metrics of each method, one a seed."""

    runs: Sequence[GridRun]
    methods: Mapping[str, Sequence[Metrics]]
    metric: str
    examples: Sequence[tuple[int, int, int]]

    def mean(self, method: str, metric: str = "") -> tuple[float, float]:
        """Mean and standard deviation over the seeds, in the metric's own units."""
        values = [found[metric or self.metric] for found in self.methods[method]]
        return float(np.mean(values)), float(np.std(values))


_CHOICES = ("seed", "head", "template", "words", "lr", "batch size", "best step", "validation", "test")


def _choice(run: GridRun) -> list[Any]:
    shares = (round(100 * value, 2) for value in (run.dev, run.test or 0.0))
    return [run.seed, run.head, run.template, run.words, run.lr, run.batch_size, run.best_step, *shares]


def _logits_of(folder: Path, unit: Unit) -> Path:
    return folder / "logits" / f"{unit.name}.npy"


def _keep_model(model: Path, to: Path) -> None:
    shutil.rmtree(to, ignore_errors=True)
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(model, to)


def _tested(task: LmBffTask, model: Path) -> tuple[Metrics, np.ndarray[Any, Any]]:
    """The metrics and logits of a saved model."""
    from avtool.data.inputs.spec import read_inputs
    from avtool.models.load import load_model

    loaded = load_model(model)
    return _scored(task, loaded.model, read_inputs(model, loaded.preprocess)["prompt"])


def _scored(task: LmBffTask, model: Any, prompt: Any) -> tuple[Metrics, np.ndarray[Any, Any]]:
    import torch

    from avtool.inference.prompts import score_prompts
    from avtool.models.runtime import choose_device

    device = torch.device(choose_device(task.recipe.runtime.device).value)
    prompts = prompt.prompts([one.texts for one in task.tested])
    logits = score_prompts(model.eval().to(device), prompt, prompts, device)
    return _metrics(task, logits), logits


def _metrics(task: LmBffTask, logits: np.ndarray[Any, Any]) -> Metrics:
    from avtool.tasks.lm_bff.samples import metrics_of

    return metrics_of(logits, np.array([one.target for one in task.tested]), task.text_task.bounds)


def _ensemble(task: LmBffTask, units: Sequence[Unit], folder: Path) -> CellResult:
    """The mean logits of all templates, or label words."""
    logits = np.mean([np.load(_logits_of(folder, unit)) for unit in units], axis=0)
    return CellResult({ENSEMBLE: _metrics(task, logits)}, task.recipe.seed)


def _zero_shot(task: LmBffTask, folder: Path) -> CellResult:  # noqa: ARG001 - as cells are run
    """The masked LM without training, and without demonstrations."""
    demos = task.recipe.demos.model_copy(update={"mode": "none"})
    plain = replace(task, recipe=task.recipe.model_copy(update={"demos": demos}), given=task.examples)
    return CellResult({ZERO_SHOT: _scored(plain, *plain.untrained())[0]}, task.recipe.seed)


def _baselines(task: LmBffTask, folder: Path) -> CellResult:  # noqa: ARG001 - as cells are run
    from avtool.tasks.lm_bff.scoring import baseline_metrics

    found = baseline_metrics(task.examples.train, task.tested, task.text_task)
    return CellResult(found, task.recipe.seed)
