"""Trainings over a grid and several seeds: each seed's choice by validation, then tested."""

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from avtool.core.files import read_json, write_csv, write_json
from avtool.core.reporter import Reporter
from avtool.tasks.lm_bff.recipe import GridRecipe, LmBffRecipe
from avtool.tasks.lm_bff.task import LmBffTask
from avtool.tasks.lm_bff.variants import GridRun, Unit, grid_units, variant_of

Metrics = dict[str, float]
OURS, CLASSIFIER = "prompt fine-tuning", "classifier fine-tuning"
ZERO_SHOT, ENSEMBLE = "zero-shot prompt", "ensemble"
_COLUMNS = (
    "seed",
    "head",
    "template",
    "words",
    "lr",
    "batch_size",
    "best_step",
    "dev",
    "test",
    "chosen",
    "seconds",
)


@dataclass(frozen=True)
class GridResult:
    """All runs, and the test metrics of each method, one a seed."""

    runs: list[GridRun]
    methods: dict[str, list[Metrics]]
    metric: str
    examples: list[tuple[int, int, int]]

    def mean(self, method: str, metric: str = "") -> tuple[float, float]:
        """Mean and standard deviation over the seeds, in the metric's own units."""
        values = [found[metric or self.metric] for found in self.methods[method]]
        return float(np.mean(values)), float(np.std(values))


def run_grid(
    source: Path, recipe: GridRecipe, folder: Path, reporter: Reporter, command: str = ""
) -> GridResult:
    """Runs a grid; what an interrupted call has finished in `folder` is kept.

    Args:
        source: the examples; with folders `K-SEED` in it, each seed has its own.
        recipe: the task and what is varied.
        folder: receives `units/*.json` (finished choices), `logits/`, `models/SEED` and `runs.csv`.
        reporter: receives progress.
        command: the command line, for the cards.

    Raises:
        AvtoolError: data, model and settings do not fit together, or a training failed.
    """
    base = _plain(recipe)
    key = LmBffTask(source, base, reporter).metric_key
    units = list(grid_units(recipe))
    methods: dict[str, list[Metrics]] = {}
    runs: list[GridRun] = []
    sizes: list[tuple[int, int, int]] = []
    with reporter.progress("grid", len(units)) as bar:
        for seed in recipe.grid.seeds:
            task = LmBffTask(_source_of(source, base, seed), _of_seed(base, seed), reporter, command=command)
            sizes.append((len(task.examples.train), len(task.examples.dev), len(task.examples.test)))
            of_seed = [unit for unit in units if unit.seed == seed]
            done = [_finished(task, unit, recipe, folder, key, reporter) for unit in of_seed]
            bar.advance(len(of_seed), note=f"seed {seed}")
            runs += [GridRun(**run) for values in done for run in values["runs"]]
            for method, metrics in _seed_metrics(task, of_seed, done, folder, recipe).items():
                methods.setdefault(method, []).append(metrics)
    write_csv(folder / "runs.csv", _COLUMNS, [[asdict(run)[name] for name in _COLUMNS] for run in runs])
    return GridResult(runs, methods, key, sizes)


def _plain(recipe: GridRecipe) -> LmBffRecipe:
    values = {name: getattr(recipe, name) for name in LmBffRecipe.model_fields}
    return LmBffRecipe.model_construct(**values)


def _source_of(source: Path, recipe: LmBffRecipe, seed: int) -> Path:
    """The examples of a seed: its folder `K-SEED`, as splits are published, or one source for all seeds."""
    folder = source / f"{recipe.data.k}-{seed}"
    return folder if folder.is_dir() else source


def _of_seed(recipe: LmBffRecipe, seed: int) -> LmBffRecipe:
    data = recipe.data.model_copy(update={"split_seed": seed})
    return recipe.model_copy(update={"seed": seed, "data": data})


def _finished(
    task: LmBffTask, unit: Unit, recipe: GridRecipe, folder: Path, key: str, reporter: Reporter
) -> dict[str, Any]:
    """The outcome of a unit: read back, or its trainings run, one chosen and tested."""
    from avtool.training.run import train_task

    record = folder / "units" / f"{unit.name}.json"
    if record.is_file():
        found: dict[str, Any] = read_json(record)
        return found
    work = folder / "trainings" / unit.name
    best: tuple[float, Path] | None = None
    for lr in recipe.grid.lrs or (recipe.optimizer.lr,):
        for size in recipe.grid.batch_sizes or (recipe.loop.batch_size,):
            run = variant_of(task, unit, lr, size)
            out = work / f"{lr:g}-{size}"
            outcome = train_task(run, out)
            dev = float(outcome.metrics[key])
            words = " / ".join(", ".join(names) for names in run.text_task.words.values())
            shown = (run.settings.template, words if unit.head == "words" else "")
            step = outcome.best_step or 0
            unit.runs.append(
                GridRun(unit.seed, unit.head, *shown, lr, size, step, dev, seconds=outcome.seconds)
            )
            shutil.rmtree(out / "checkpoints", ignore_errors=True)
            if best is None or dev > best[0]:
                best = dev, outcome.model
            elif outcome.model.parent == out:
                shutil.rmtree(out / "model", ignore_errors=True)
    assert best is not None, "a grid has a run"
    metrics, logits = _tested(task, best[1])
    chosen = next(number for number, run in enumerate(unit.runs) if run.dev == best[0])
    unit.runs[chosen] = replace(unit.runs[chosen], chosen=True, test=metrics[key])
    (folder / "logits").mkdir(parents=True, exist_ok=True)
    np.save(folder / "logits" / f"{unit.name}.npy", logits, allow_pickle=False)
    if unit.head == "words":
        _keep_model(best[1], folder / "models" / unit.name)
    values = {"runs": [asdict(run) for run in unit.runs], "metrics": metrics, "dev": best[0]}
    write_json(record, values)
    shutil.rmtree(work, ignore_errors=True)
    reporter.info(f"{unit.name}: validation {best[0]:.4f}, test {metrics[key]:.4f}")
    return values


def _tested(task: LmBffTask, model: Path) -> tuple[Metrics, np.ndarray[Any, Any]]:
    """The metrics and logits of the test examples (without any, of the validation examples)."""
    import torch

    from avtool.data.inputs.spec import read_inputs
    from avtool.models.load import load_model
    from avtool.models.runtime import choose_device

    loaded = load_model(model)
    device = torch.device(choose_device(task.recipe.runtime.device).value)
    prompt = read_inputs(model, loaded.preprocess)["prompt"]
    return _scored(task, loaded.model.to(device), prompt, device)


def _scored(task: LmBffTask, model: Any, prompt: Any, device: Any) -> tuple[Metrics, np.ndarray[Any, Any]]:
    from avtool.inference.prompts import score_prompts
    from avtool.tasks.lm_bff.samples import metrics_of

    tested = task.examples.test or task.examples.dev
    logits = score_prompts(model, prompt, prompt.prompts([one.texts for one in tested]), device)
    metrics = metrics_of(logits, np.array([one.target for one in tested]), task.text_task.bounds)
    metrics.pop("threshold", None)
    return metrics, logits


def _keep_model(model: Path, to: Path) -> None:
    shutil.rmtree(to, ignore_errors=True)
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(model, to)


def _seed_metrics(
    task: LmBffTask, units: Sequence[Unit], done: Sequence[dict[str, Any]], folder: Path, recipe: GridRecipe
) -> dict[str, Metrics]:
    """The test metrics of each method on one seed."""
    from avtool.tasks.lm_bff.samples import metrics_of
    from avtool.tasks.lm_bff.scoring import baseline_metrics

    tested = task.examples.test or task.examples.dev
    found: dict[str, Metrics] = {}
    prompts = [(unit, values) for unit, values in zip(units, done, strict=True) if unit.head == "words"]
    found[OURS] = max(prompts, key=lambda pair: pair[1]["dev"])[1]["metrics"]
    if len(prompts) > 1:
        logits = np.mean([np.load(folder / "logits" / f"{unit.name}.npy") for unit, _ in prompts], axis=0)
        found[ENSEMBLE] = metrics_of(logits, np.array([one.target for one in tested]), task.text_task.bounds)
        found[ENSEMBLE].pop("threshold", None)
    for unit, values in zip(units, done, strict=True):
        if unit.head == "classifier":
            found[CLASSIFIER] = values["metrics"]
    if recipe.grid.zero_shot:
        found[ZERO_SHOT] = zero_shot_metrics(task)
    return found | baseline_metrics(task.examples.train, tested, task.text_task)


def zero_shot_metrics(task: LmBffTask) -> Metrics:
    """The test metrics of the masked LM without training, and without demonstrations."""
    import torch

    from avtool.models.runtime import choose_device

    plain = replace(
        task,
        recipe=task.recipe.model_copy(
            update={"demos": task.recipe.demos.model_copy(update={"mode": "none"})}
        ),
        given=task.examples,
    )
    model, prompt = plain.untrained()
    device = torch.device(choose_device(task.recipe.runtime.device).value)
    return _scored(plain, model.eval().to(device), prompt, device)[0]
