"""The weights of a pickle of nested dictionaries of NumPy arrays; nothing else in it is opened."""

import io
import pickle
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.models.published.report import State

_PROTOCOL, _TORCH = b"\x80", b"\x8a\x0a"
"""What a pickle begins with; and what follows after its version where it is PyTorch's former format."""
_ARRAYS = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("collections", "OrderedDict"),
    ("_codecs", "encode"),  # bytes of pickles that Python 2 can read
}


def is_numpy_pickle(path: Path) -> bool:
    """Whether a file is a pickle, and none of PyTorch's."""
    with path.open("rb") as stream:
        head = stream.read(4)
    return head[:1] == _PROTOCOL and head[2:4] != _TORCH


def read_numpy_pickle(path: Path) -> State:
    """All floating-point arrays by their paths, such as `params/conv/kernel`.

    Raises:
        BadInputError: it holds anything but dictionaries, numbers and arrays.
        CorruptArtifactError: it is damaged.
    """
    try:
        content = _ArraysOnly(io.BytesIO(path.read_bytes())).load()
    except BadInputError as error:
        raise BadInputError(f"`{path}` {error.message}", error.hint) from error
    except Exception as error:  # an unpickler stumbles over anything in a file that is none
        raise CorruptArtifactError(f"`{path}` is a damaged pickle", "get it again") from error
    if not isinstance(content, Mapping):
        raise BadInputError(f"`{path}` holds no named arrays", "give a checkpoint of model weights")
    return {name: torch.from_numpy(np.array(value, np.float32)) for name, value in _floats(content)}


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _ARRAYS:
            return super().find_class(module, name)
        message = f"holds a `{module}.{name}` beside its arrays, and such objects are not opened"
        raise BadInputError(message, "save its weights alone, or convert it to .safetensors")


def _floats(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _floats(item, f"{path}/{name}" if path else str(name))
    elif isinstance(value, np.ndarray) and value.dtype.kind == "f":
        yield path, value
