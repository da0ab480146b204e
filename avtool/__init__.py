"""Audio-visual learning: sound events mined from captions, pretraining, fine-tuning, evaluation.

The Python API:

    import avtool

    model = avtool.load_model("runs/esc10")
    model.predict(["rain.wav"])[0].label
    model.embed(["rain.wav"])[0].values

Nothing heavy is imported before it is used.
"""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avtool.core.version import __version__ as __version__

if TYPE_CHECKING:
    from torch import nn

    from avtool.data.manifest import Clip as Clip
    from avtool.data.manifest import Manifest
    from avtool.inference.embedding import FileFeatures
    from avtool.inference.events import Event as Event
    from avtool.inference.score import FilePrediction
    from avtool.inference.text_classifier import TextClassifier
    from avtool.inference.text_classifier import TextPrediction as TextPrediction
    from avtool.inference.trained_model import TrainedModel
    from avtool.jobs.train import TrainResult

_CLASSES = {
    "AvtoolError": "avtool.core.errors",
    "Clip": "avtool.data.manifest",
    "Event": "avtool.inference.events",
    "FileFeatures": "avtool.inference.embedding",
    "FilePrediction": "avtool.inference.score",
    "Manifest": "avtool.data.manifest",
    "TextClassifier": "avtool.inference.text_classifier",
    "TextPrediction": "avtool.inference.text_classifier",
    "TrainedModel": "avtool.inference.trained_model",
    "TrainResult": "avtool.jobs.train",
}
"""What the functions return and raise, by its home."""


def list_models(pattern: str = "*") -> list[str]:
    """The names of the registered models that match a shell pattern, sorted: `list_models("ast_*")`."""
    from avtool.models.registry import list_models as find

    return find(pattern)


def create_model(name: str, **overrides: Any) -> "nn.Module":
    """Builds a registered model with random weights.

    Args:
        name: as `list_models` gives it.
        **overrides: settings of the model, such as `num_classes=10`.

    Raises:
        BadInputError: there is no such model, or no such setting of it.
        MissingError: torch is not installed.
    """
    _need_torch()
    from avtool.models.registry import create

    return create(name, **overrides)


def load_model(path: str | Path, *, device: str = "auto", precision: str = "auto") -> "TrainedModel":
    """Loads a trained model, ready for files.

    Args:
        path: the folder of a model or of a run, or a checkpoint.
        device: auto, cpu, cuda or cuda:1.
        precision: auto, fp32, bf16 or fp16.

    Returns:
        `predict(files)`, `embed(files)`, and the network as `model`.

    Raises:
        BadInputError: the path holds no model.
        CorruptArtifactError: it is damaged.
        MissingError: torch is not installed, or the device is not there.
    """
    from avtool.core.recipe import validate
    from avtool.core.reporter import Silent
    from avtool.core.runtime import RuntimeRecipe

    _need_torch()
    from avtool.inference.trained_model import TrainedModel

    runtime = validate(RuntimeRecipe, {"device": device, "precision": precision}, "load_model")
    return TrainedModel(Path(path), runtime, Silent())


def load_text_model(path: str | Path, *, device: str = "auto") -> "TextClassifier":
    """Loads a model of `avtool prompt-tune lm-bff`, ready for texts.

    Args:
        path: the folder of a model or of a run.
        device: auto, cpu, cuda or cuda:1.

    Returns:
        `predict(texts)`, and `labels`.

    Raises:
        BadInputError: the path holds no model of texts.
        CorruptArtifactError: it is damaged.
        MissingError: torch is not installed, or the device is not there.
    """
    _need_torch()
    from avtool.inference.text_classifier import TextClassifier

    return TextClassifier(Path(path), device)


def predict(
    files: Sequence[str | Path], model: str | Path, *, events: bool = False, **settings: Any
) -> "list[FilePrediction]":
    """Scores files with a trained classifier.

    Args:
        files: files, folders, and datasets.
        model: the folder of a model or of a run, or a checkpoint.
        events: find events in time too.
        **settings: further keys of the recipe of `avtool predict`.

    Raises:
        AvtoolError: the model cannot be used, or a file cannot be read.
    """
    return load_model(model).predict(files, events=events, **settings)


def embed(files: Sequence[str | Path], model: str | Path, **settings: Any) -> "list[FileFeatures]":
    """The features that an encoder gives of files, window by window.

    Args:
        files: files, folders, and datasets.
        model: the folder of a model or of a run, or a checkpoint.
        **settings: keys of the recipe of `avtool embed`: modality, hop, windows, …

    Raises:
        AvtoolError: the model cannot be used, or a file cannot be read.
    """
    return load_model(model).embed(files, **settings)


def read_dataset(path: str | Path) -> "Manifest":
    """Reads the clips of a dataset.

    Args:
        path: a `dataset` artifact, a Parquet table of the same columns, or WebDataset shards.

    Raises:
        BadInputError: it is none.
        CorruptArtifactError: it is damaged.
    """
    from avtool.data.dataset import open_dataset

    return open_dataset(Path(path))


def train(
    task: str,
    dataset: str | Path,
    out: str | Path | None = None,
    *,
    recipe: str | Path | None = None,
    settings: "dict[str, Any] | None" = None,
    overwrite: bool = False,
) -> "TrainResult":
    """Trains a task, or resumes an interrupted training of the same settings.

    Args:
        task: `classification`, `audio-mae`, `mavil`, …: a registered task.
        dataset: what it learns from.
        out: the run's folder; by default in `runs/`, named by task and settings.
        recipe: a TOML file, or the name of a recipe that comes with avtool.
        settings: recipe keys, such as `{"loop.epochs": 5, "runtime.device": "cpu"}`.
        overwrite: replace a run that is there.

    Raises:
        AvtoolError: data, model and settings do not fit together, or the training failed.
        MissingError: torch is not installed.
    """
    _need_torch()
    from avtool.core.paths import find_recipe
    from avtool.core.recipe import load
    from avtool.core.reporter import Silent
    from avtool.jobs.train import train as run
    from avtool.tasks import TASKS

    schema = TASKS.find(task).recipe_type
    file = find_recipe(str(recipe)) if recipe is not None else None
    resolved = load(schema, recipe=file, flags=settings, environment={})
    target = Path(out) if out is not None else None
    return run(task, Path(dataset), resolved, Silent(), out=target, overwrite=overwrite)


def _need_torch() -> None:
    from avtool.core.requirements import require

    require("torch", "learn")


def __getattr__(name: str) -> Any:
    if name not in _CLASSES:
        raise AttributeError(f"module 'avtool' has no attribute '{name}'")
    return getattr(import_module(_CLASSES[name]), name)


def __dir__() -> list[str]:
    functions = [
        "create_model", "embed", "list_models", "load_model", "predict", "read_dataset", "train",
    ]  # fmt: skip
    return sorted([*functions, *_CLASSES, "__version__"])
