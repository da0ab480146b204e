"""The text tower of a model of transformers that compares texts with images or audio: CLIP, SigLIP, CLAP."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from avtool.core.errors import BadInputError
from avtool.core.files import read_json
from avtool.core.requirements import quiet_transformers, require
from avtool.models.hub_access import download
from avtool.models.model_folder import one_line

_HUB = "hf:"
_CLASSES = {"clip": "CLIPModel", "siglip": "SiglipModel", "clap": "ClapModel"}
_TEXTS = 64
"""Texts at a time."""


def embed_texts(encoder: str, texts: Sequence[str], device: torch.device) -> Tensor:
    """Unit features of texts (N, D), in the space of the encoder's images or audio.

    Args:
        encoder: a folder that transformers saved, or `hf:NAME`; its tokenizer is in it.
        texts: to embed.
        device: where the tower computes.

    Raises:
        BadInputError: the model has no text tower that is known here, or cannot be read.
        MissingError: transformers is not installed, or the model cannot be downloaded.
    """
    transformers = require("transformers", "hub")
    folder = download(encoder.removeprefix(_HUB)) if encoder.startswith(_HUB) else Path(encoder)
    kind = _kind_of(folder)
    if kind not in _CLASSES:
        message = f"`{encoder}` compares no texts with images or audio"
        raise BadInputError(message, f"give a folder of transformers with one of {', '.join(_CLASSES)}")
    options: dict[str, Any] = {"local_files_only": True}
    try:
        with quiet_transformers():
            model = getattr(transformers, _CLASSES[kind]).from_pretrained(str(folder), **options)
            tokenizer = transformers.AutoTokenizer.from_pretrained(str(folder), **options)
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        message = f"the text tower of `{encoder}` cannot be read ({one_line(error)})"
        raise BadInputError(message, "get the model again, with its tokenizer") from error
    model = model.eval().to(device)
    padding = "max_length" if kind == "siglip" else True  # as it was trained
    found = []
    with torch.no_grad():
        for first in range(0, len(texts), _TEXTS):
            tokens = tokenizer(
                list(texts[first : first + _TEXTS]), padding=padding, truncation=True, return_tensors="pt"
            )
            names = ("input_ids", "attention_mask")
            features = model.get_text_features(
                **{name: tokens[name].to(device) for name in names if name in tokens}
            )
            found.append(getattr(features, "pooler_output", features).float())
    unit: Tensor = torch.nn.functional.normalize(torch.cat(found), dim=1)
    return unit


def _kind_of(folder: Path) -> str:
    if not (folder / "config.json").is_file():
        return ""
    values: Any = read_json(folder / "config.json")
    return str(values.get("model_type", "")) if isinstance(values, dict) else ""
