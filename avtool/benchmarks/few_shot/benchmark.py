"""The eleven image datasets of CoOp: few-shot, base-to-new, cross-dataset and domain protocols, one class."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any, Literal

from pydantic import create_model

from avtool.benchmarks.benchmark import BENCHMARKS, BenchmarkFactSheet
from avtool.benchmarks.few_shot.published import published_notes, published_rows
from avtool.core.errors import BadInputError, MissingError
from avtool.core.paths import cache_folder, data_folder, find_recipe
from avtool.core.recipe import Recipe, option, read_recipe_file
from avtool.core.reporter import Reporter
from avtool.data.image_sets import IMAGE_SETS, ImageSet
from avtool.data.image_shots import harmonic_mean, shots_of
from avtool.evaluation.published import BenchmarkFacts, comparison
from avtool.evaluation.report import BenchmarkReport
from avtool.models.clip.methods import MethodName

if TYPE_CHECKING:
    from avtool.tasks.clip_prompts.sweep import SweepRecipe, SweepRow

_OF_ALL = ("few-shot", "base-to-new")
_OF_IMAGENET = (*_OF_ALL, "cross-dataset", "domain")
Scores = dict[str, dict[str, float]]
"""Name of what is scored → metric → % of each, over the seeds."""


class FewShotSettings(Recipe):
    """Settings of a few-shot benchmark."""

    data: Path | None = option(
        None, "The dataset's folder or split file.  [default: looked for in AVTOOL_DATA]", flag="--data"
    )
    images: Path | None = option(None, "Folder of the images.  [default: the dataset's]", flag="--images")
    protocol: str = option("few-shot", "How models are scored.", flag="--protocol")
    backbone: str = option("", "The host: a folder with a CLIP, or a name on the hub.", flag="--backbone")
    method: MethodName = option("coop", "Which prompts are learned.", flag="--method")
    shots: int = option(16, "Training images a class.", flag="--shots", ge=1)
    seeds: int = option(3, "Trainings, with seed, seed + 1, …", flag="--seeds", ge=1, le=100)
    seed: int = option(1, "First seed of draws and prompts.", flag="--seed", ge=0)
    training: str | None = option(
        None, "Training recipe: a file, or a shipped one.  [default: the method's settings]",
        flag="--training",
    )  # fmt: skip
    epochs: int | None = option(None, "Epochs.  [default: the method's]", flag="--epochs", ge=1, le=10**9)
    device: str = option("auto", "auto, cpu, cuda or cuda:1.", flag="--device")
    runs: Path | None = option(None, "Folder of the trainings.  [default: the cache]", flag="--runs")


@dataclass(frozen=True)
class FewShotBenchmark:
    """A dataset under the protocols of prompt tuning."""

    name: str

    @property
    def image_set(self) -> ImageSet:
        """Facts of the dataset."""
        return IMAGE_SETS[self.name]

    @property
    def protocols(self) -> tuple[str, ...]:
        """ImageNet is what prompts for other datasets and domains are tuned on."""
        return _OF_IMAGENET if self.name == "imagenet" else _OF_ALL

    @property
    def facts(self) -> BenchmarkFactSheet:
        """Its row of a listing."""
        facts = self.image_set
        return BenchmarkFactSheet(
            title=f"{facts.title}, few shots",
            summary=f"Prompts of CLIP tuned on a few of {facts.title}'s images.",
            data=facts.split or facts.folder,
            protocols=self.protocols,
            metric="accuracy",
            published=tuple(row for each in self.protocols for row in published_rows(self.name, each)),
        )

    @cached_property
    def settings(self) -> type[Recipe]:
        """Its settings."""
        text = f"How models are scored: {', '.join(self.protocols)}."
        field = (Literal[self.protocols], option("few-shot", text, flag="--protocol"))
        fields: dict[str, Any] = {"protocol": field}
        made: type[Recipe] = create_model(
            "Settings", __base__=FewShotSettings, __doc__=self.image_set.title, **fields
        )
        return made

    def run(self, settings: Recipe, reporter: Reporter) -> BenchmarkReport:
        """Trains the prompts of every seed and scores them.

        Raises:
            MissingError: the dataset is not on this machine.
            BadInputError: it cannot be read, or no host is given.
        """
        assert isinstance(settings, FewShotSettings), "the settings are this benchmark's"
        if not settings.backbone:
            raise BadInputError("no --backbone given", "give a folder, or openai/clip-vit-base-patch16")
        source = settings.data or _find(self.image_set)
        run = _Run(source, settings, reporter)
        scores = {"few-shot": run.few_shot, "base-to-new": run.base_to_new}.get(
            settings.protocol, run.targets
        )()
        return _report(self.name, self.image_set, settings, scores)


@dataclass(frozen=True)
class _Run:
    """The trainings of a benchmark."""

    source: Path
    settings: FewShotSettings
    reporter: Reporter

    @property
    def folder(self) -> Path:
        return self.settings.runs or cache_folder() / "prompt-runs"

    @property
    def seeds(self) -> range:
        return range(self.settings.seed, self.settings.seed + self.settings.seeds)

    def few_shot(self) -> Scores:
        """The method, the zero-shot classifier and a linear probe on one draw a seed."""
        cells = self._trained("all")
        names = dict.fromkeys(cell.method for cell in cells)
        return {
            name: {"accuracy": 100 * mean(c.accuracy for c in cells if c.method == name)} for name in names
        }

    def base_to_new(self) -> Scores:
        """Prompts tuned on base classes, scored on these and on the new ones."""
        from avtool.tasks.clip_prompts.transfer import score_images

        scores: Scores = {}
        cells = self._trained("base")
        for name in dict.fromkeys(cell.method for cell in cells if cell.run):
            own = [cell for cell in cells if cell.method == name]
            recipe = self._score("new", self.settings.images)
            found = [score_images(Path(cell.run), self.source, recipe, self.reporter) for cell in own]
            base = 100 * mean(cell.accuracy for cell in own)
            new = 100 * mean(one.metrics()["accuracy"] for one, _ in found)
            scores[name] = {"base": base, "new": new, "H": harmonic_mean(base, new)}
        return scores

    def targets(self) -> Scores:
        """Prompts tuned on ImageNet, scored on other datasets or domains that are on this machine."""
        from avtool.tasks.clip_prompts.transfer import score_images

        domain = self.settings.protocol == "domain"
        wanted = [name for name in IMAGE_SETS if IMAGE_SETS[name].domain == domain and name != "imagenet"]
        places = {name: path for name in wanted if (path := _place(IMAGE_SETS[name])) is not None}
        if not places:
            message = f"none of the {len(wanted)} target datasets is in `{data_folder()}`"
            raise MissingError(message, "set AVTOOL_DATA to the folder that holds them")
        cells = self._trained("all")
        scores: Scores = {}
        for name in dict.fromkeys(cell.method for cell in cells if cell.run):
            own = [cell for cell in cells if cell.method == name]
            scores[name] = {"imagenet": 100 * mean(cell.accuracy for cell in own)}
            for target, place in places.items():
                recipe = self._score("all", None)
                found = [score_images(Path(c.run), place, recipe, self.reporter)[0].metrics() for c in own]
                scores[name][target] = 100 * mean(one["accuracy"] for one in found)
        return scores

    def _trained(self, classes: str) -> "list[SweepRow]":
        from avtool.tasks.clip_prompts.sweep import ClipSweep

        return ClipSweep(self.source, self._sweep(classes), self.reporter, self.folder, "eval").rows()

    def _sweep(self, classes: str) -> "SweepRecipe":
        from avtool.core.recipe import validate
        from avtool.tasks.clip_prompts.sweep import SweepRecipe

        settings = self.settings
        values: dict[str, Any] = read_recipe_file(find_recipe(settings.training)) if settings.training else {}
        values.pop("command", None)
        more: dict[str, dict[str, Any]] = {
            "prompt": {"backbone": settings.backbone},
            "data": {"classes": classes, **({"images": settings.images} if settings.images else {})},
            "loop": {"epochs": settings.epochs} if settings.epochs else {},
            "runtime": {"device": settings.device},
            "sweep": {
                "methods": ("zeroshot", *(() if settings.method == "zeroshot" else (settings.method,))),
                "shots": (settings.shots,),
                "seeds": tuple(self.seeds),
                "linear_probe": classes == "all" and settings.protocol == "few-shot",
            },
        }
        merged = {**values, **{key: {**values.get(key, {}), **own} for key, own in more.items()}}
        return validate(SweepRecipe, merged, origin="the settings of the trainings")

    def _score(self, classes: Any, images: Path | None) -> Any:
        from avtool.core.runtime import RuntimeRecipe
        from avtool.tasks.clip_prompts.recipe import ImagesRecipe
        from avtool.tasks.clip_prompts.transfer import ScoreRecipe

        data = ImagesRecipe(shots=0, classes=classes, images=images)
        return ScoreRecipe(transfer=True, data=data, runtime=RuntimeRecipe(device=self.settings.device))


def _place(facts: ImageSet) -> Path | None:
    """Where a dataset is in AVTOOL_DATA."""
    folder = data_folder() / facts.folder
    file = folder / facts.split if facts.split else folder
    return file if file.exists() else None


def _find(facts: ImageSet) -> Path:
    found = _place(facts)
    if found is None:
        message = f"{facts.title} is not in `{data_folder()}`"
        raise MissingError(message, f"give it with --data, or put it there as `{facts.folder}`")
    return found


def _report(name: str, facts: ImageSet, settings: FewShotSettings, scores: Scores) -> BenchmarkReport:
    rows = published_rows(name, settings.protocol)
    ours: list[tuple[str, str, Mapping[str, float]]] = [
        (method, "none" if method == "zeroshot" else shots_of(settings.shots), values)
        for method, values in scores.items()
    ]
    ours.sort(key=lambda row: row[0] != settings.method)
    closing = BenchmarkFacts(title=facts.title, num_classes=facts.classes, published=rows).closing_notes()
    seeds = f"seeds {settings.seed} to {settings.seed + settings.seeds - 1}"
    main = ours[0][2]
    headline = ", ".join(f"{metric} {value:.2f} %" for metric, value in main.items())
    notes = [
        f"Protocol: {settings.protocol}, {shots_of(settings.shots)}, {seeds}, full test split, last prompts. "
        f"Host: {settings.backbone}.",
        *published_notes(settings.protocol),
        *closing,
    ]
    if settings.method == "dpt" and settings.protocol != "few-shot":
        notes.insert(1, "DPT does not transfer to classes that it was not tuned for.")
    table = comparison(f"{facts.title}, {settings.protocol}: accuracy in %", rows, ours)
    return BenchmarkReport(f"{settings.method}: {headline}", {"scores": scores}, [table], notes)


for _name in IMAGE_SETS:
    if not IMAGE_SETS[_name].domain:
        BENCHMARKS.add(f"clip-{_name}", FewShotBenchmark(_name))
