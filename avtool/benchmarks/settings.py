"""Settings of benchmarks: one recipe with all keys, of which each benchmark takes those that it needs."""

from copy import copy
from pathlib import Path
from typing import Any, Literal

from pydantic import create_model

from avtool.benchmarks.spec import OF_ENCODERS, TRAINED, BenchmarkSpec, ProtocolName
from avtool.core.errors import BadInputError
from avtool.core.recipe import Recipe, option, validate
from avtool.data.folds import Folds
from avtool.evaluation.metrics.multi_label import UNLABELLED, Unlabelled


class EvalRecipe(Recipe):
    """All settings of the runner."""

    data: Path | None = option(
        None, "The dataset: as published, or prepared.  [default: looked for in AVTOOL_DATA]", flag="--data"
    )
    download: bool = option(False, "Download the dataset into AVTOOL_DATA if absent.", flag="--download")
    protocol: ProtocolName = option("predictions", "How models are scored.", flag="--protocol")
    encoder: str | None = option(
        None,
        "Pretrained model, run, or published weights; {fold} in it stands for the fold that it is tested on.",
        flag="--encoder",
    )
    model: Path | None = option(None, "Score this model instead of training.", flag="--model")
    class_map: Path | None = option(
        None,
        "TOML file: the classes of --model that stand for each class of the benchmark.",
        flag="--class-map",
    )
    predictions: Path | None = option(
        None, "Score this `predictions` artifact (`avtool predict` writes them).", flag="--predictions"
    )
    unverified: bool = option(
        False,
        "Score a model although it has no record of its training clips.",
        flag="--unverified",
    )
    name: str | None = option(None, "Name of what is scored, in tables.  [default: its file's]")
    training: str | None = option(
        None, "Training recipe: a file, or a shipped one.  [default: the protocol's]", flag="--training"
    )
    epochs: int | None = option(None, "Epochs.  [default: the recipe's]", flag="--epochs", ge=1, le=10**9)
    folds: Folds | None = option(
        None, "Only these folds or splits: quicker, but not the protocol.  [default: all]", flag="--folds"
    )
    seeds: int = option(1, "Trainings of each fold, with seed, seed + 1, …", flag="--seeds", ge=1, le=100)
    seed: int = option(0, "Seed of everything random.", flag="--seed", ge=0)
    device: str = option("auto", "auto, cpu, cuda or cuda:1.", flag="--device")
    runs: Path | None = option(None, "Folder of the trainings.  [default: the cache]", flag="--runs")
    jobs: int = option(
        1,
        "Processes that read data and, on a CPU, train folds side by side; -1: one a processor.",
        flag="--jobs",
        ge=-1,
    )
    windows: int | None = option(
        None, "Evenly spaced windows of each clip; 0 tiles it.  [default: the protocol's]", ge=0, le=1000
    )
    crops: int | None = option(
        None, "Square crops of each window's frames, side by side.  [default: the protocol's]", ge=1, le=10
    )
    neighbours: int = option(20, "knn: neighbours that vote, by exp(cosine / 0.07).", ge=1, le=1000)
    baselines: bool = option(True, "Measure the classical baselines.")
    unlabelled: Unlabelled = option("skip", UNLABELLED)
    random_init: bool = option(True, "Measure the random-init baseline of the encoder.")


def settings_of(spec: BenchmarkSpec) -> type[Recipe]:
    """The settings model of a benchmark: the keys that its data and its protocols need, with its defaults.

    Raises:
        BadInputError: the benchmark has a default for a key that it does not take.
    """
    keys = _keys_of(spec)
    if foreign := sorted(spec.defaults.keys() - keys):
        raise BadInputError(
            f"benchmark `{spec.title}` has no setting `{foreign[0]}`", "correct its [defaults]"
        )
    validate(EvalRecipe, spec.defaults, origin=f"[defaults] of benchmark `{spec.title}`")
    fields: dict[str, Any] = {}
    for key, field in EvalRecipe.model_fields.items():
        if key in keys:
            own = copy(field)
            own.default = spec.defaults.get(key, field.default)
            fields[key] = (field.annotation, own)
    if "protocol" in fields:
        default = spec.defaults.get("protocol", spec.computed[0])
        text = f"How models are scored: {', '.join(spec.computed)}."
        fields["protocol"] = (Literal[spec.computed], option(default, text, flag="--protocol"))
    return create_model("Settings", __base__=Recipe, __doc__=spec.title, **fields)


def _keys_of(spec: BenchmarkSpec) -> set[str]:
    names, computed = set(spec.protocols), set(spec.computed)
    wanted = {
        "data": bool(computed),
        "download": spec.data.download is not None,
        "protocol": len(computed) > 1,
        "encoder": bool(computed & set(OF_ENCODERS)),
        "model": "train" in names,
        "class_map": "train" in names,
        "predictions": "predictions" in names,
        "unverified": bool(computed or spec.published),
        "name": "predictions" in names,
        "training": bool(computed & set(TRAINED)),
        "epochs": bool(computed & set(TRAINED)),
        "folds": len(spec.data.folds) > 1,
        "seeds": bool(computed & set(TRAINED)) and not spec.multi_label,
        "seed": True,
        "device": bool(computed),
        "runs": bool(computed & set(TRAINED)),
        "jobs": bool(computed),
        "windows": bool(computed - {"av-retrieval", "zero-shot"}),
        "crops": bool(computed & set(TRAINED)) and spec.modality == "video",
        "neighbours": "knn" in names,
        "unlabelled": spec.scoring in {"auto", "multi-label"},
        "baselines": spec.classical_baselines,
        "random_init": bool(computed & set(OF_ENCODERS)),
    }
    return {key for key, needed in wanted.items() if needed}


def complete(spec: BenchmarkSpec, settings: Recipe) -> EvalRecipe:
    """The settings of a benchmark with those that it does not take at their defaults.

    Raises:
        BadInputError: settings that exclude each other are both given, or one that is needed is not.
    """
    values = settings.model_dump()
    if not spec.computed or values.get("predictions"):
        values["protocol"] = "predictions"
    elif len(spec.computed) == 1:
        values["protocol"] = spec.computed[0]
    found = EvalRecipe.model_validate(values)
    _check(spec, found, chosen=getattr(settings, "protocol", "predictions"))
    return found


def _check(spec: BenchmarkSpec, settings: EvalRecipe, chosen: str) -> None:
    sources = {"encoder": settings.encoder, "predictions": settings.predictions, "model": settings.model}
    given = [f"--{name}" for name, value in sources.items() if value]
    if len(given) > 1:
        raise BadInputError(f"{' and '.join(given)} are both given", "give one of them")
    if settings.protocol == "predictions" and not settings.predictions:
        message = "no --predictions given, which are scored"
        raise BadInputError(message, "give --predictions (`avtool predict` makes them)")
    if settings.encoder and settings.protocol == "train":
        choice = ", ".join(name for name in spec.computed if name in OF_ENCODERS)
        raise BadInputError("--encoder needs a --protocol", f"choose one of {choice}")
    if settings.class_map and not settings.model:
        raise BadInputError("--class-map needs a --model", "name the classifier whose classes it maps")
    if settings.model and chosen in OF_ENCODERS:
        raise BadInputError(f"--model and --protocol {chosen} are both given", "--model scores it as it is")
    if settings.protocol in OF_ENCODERS and not settings.encoder:
        message = f"--protocol {settings.protocol} needs an --encoder"
        raise BadInputError(message, "give a model, or a run")
    if foreign := set(settings.folds or ()) - set(spec.data.folds):
        message = f"{spec.title} has no fold {min(foreign)}"
        raise BadInputError(message, f"its folds are {', '.join(map(str, spec.data.folds))}")
