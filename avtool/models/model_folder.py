"""The `model` artifact: weights, the network's builder, and its preprocessing.

`model.safetensors`, `config.json` (builder and its arguments), `preprocess.json` (rates, sizes, statistics,
labels), `learned.parquet` (the clips that it learned from), `README.md` (a card for people).
"""

import json
import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from avtool.core.artifact import CARD, Artifact, Input, read_artifact
from avtool.core.artifact_folder import partial_folder, publish
from avtool.core.errors import CorruptArtifactError
from avtool.core.files import link_tree, read_json, write_json, write_text, writing
from avtool.core.learned_clips import LearnedClips, write_learned
from avtool.models.frozen import FrozenWeights
from avtool.models.model_files import CONFIG, PREPROCESS, README, WEIGHTS, find_model

_SCHEMA_VERSION = 1
AGAIN = "train the model again, or get another copy of the folder"


@dataclass(frozen=True)
class ModelDescription:
    """The description of a model: how to build it and how to feed it.

    Attributes:
        builder: the registered name of the architecture.
        arguments: the builder's overrides, as JSON values.
        preprocess: preprocessing and labels: sample_rate, seconds, statistics, labels, task, …
        summary: a sentence for the card.
        command: the command line that trained it.
        inputs: the artifacts that it was trained on.
        frozen: weights that it does not hold itself; they are read from where they came from.
        assets: folders and files that belong beside the weights, such as a tokenizer's, by their names there.
        learned: the clips that it learned from; None where they are not known, and in what is read.
    """

    builder: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    preprocess: Mapping[str, Any] = field(default_factory=dict)
    summary: str = ""
    command: str = ""
    inputs: Sequence[Input] = ()
    frozen: Sequence[FrozenWeights] = ()
    assets: Mapping[str, Path] = field(default_factory=dict)
    learned: LearnedClips | None = None

    def is_stored_elsewhere(self, parameter: str) -> bool:
        """Whether a frozen parameter of the model is named here, and not stored."""
        return any(frozen.covers(parameter) for frozen in self.frozen)


def save_model(
    folder: Path,
    weights: Mapping[str, Tensor],
    description: ModelDescription,
    *,
    recipe: Mapping[str, Any] | None = None,
    seed: int | None = None,
    metrics: Mapping[str, float] | None = None,
    link_assets: bool = False,
) -> None:
    """Writes the artifact `folder` atomically, in the place of an older one.

    Args:
        folder: the artifact.
        weights: the network's `state_dict()`, without what the description names as frozen.
        description: how to build and feed it.
        recipe: the resolved settings of the training.
        seed: its seed.
        metrics: of validation, for the card.
        link_assets: hard links instead of copies: the assets are those of another model folder of ours.
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
    write_json(partial / CONFIG, config)
    write_json(partial / PREPROCESS, dict(description.preprocess))
    for name, asset in description.assets.items():
        _copy_asset(asset, partial / name, link=link_assets)
    if description.learned is not None:
        write_learned(partial, description.learned)
    count = sum(tensor.numel() for tensor in weights.values())
    write_text(partial / README, _card(description, count, metrics or {}))
    publish(
        folder,
        Artifact("model", description.command, dict(recipe or {}), seed=seed, inputs=description.inputs),
    )


def _copy_asset(asset: Path, target: Path, *, link: bool) -> None:
    """Copies a file, or a folder; a folder by hard links where wanted."""
    with writing(target):
        if asset.is_dir() and link:
            link_tree(asset, target)
        elif asset.is_dir():
            shutil.copytree(asset, target, dirs_exist_ok=True)
        else:
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(asset, target)


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
        try:
            safetensors.torch.save_file(plain, path)
        except SafetensorError as error:  # which holds the system's refusal as a text
            number = re.search(r"os error (\d+)", str(error))
            raise OSError(int(number[1]) if number else None, str(error)) from error
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
            f"cannot read the tensors of `{path}`: {one_line(error)}", AGAIN
        ) from error


def read_description(folder: Path) -> ModelDescription:
    """Reads how a model is built and fed, without its weights.

    Raises:
        CorruptArtifactError: a file is absent, damaged or of another version.
    """
    artifact = read_artifact(folder, "model")
    config, preprocess = read_json(folder / CONFIG), read_json(folder / PREPROCESS)
    if not (isinstance(config, dict) and isinstance(preprocess, dict)):
        raise CorruptArtifactError(f"`{folder}`: {CONFIG} or {PREPROCESS} holds no object", AGAIN)
    builder, arguments = config.get("builder"), config.get("arguments")
    if not (isinstance(builder, str) and isinstance(arguments, dict)):
        raise CorruptArtifactError(f"`{folder / CONFIG}` names no builder with arguments", AGAIN)
    try:
        frozen = tuple(FrozenWeights(**item) for item in config.get("frozen", ()))
    except TypeError as error:
        raise CorruptArtifactError(f"`{folder / CONFIG}`: frozen weights: {error}", AGAIN) from error
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


def one_line(error: Exception) -> str:
    """The message of another library's error on one line."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def _usage(description: ModelDescription) -> str:
    """What applies the model to a file; the same wherever the model is written."""
    if line := description.preprocess.get("usage"):
        return f"```bash\n{line}  # this folder, or its run\n```"
    inputs = description.preprocess.get("inputs", ())
    files = {"video": "film.mkv", "image": "photo.jpg", "text": "caption.txt"}
    file = next((name for kind, name in files.items() if kind in inputs), "sound.wav")
    method = "predict" if "labels" in description.preprocess else "embed"
    line = f'avtool.load_model(".").{method}("{file}")  # this folder, or its run: "runs/x"'
    return f"```python\nimport avtool\n\n{line}\n```"


def _card(description: ModelDescription, num_values: int, metrics: Mapping[str, float]) -> str:
    preprocess = {
        name: value if len(text := json.dumps(value, ensure_ascii=False)) <= 80 else f"{text[:77]}…"
        for name, value in description.preprocess.items()
    }
    sections = [
        f"# {description.builder}",
        description.summary,
        _usage(description),
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
