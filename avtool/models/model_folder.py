"""The `model` artifact: weights, how to build the network they belong to, and how to feed it.

`model.safetensors`, `config.json` (builder and its arguments), `preprocess.json` (rates, sizes, statistics,
labels), `README.md` (a card for people).
"""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, device, nn

from avtool.core.artifact import CARD, Artifact, Input, partial_folder, publish, read_artifact
from avtool.core.errors import AvtoolError, BadInputError, CorruptArtifactError
from avtool.core.files import read_json, write_json, write_text, writing
from avtool.models.build import tuples
from avtool.models.frozen import FrozenWeights
from avtool.models.registry import create

WEIGHTS = "model.safetensors"
_CONFIG, _PREPROCESS, _README = "config.json", "preprocess.json", "README.md"
_SCHEMA_VERSION = 1
_AGAIN = "train the model again, or get another copy of the folder"


@dataclass(frozen=True)
class ModelDescription:
    """What a reader of the weights must know.

    Attributes:
        builder: the registered name of the architecture.
        arguments: the builder's overrides, as JSON knows them.
        preprocess: what turns files into the model's inputs and its outputs into words: sample_rate, seconds,
            statistics, labels, task, …
        summary: a sentence for the card.
        command: the command line that trained it.
        inputs: the artifacts that it was trained on.
        frozen: weights that it does not hold itself; they are read from where they came from.
    """

    builder: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    preprocess: Mapping[str, Any] = field(default_factory=dict)
    summary: str = ""
    command: str = ""
    inputs: Sequence[Input] = ()
    frozen: Sequence[FrozenWeights] = ()

    def leaves_out(self, parameter: str) -> bool:
        """Whether a frozen parameter of the model is named here, and not stored."""
        return any(frozen.covers(parameter) for frozen in self.frozen)


@dataclass(frozen=True)
class LoadedModel:
    """A model read from its folder, on the CPU and in evaluation mode."""

    model: nn.Module
    description: ModelDescription

    @property
    def preprocess(self) -> Mapping[str, Any]:
        """How to feed it."""
        return self.description.preprocess


def save_model(
    folder: Path,
    weights: Mapping[str, Tensor],
    description: ModelDescription,
    *,
    recipe: Mapping[str, Any] | None = None,
    seed: int | None = None,
    metrics: Mapping[str, float] | None = None,
) -> None:
    """Writes the artifact `folder` atomically, in the place of an older one.

    Args:
        folder: the artifact.
        weights: the network's `state_dict()`, without what the description names as frozen.
        description: how to build and feed it.
        recipe: the resolved settings of the training.
        seed: its seed.
        metrics: what validation said, for the card.
    """
    partial = partial_folder(folder)
    with writing(partial):
        partial.mkdir(parents=True, exist_ok=True)
    save_tensors(partial / WEIGHTS, weights)
    config: dict[str, Any] = {
        "schema_version": _SCHEMA_VERSION,
        "builder": description.builder,
        "arguments": dict(description.arguments),
    }
    if description.frozen:
        config["frozen"] = [frozen.to_json() for frozen in description.frozen]
    write_json(partial / _CONFIG, config)
    write_json(partial / _PREPROCESS, dict(description.preprocess))
    count = sum(tensor.numel() for tensor in weights.values())
    write_text(partial / _README, _card(description, count, metrics or {}))
    publish(
        folder,
        Artifact("model", description.command, dict(recipe or {}), seed=seed, inputs=description.inputs),
    )


def save_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Writes named tensors to a safetensors file and makes it durable; tied tensors are written twice."""
    seen: set[int] = set()
    plain = {}
    for name, tensor in tensors.items():
        value = tensor.detach().cpu().contiguous()
        shared = value.untyped_storage().data_ptr() in seen
        plain[name] = value.clone() if shared else value
        seen.add(plain[name].untyped_storage().data_ptr())
    with writing(path):
        safetensors.torch.save_file(plain, path)
        with path.open("rb") as stream:
            os.fsync(stream.fileno())


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Reads a safetensors file onto the CPU.

    Raises:
        CorruptArtifactError: it is absent or damaged.
    """
    try:
        return safetensors.torch.load_file(path)
    except (OSError, SafetensorError, ValueError) as error:
        raise CorruptArtifactError(
            f"cannot read the tensors of `{path}`: {_one_line(error)}", _AGAIN
        ) from error


def find_model(path: Path) -> Path:
    """The model folder that a user means by a path: itself, or that of a run or of a checkpoint.

    Raises:
        BadInputError: there is none.
    """
    for folder in (path, path / "model"):
        if (folder / _CONFIG).is_file() or (folder / WEIGHTS).is_file():
            return folder
    if (path / "checkpoints").is_dir():
        raise BadInputError(
            f"the run `{path}` has no model yet", "run its command again to finish it, or give a checkpoint"
        )
    raise BadInputError(f"`{path}` holds no model", "give the folder of a model, or of a finished run")


def read_description(folder: Path) -> ModelDescription:
    """Reads how a model is built and fed, without its weights.

    Raises:
        CorruptArtifactError: a file is absent, damaged or of another version.
    """
    artifact = read_artifact(folder, "model")
    config, preprocess = read_json(folder / _CONFIG), read_json(folder / _PREPROCESS)
    if not (isinstance(config, dict) and isinstance(preprocess, dict)):
        raise CorruptArtifactError(f"`{folder}`: {_CONFIG} or {_PREPROCESS} holds no object", _AGAIN)
    builder, arguments = config.get("builder"), config.get("arguments")
    if not (isinstance(builder, str) and isinstance(arguments, dict)):
        raise CorruptArtifactError(f"`{folder / _CONFIG}` names no builder with arguments", _AGAIN)
    try:
        frozen = tuple(FrozenWeights(**item) for item in config.get("frozen", ()))
    except TypeError as error:
        raise CorruptArtifactError(f"`{folder / _CONFIG}`: frozen weights: {error}", _AGAIN) from error
    return ModelDescription(
        builder,
        arguments,
        preprocess,
        command=artifact.command,
        inputs=tuple(artifact.inputs),
        frozen=frozen,
    )


def needs_frozen(path: Path) -> bool:
    """Whether a model lies with frozen weights that it does not hold itself.

    Raises:
        BadInputError: the path holds no model.
    """
    folder = find_model(path)
    return (folder / CARD).is_file() and bool(read_description(folder).frozen)


def load_model(path: Path) -> LoadedModel:
    """Builds the model of a folder (or of a run or checkpoint) and loads its weights.

    Raises:
        BadInputError: the path holds no model.
        CorruptArtifactError: a file is damaged, frozen weights are not where they came from, or the weights
            belong to another architecture.
    """
    folder = find_model(path)
    description = read_description(folder)
    with device("meta"):  # the sizes are compared before memory is taken
        skeleton = build_model(folder, description)
    _check_fit(skeleton, folder, description)
    model = build_model(folder, description)
    _load_into(model, folder, description)
    return LoadedModel(model.eval(), description)


def load_weights(model: nn.Module, path: Path) -> None:
    """Loads the weights of a folder into a model that is built already.

    Raises:
        BadInputError: the path holds no model.
        CorruptArtifactError: as for `load_model`.
    """
    folder = find_model(path)
    description = read_description(folder)
    _check_fit(model, folder, description)
    _load_into(model, folder, description)


def _load_into(model: nn.Module, folder: Path, description: ModelDescription) -> None:
    stored = load_tensors(folder / WEIGHTS)
    for frozen in description.frozen:
        frozen.load(model, folder, stored)
    model.load_state_dict(model.state_dict() | stored if description.frozen else stored)


def build_model(folder: Path, description: ModelDescription) -> nn.Module:
    """The network that a folder describes, with weights that are drawn at random.

    Raises:
        CorruptArtifactError: there is no such architecture, or its arguments do not fit it.
    """
    try:
        return create(description.builder, **tuples(description.arguments))
    except (AvtoolError, TypeError, ValueError, RuntimeError) as error:
        message = f"`{folder}` holds a `{description.builder}` that cannot be built: {_one_line(error)}"
        raise CorruptArtifactError(message, getattr(error, "hint", "") or _AGAIN) from error


def _check_fit(model: nn.Module, folder: Path, description: ModelDescription) -> None:
    """Compares names and shapes; the file's header suffices."""
    path = folder / WEIGHTS
    try:
        with safe_open(path, framework="pt") as stream:
            found = {name: tuple(stream.get_slice(name).get_shape()) for name in stream.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise CorruptArtifactError(f"cannot read the weights `{path}`: {_one_line(error)}", _AGAIN) from error
    wanted = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    problems = {
        "lacks": sorted(name for name in wanted.keys() - found.keys() if not description.leaves_out(name)),
        "has unknown": sorted(found.keys() - wanted.keys()),
        "has in another shape": sorted(k for k in wanted.keys() & found.keys() if wanted[k] != found[k]),
    }
    if any(problems.values()):
        words = "; ".join(f"{problem} {_some(names)}" for problem, names in problems.items() if names)
        builder, kind = description.builder, type(model).__name__
        message = f"`{path}`, of a `{builder}`, does not fit this {kind}: it {words}"
        raise CorruptArtifactError(message, "use the model of the same builder and arguments")


def _some(names: Sequence[str], limit: int = 3) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(f"`{name}`" for name in names[:limit]) + more


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _card(description: ModelDescription, num_values: int, metrics: Mapping[str, float]) -> str:
    preprocess = {
        name: value if len(text := json.dumps(value, ensure_ascii=False)) <= 80 else f"{text[:77]}…"
        for name, value in description.preprocess.items()
    }
    sections = [
        f"# {description.builder}",
        description.summary,
        f"{num_values / 1e6:.2f} M values, built by `{description.builder}` with "
        f"`{json.dumps(dict(description.arguments), ensure_ascii=False)}`.",
        *(
            f"Its frozen weights are those of `{frozen.path}`, SHA-256 {frozen.sha256}."
            for frozen in description.frozen
        ),
        f"Trained by `{description.command}`." if description.command else "",
        _table("Validation", ((name, f"{value:.4g}") for name, value in metrics.items())),
        _table("Input and output", preprocess.items()),
        "Weights are safetensors; nothing here is unpickled.",
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _table(title: str, rows: Iterable[tuple[str, Any]]) -> str:
    lines = [f"| {name} | {value} |" for name, value in rows]
    return "\n".join([f"## {title}\n", "| | |", "|---|---|", *lines]) if lines else ""
