"""Action recognition on official divisions: fine-tuning, linear probe, retrieval (UCF101, HMDB51)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from avtool.benchmarks.divisions import (
    Division,
    FeatureStore,
    FinetuneSettings,
    finetune_division,
    mean_retrieval,
    probe_division,
    retrieve_division,
)
from avtool.core.artifact import CARD, settings_hash
from avtool.core.errors import BadInputError
from avtool.core.paths import cache_folder, find_recipe
from avtool.core.recipe import Recipe, load, option
from avtool.core.reporter import Reporter
from avtool.core.runtime import RuntimeRecipe
from avtool.data.manifest import read_manifest
from avtool.data.prepare.dataset import prepare
from avtool.data.prepare.recipe import PrepareRecipe
from avtool.evaluation.division_report import division_report, retrieval_report
from avtool.evaluation.predictions import Predictions
from avtool.evaluation.probes.clip_probe import ProbeName
from avtool.evaluation.report import BenchmarkReport
from avtool.inference.predictor import Predictor
from avtool.tasks.classification.adapt import adapted_recipe
from avtool.tasks.classification.clips import find_classes
from avtool.tasks.classification.recipe import FinetuneRecipe

Splits = tuple[Literal[1, 2, 3], ...]
_PROBES: Mapping[str, ProbeName] = {"linear": "logistic", "svm": "svm"}
_TWIN = "random weights"
_SIZES = {"UCF101": 13_320, "HMDB51": 5_100}
"""Videos of a division, training and test together."""


class ActionSettings(Recipe):
    """UCF101 and HMDB51."""

    data: Path | None = option(
        None, "The folder with the lists and the videos, or a prepared data set.", flag="--data"
    )
    encoder: str | None = option(None, "A pretrained model or run that takes video.", flag="--encoder")
    protocol: Literal["finetune", "linear", "svm", "retrieval"] = option(
        "linear", "finetune, linear, svm, or retrieval by nearest neighbours.", flag="--protocol"
    )
    splits: Splits = option((1, 2, 3), "Official divisions.  [default of retrieval: the first]", min_length=1)
    windows: int = option(10, "Clips of each video, evenly spaced.", ge=1, le=1000)
    training: str = option("finetune/action-encoder", "The recipe to fine-tune by.", flag="--training")
    epochs: int | None = option(None, "Epochs.  [default: the recipe's]", flag="--epochs", ge=1)
    twin: bool = option(True, "Measure the same encoder with random weights too.")
    device: str = option("auto", "auto, cpu, cuda or cuda:1.", flag="--device")
    runs: Path | None = option(None, "Where trainings are kept.  [default: the cache]", flag="--runs")
    seed: int = option(0, "Seed of everything random.", flag="--seed", ge=0)
    jobs: int = option(1, "Processes that look at the videos.", flag="--jobs", ge=-1)


def run_action(layout: str, title: str, settings: ActionSettings, reporter: Reporter) -> BenchmarkReport:
    """Evaluates an encoder on a data set's official divisions.

    Raises:
        AvtoolError: the data set or the encoder cannot be used, or a training failed.
    """
    if settings.data is None or settings.encoder is None:
        missing = "--data" if settings.data is None else "--encoder"
        raise BadInputError(f"no {missing} given", f"`{layout}` needs --data and --encoder")
    divisions = _divisions(layout, settings.data, settings, reporter)
    task = _Evaluation(layout, title, settings, Path(settings.encoder), divisions, reporter)
    if settings.protocol == "finetune":
        return task.finetune()
    return task.retrieve() if settings.protocol == "retrieval" else task.probe(_PROBES[settings.protocol])


@dataclass(frozen=True)
class _Evaluation:
    """An encoder, the divisions of a data set, and what can be asked."""

    layout: str
    title: str
    settings: ActionSettings
    encoder: Path
    divisions: list[Division]
    reporter: Reporter

    @property
    def models(self) -> dict[str, int | None]:
        """Name → the seed of random weights, None for the encoder's own."""
        ours: dict[str, int | None] = {self.encoder.name: None}
        return {**ours, _TWIN: self.settings.seed} if self.settings.twin else ours

    def stores(self) -> dict[str, FeatureStore]:
        """The features of each model."""
        runtime = RuntimeRecipe(device=self.settings.device)
        return {
            name: FeatureStore(
                Predictor(self.encoder, runtime, self.reporter, random_seed=seed).only("video"),
                self.settings.windows,
                self.reporter,
            )
            for name, seed in self.models.items()
        }

    def retrieve(self) -> BenchmarkReport:
        """Test videos among training videos."""
        recall = {
            name: mean_retrieval([retrieve_division(division, store) for division in self.divisions])
            for name, store in self.stores().items()
        }
        note = (
            f"Queries are the test videos of {_said(self.divisions)}, the gallery its training videos; the "
            f"unit features of {self.settings.windows} clips of a video are averaged, and compared by their "
            "cosine. Of equally similar videos the one that stands first is the nearer."
        )
        return retrieval_report(self.title, self.layout, recall, [note, *self._warnings()])

    def probe(self, name: ProbeName) -> BenchmarkReport:
        """Linear classifiers on frozen features."""
        seed, reporter = self.settings.seed, self.reporter
        runs = {
            model: {
                division.name: probe_division(division, store, name, reporter, seed)
                for division in self.divisions
            }
            for model, store in self.stores().items()
        }
        note = (
            f"{self.settings.windows} clips of each video, evenly spaced; their probabilities (of SVMs: "
            "margins) are averaged. C was chosen by cross-validation inside the training videos, films kept "
            "together."
        )
        return division_report(self.title, self.layout, "linear", runs, [note, *self._warnings()])

    def finetune(self) -> BenchmarkReport:
        """Trainings that start from the encoder, and from random weights."""
        settings = self.settings
        flags = {"loop.epochs": settings.epochs, "runtime.device": settings.device, "seed": settings.seed}
        recipe = load(FinetuneRecipe, recipe=find_recipe(settings.training), flags=flags)
        folder = settings.runs or cache_folder() / "benchmarks"
        where = FinetuneSettings(self.layout, folder, settings.windows, settings.device, settings.jobs)
        runs: dict[str, dict[str, Predictions]] = {}
        for name, seed in self.models.items():
            adapted = adapted_recipe(recipe, self.encoder, "video", start=seed is None)
            runs[name] = {
                division.name: finetune_division(division, adapted, where, self.reporter)
                for division in self.divisions
            }
        note = (
            f"Test: the probabilities of {settings.windows} evenly spaced clips of each video are averaged. "
            "The last epoch is scored: nothing was chosen by test videos."
        )
        return division_report(self.title, self.layout, "finetune", runs, [note, *self._warnings()])

    def _warnings(self) -> list[str]:
        """What is to be known where there are other videos than the official ones, or not all divisions."""
        notes, official = [], _SIZES[self.title]
        for division in self.divisions:
            found = len(division.train) + len(division.test)
            if found != official:
                notes.append(
                    f"{division.name} has {found} videos, officially {official}: do not hold these numbers "
                    "beside published ones."
                )
        if self.settings.protocol != "retrieval" and len(self.divisions) < 3:
            notes.append(f"Only {_said(self.divisions)}: published numbers are means of three divisions.")
        return notes


def _divisions(layout: str, data: Path, settings: ActionSettings, reporter: Reporter) -> list[Division]:
    dataset = data
    if not (data / CARD).is_file():
        name = f"{layout}-{settings_hash(str(data.absolute()))}"
        dataset = cache_folder() / "benchmarks" / name
        dataset.parent.mkdir(parents=True, exist_ok=True)
        prepare(data, dataset, PrepareRecipe(layout=layout), reporter, jobs=settings.jobs)
    clips = read_manifest(dataset)
    (classes,) = find_classes(dataset, "single-label")
    numbers = settings.splits[:1] if settings.protocol == "retrieval" else settings.splits
    return [
        Division(
            f"split {number}",
            clips.select("train", split_column=f"split_{number}"),
            clips.select("test", split_column=f"split_{number}"),
            classes,
        )
        for number in numbers
    ]


def _said(divisions: list[Division]) -> str:
    return " and ".join(division.name for division in divisions)
