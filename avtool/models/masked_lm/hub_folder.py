"""A folder of transformers as the start of a training: its weights and its configuration."""

import json
from pathlib import Path
from typing import Any

import torch

from avtool.core.artifact import CARD
from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.core.foreign import read_by_others
from avtool.core.requirements import quiet_transformers

CONFIG = "config.json"
_WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)


def read_config(folder: Path) -> dict[str, Any]:
    """The content of a folder's `config.json`.

    Raises:
        BadInputError: there is none.
    """
    path = folder / CONFIG
    if (folder / CARD).is_file():
        raise BadInputError(
            f"`{folder}` is an avtool artifact", "give the folder of transformers it began with"
        )
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        message = f"`{folder}` is no folder of transformers (its {CONFIG} cannot be read)"
        raise BadInputError(message, "save_pretrained writes one: config.json, weights, tokenizer") from error
    if not isinstance(values, dict) or "model_type" not in values:
        raise BadInputError(f"`{path}` names no model_type", "give the folder of a masked LM")
    return values


def weights_of(folder: Path) -> Path:
    """The file that decides a folder's weights.

    Raises:
        BadInputError: there is none.
    """
    for name in _WEIGHTS:
        if (folder / name).is_file():
            return folder / name
    raise BadInputError(f"`{folder}` holds no weights", f"it needs {_WEIGHTS[0]}")


def read_host(folder: Path) -> dict[str, Any]:
    """The weights of a folder, by their names in transformers, those of its LM head among them.

    Raises:
        BadInputError: the folder has no masked LM, or its LM head's weights are missing.
        CorruptArtifactError: a file is damaged.
    """
    from transformers import AutoModelForMaskedLM

    weights_of(folder)
    auto: Any = AutoModelForMaskedLM
    problem = f"`{folder}` cannot be read as a masked LM"
    with read_by_others(problem, "get it again", CorruptArtifactError), quiet_transformers():
        loaded, info = auto.from_pretrained(
            str(folder.absolute()), local_files_only=True, trust_remote_code=False, dtype=torch.float32,
            output_loading_info=True,
        )  # fmt: skip
    if missing := sorted(info["missing_keys"]):  # their place would be taken by random numbers
        shown = ", ".join(f"`{name}`" for name in missing[:3]) + (", …" if len(missing) > 3 else "")
        message = f"`{folder}` lacks {len(missing)} weights of a masked LM: {shown}"
        raise BadInputError(message, "give a model that was saved with its LM head")
    state: dict[str, Any] = loaded.state_dict()
    return state
