"""Images in a folder a class, as ImageNet is laid out: an image encoder fine-tuned or probed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import pyarrow as pa

from avtool.benchmarks.divisions import (
    Division,
    FeatureStore,
    FinetuneSettings,
    finetune_division,
    probe_division,
)
from avtool.core.errors import BadInputError
from avtool.core.manifest_columns import checked_table
from avtool.core.paths import cache_folder, find_recipe
from avtool.core.recipe import Recipe, load, option
from avtool.core.reporter import Reporter
from avtool.core.runtime import RuntimeRecipe
from avtool.data.manifest import Manifest
from avtool.data.readers.source import split_name
from avtool.evaluation.division_report import division_report
from avtool.evaluation.predictions import Predictions
from avtool.evaluation.report import BenchmarkReport
from avtool.inference.predictor import Predictor
from avtool.media.still_images import is_image
from avtool.tasks.classification.adapt import adapted_recipe
from avtool.tasks.classification.recipe import FinetuneRecipe

_NAME = "imagenet-folder"
_TWIN = "random weights"
_IMAGENET_CLASSES = 1000
_CHOICE = {
    "linear": "C was chosen by cross-validation inside the training images.",
    "frozen": "The last epoch is scored: nothing was chosen by test images.",
    "finetune": "The last epoch is scored: nothing was chosen by test images.",
}


class Settings(Recipe):
    """A folder with `train/CLASS/…` and `val/CLASS/…`."""

    data: Path | None = option(None, "The folder above `train` and `val`.", flag="--data")
    encoder: str | None = option(None, "A pretrained model or run that takes images.", flag="--encoder")
    protocol: Literal["finetune", "linear", "frozen"] = option(
        "linear",
        "finetune; linear: a logistic regression on all features at once; frozen: the last layer trained by "
        "gradient descent, for millions of images.",
        flag="--protocol",
    )
    training: str = option("finetune/image-encoder", "The recipe to train by.", flag="--training")
    epochs: int | None = option(None, "Epochs.  [default: the recipe's]", flag="--epochs", ge=1)
    twin: bool = option(True, "Measure the same encoder with random weights too.")
    device: str = option("auto", "auto, cpu, cuda or cuda:1.", flag="--device")
    runs: Path | None = option(None, "Where trainings are kept.  [default: the cache]", flag="--runs")
    seed: int = option(0, "Seed of everything random.", flag="--seed", ge=0)


def run(settings: Settings, reporter: Reporter) -> BenchmarkReport:
    """Evaluates an image encoder.

    Raises:
        AvtoolError: the folder or the encoder cannot be used, or a training failed.
    """
    if settings.data is None or settings.encoder is None:
        missing = "--data" if settings.data is None else "--encoder"
        raise BadInputError(f"no {missing} given", f"`{_NAME}` needs --data and --encoder")
    division = read_image_folder(settings.data)
    encoder = Path(settings.encoder)
    twins = {encoder.name: None, _TWIN: settings.seed} if settings.twin else {encoder.name: None}
    runs = {
        name: {division.name: _score(settings, division, encoder, seed, reporter)}
        for name, seed in twins.items()
    }
    whole = len(division.classes) == _IMAGENET_CLASSES
    notes = [
        f"{len(division.train)} images to learn from, {len(division.test)} to test, "
        f"{len(division.classes)} classes. Test images: shorter side scaled, middle cut out.",
        "The last epoch is scored."
        if settings.protocol != "linear"
        else "C was chosen inside the training images.",
    ]
    if not whole:
        notes.append("These are not ImageNet's thousand classes: published numbers are no measure of them.")
    metric = "finetune" if settings.protocol == "finetune" else "linear"
    return division_report(settings.data.name, "imagenet" if whole else "", metric, runs, notes)


def _score(
    settings: Settings, division: Division, encoder: Path, random_seed: int | None, reporter: Reporter
) -> Predictions:
    if settings.protocol == "linear":
        runtime = RuntimeRecipe(device=settings.device)
        model = Predictor(encoder, runtime, reporter, random_seed=random_seed).only("image")
        return probe_division(division, FeatureStore(model, 1, reporter), "logistic", reporter, settings.seed)
    flags: Mapping[str, object] = {
        "loop.epochs": settings.epochs,
        "runtime.device": settings.device,
        "seed": settings.seed,
        "model.freeze": settings.protocol == "frozen",
    }
    recipe = load(FinetuneRecipe, recipe=find_recipe(settings.training), flags=flags)
    adapted = adapted_recipe(recipe, encoder, "image", start=random_seed is None)
    where = FinetuneSettings(_NAME, settings.runs or cache_folder() / "benchmarks", 1, settings.device)
    return finetune_division(division, adapted, where, reporter)


def read_image_folder(folder: Path) -> Division:
    """Reads `train/CLASS/…` beside `val`, `validation` or `test`.

    Raises:
        BadInputError: a part is missing or empty, or has a class that the training has not.
    """
    if not folder.is_dir():
        raise BadInputError(f"there is no folder `{folder}`", "give the folder above `train` and `val`")
    parts = {split_name(path.name): path for path in sorted(folder.iterdir()) if path.is_dir()}
    test = parts.get("val") or parts.get("test")
    if "train" not in parts or test is None:
        found = ", ".join(sorted(path.name for path in parts.values())) or "no folders"
        raise BadInputError(
            f"`{folder}` has no `train` and `val` ({found})", "lay images out as train/CLASS/image.jpg"
        )
    train, held_out = _images(parts["train"]), _images(test)
    classes = tuple(sorted({labels[0] for labels in train.column("labels")}))
    if foreign := {labels[0] for labels in held_out.column("labels")} - set(classes):
        raise BadInputError(
            f"`{test}` has the class `{min(foreign)}`, which `train` has not", "compare the folders"
        )
    return Division(test.name, train, held_out, classes)


def _images(folder: Path) -> Manifest:
    names = sorted(
        path.relative_to(folder).as_posix()
        for place in sorted(folder.iterdir())
        if place.is_dir()
        for path in place.rglob("*")
        if is_image(path) and not path.name.startswith(".")
    )
    if not names:
        raise BadInputError(
            f"`{folder}` has no images in folders of classes", "lay them out as CLASS/image.jpg"
        )
    columns = {
        "clip_id": [f"{folder.name}/{name}" for name in names],
        "media": [str((folder / name).absolute()) for name in names],
        "start": [0.0] * len(names),
        "end": [1.0] * len(names),
        "labels": [[name.split("/")[0]] for name in names],
    }
    return Manifest(checked_table(pa.table(columns), str(folder)), folder, str(folder))
