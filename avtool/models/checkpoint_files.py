"""The tensors of a file of weights, whoever wrote it; nothing but tensors is unpickled."""

import re
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path, PosixPath, PurePath, PurePosixPath
from typing import Any

import torch

from avtool.core.errors import BadInputError
from avtool.models.model_folder import load_tensors
from avtool.models.published.flax_file import is_flax, read_flax
from avtool.models.published.keras_file import KERAS_SUFFIXES, read_keras
from avtool.models.published.numpy_pickle import is_numpy_pickle, read_numpy_pickle

_ONNX = ".onnx"
_PLAIN_OBJECTS: list[Any] = [Namespace, Path, PosixPath, PurePosixPath, PurePath]
"""What trainers keep beside the weights and runs no code when it is unpickled: arguments and paths."""
_UNSAFE = re.compile(r"(?:Unsupported global: GLOBAL|Unsupported class|GLOBAL) ([\w.]+)")


def read_tensors(path: Path) -> Mapping[str, object]:
    """Reads a file: safetensors, ONNX, HDF5 of Keras, MessagePack of Flax, a pickle of arrays, or of PyTorch.

    Raises:
        BadInputError: it is none of them, or a checkpoint of more than plain tensors.
        CorruptArtifactError: it is damaged.
        MissingError: it needs a library that is not installed.
    """
    if path.suffix == ".safetensors":
        return load_tensors(path)
    if path.suffix == _ONNX:
        from avtool.models.published.onnx_file import read_onnx

        return read_onnx(path)
    if path.suffix in KERAS_SUFFIXES:
        return read_keras(path)
    if is_flax(path):
        return read_flax(path)
    if path.is_file() and is_numpy_pickle(path):
        return read_numpy_pickle(path)
    try:
        with torch.serialization.safe_globals(_PLAIN_OBJECTS):
            values = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # an unpickler stumbles over anything in a file that is none
        found = _UNSAFE.search(str(error))
        message = f"`{path}` is no checkpoint of plain tensors"
        if found:
            message = f"`{path}` holds a `{found[1]}` beside its tensors, and such objects are not opened"
        raise BadInputError(message, "save its weights alone, or convert it to .safetensors") from error
    if not isinstance(values, Mapping):
        raise BadInputError(f"`{path}` holds no named tensors", "give a checkpoint of model weights")
    return values


def files_of(path: Path) -> list[Path]:
    """A file of weights, and those beside it that hold its tensors."""
    if path.suffix != _ONNX:
        return [path]
    from avtool.models.published.onnx_file import external_files

    return [path, *external_files(path)]
