"""Trainings of a benchmark on its folds: from scratch, from an encoder, or its random-init baseline."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from avtool.benchmarks.runner.data import BenchmarkData, Fold, open_data
from avtool.benchmarks.settings import EvalRecipe
from avtool.benchmarks.spec import BenchmarkSpec
from avtool.core.artifact import Input, read_artifact, settings_hash
from avtool.core.errors import AvtoolError, BadInputError
from avtool.core.parallel import is_serial, map_unordered
from avtool.core.paths import cache_folder, find_recipe
from avtool.core.recipe import load
from avtool.core.reporter import Reporter, Silent
from avtool.data.media_files import local_media
from avtool.tasks.classification.adapt import adapted_recipe
from avtool.tasks.classification.features import FeatureSource
from avtool.tasks.classification.recipe import FinetuneRecipe
from avtool.tasks.classification.task import ClassificationTask
from avtool.training.run import default_out, train_task

_FOLD = "{fold}"


class Run(NamedTuple):
    """A training of a benchmark.

    Attributes:
        start: whether it starts from the encoder's weights; without an encoder, from random ones anyway.
        seed: of everything random.
        fold: the fold that it is tested on.
    """

    start: bool
    seed: int
    fold: int


class CachedRun(NamedTuple):
    """A training, and its run, which is there once it is finished: a repeated benchmark only scores."""

    task: ClassificationTask
    out: Path

    def train(self) -> Path:
        """Trains, resumes, or finds the finished run; gives the run."""
        self.out.parent.mkdir(parents=True, exist_ok=True)
        train_task(self.task, self.out)
        return self.out


def encoder_of(settings: EvalRecipe, fold: int) -> Path:
    """The encoder that is tested on a fold."""
    assert settings.encoder is not None, "checked with the settings"
    return Path(settings.encoder.replace(_FOLD, str(fold)))


def encoder_title(settings: EvalRecipe) -> str:
    """The encoder in tables."""
    assert settings.encoder is not None, "checked with the settings"
    return settings.name or Path(settings.encoder).name


def learned_folds(model: Path) -> set[int]:
    """The training folds on a model's card."""
    from avtool.models.foreign import locate

    recipe = read_artifact(locate(model), "model").recipe
    return set(recipe.get("data", {}).get("train_folds") or ())


@dataclass(frozen=True)
class Trainings:
    """The trainings of a benchmark, each on all folds but one, or on the training part of a split.

    Attributes:
        name: of the benchmark.
        spec: of the benchmark.
        settings: how to train.
        data: what to train on.
        reporter: receives progress.
    """

    name: str
    spec: BenchmarkSpec
    settings: EvalRecipe
    data: BenchmarkData
    reporter: Reporter
    _sources: dict[object, FeatureSource] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """What is trained, in tables."""
        if self.settings.encoder:
            return encoder_title(self.settings)
        return f"{self._recipe.model.name} ({Path(self._recipe_name).name})"

    def train(self, runs: Sequence[Run]) -> dict[Run, Path]:
        """Trains what is not cached, side by side where that is faster; gives the finished runs.

        Raises:
            AvtoolError: recipe, encoder and data do not fit together, or a training failed.
        """
        plans = {run: self.plan(run) for run in runs}
        waiting = [run for run, plan in plans.items() if not plan.out.exists()]
        cached = len(plans) - len(waiting)
        self.reporter.info(f"{self.spec.title}: {len(plans)} trainings, {cached} of them cached")
        if waiting and self.spec.modality == "audio":
            self._features(plans[waiting[0]].task.recipe).of(
                self.data.clips
            )  # once, before each needs its own
        self._train_side_by_side(waiting)
        return {run: plan.train() for run, plan in plans.items()}

    def plan(self, run: Run, workers: int | None = None) -> CachedRun:
        """One training. The last epoch counts: nothing depends on the test clips.

        Args:
            run: which one.
            workers: loader processes; None for those of the recipe.
        """
        fold = self.data.fold(run.fold)
        recipe = self._recipe.model_copy(update={"seed": run.seed})
        if self.settings.encoder:
            encoder = encoder_of(self.settings, run.fold)
            recipe = adapted_recipe(recipe, encoder, self.spec.modality, start=run.start)
        if workers is not None:
            recipe = recipe.model_copy(update={"loop": recipe.loop.model_copy(update={"workers": workers})})
        if self.spec.data.cross_validated:  # on the model's card, so that it is known
            others = tuple(other for other in self.spec.data.folds if other != run.fold)
            data = recipe.data.model_copy(update={"train_folds": others})
            recipe = recipe.model_copy(update={"data": data})
        task = ClassificationTask.of_clips(
            fold.train,
            self.data.classes,
            recipe,
            self.reporter,
            inputs=[Input(f"{self.spec.title}, {fold.name}", "clips", _content(fold))],
            features=self._features(recipe),
            kind="multi-label" if self.spec.multi_label else "single-label",
            command=f"eval --benchmark {self.name}",
        )
        folder = self.settings.runs or cache_folder() / "benchmarks"
        name = f"{self.name}-seed{run.seed}-{fold.name.replace(' ', '')}"
        return CachedRun(task, default_out(task, folder, name))

    @property
    def start(self) -> Path | None:
        """The weights that the recipe names; an encoder takes their place."""
        return None if self.settings.encoder else self._recipe.model.init

    @cached_property
    def _recipe(self) -> FinetuneRecipe:
        flags = {
            "loop.epochs": self.settings.epochs,
            "runtime.device": self.settings.device,
            "data.seconds": self.spec.data.seconds,
            "model.freeze": True if self.settings.protocol == "frozen" else None,
        }
        recipe = load(FinetuneRecipe, recipe=find_recipe(self._recipe_name), flags=flags)
        if recipe.data.train_folds or recipe.data.val_folds:
            message = f"the recipe `{self._recipe_name}` chooses folds itself"
            raise BadInputError(message, "take data.train_folds out")
        return recipe

    @property
    def _recipe_name(self) -> str:
        return self.settings.training or self.spec.protocols[self.settings.protocol].recipe

    def _features(self, recipe: FinetuneRecipe) -> FeatureSource:
        """Spectrograms of all clips, which trainings with the same settings share."""
        key = (recipe.data.audio, recipe.data.cache, recipe.augment.mix_waveforms)
        source = FeatureSource(recipe, self.reporter, self.settings.jobs, self.data.clips)
        return self._sources.setdefault(key, source)

    def _train_side_by_side(self, waiting: Sequence[Run]) -> None:
        """Trains in processes of one thread each, where that is faster.

        A small network gains little from a second thread, and two trainings take no longer than one.
        """
        from avtool.models.runtime import choose_device, launched_processes

        on_cpu = choose_device(self.settings.device).value == "cpu"
        serial = not waiting or is_serial(self.settings.jobs, len(waiting))
        if serial or launched_processes() > 1 or not on_cpu:
            return
        tasks = [(self.name, self.spec, self.settings, run) for run in waiting]
        with self.reporter.progress("training folds", len(tasks)) as bar:
            for _ in map_unordered(_train_apart, tasks, jobs=self.settings.jobs):
                bar.advance()


def _train_apart(task: tuple[str, BenchmarkSpec, EvalRecipe, Run]) -> None:
    """Trains in a process of its own; what fails fails again in the main one, which reports why."""
    name, spec, settings, run = task
    with suppress(AvtoolError):
        settings = settings.model_copy(update={"jobs": 1})
        data = open_data(spec, settings, Silent())
        # a process of joblib can start no loader processes, and has no processor for them either
        Trainings(name, spec, settings, data, Silent()).plan(run, workers=0).train()


def _content(fold: Fold) -> str:
    """A hash of what is trained on, wherever it lies."""
    clips = fold.train
    columns = [clips.column(name) for name in ("clip_id", "labels", "start", "end")]
    sizes = [local_media(clips.folder, name).stat().st_size for name in clips.column("media")]
    return settings_hash([fold.name, *columns, sizes])
