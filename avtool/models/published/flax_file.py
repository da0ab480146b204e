"""The parameters of a Flax checkpoint (MessagePack) as named tensors, without Flax and without unpickling."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from avtool.core.errors import CorruptArtifactError, MissingError
from avtool.models.published.report import State

FLAX_SUFFIXES = (".msgpack", ".flax")
_MAPS = (*range(0x81, 0x90), 0xDE, 0xDF)
_STRINGS = (*range(0xA0, 0xC0), 0xD9, 0xDA)
"""How MessagePack begins a map, and a string: a key of Flax's is always one."""
_ARRAY = 1
"""Flax's extension type of an array: its shape, the name of its type, and its bytes in row-major order."""
_FLOATS: Mapping[bytes, torch.dtype] = {
    b"float16": torch.float16, b"bfloat16": torch.bfloat16,
    b"float32": torch.float32, b"float64": torch.float64,
}  # fmt: skip
_CHUNKED = "__msgpack_chunked_array__"
"""What marks an array that is stored in chunks, since it is larger than 1 GiB."""
_TABLES = ("optimizer", "target", "params", "model")
"""Where trainers keep the parameters: `optimizer/target` until 2022, `params` since."""
_MOST_NESTED = 4


def is_flax(path: Path) -> bool:
    """Whether a file holds MessagePack, by its suffix or its first bytes: published ones have no suffix."""
    if path.suffix in FLAX_SUFFIXES:
        return True
    with path.open("rb") as stream:
        start = stream.read(4)
    skipped = {0xDE: 3, 0xDF: 5}.get(start[0], 1) if start else 1
    return len(start) == 4 and start[0] in _MAPS and (skipped > 3 or start[skipped] in _STRINGS)


def read_flax(path: Path) -> State:
    """The floating-point parameters, by their paths, such as `Transformer/encoder_norm/scale`; in fp32.

    What trainers keep beside them (optimizer state, steps, random keys) is skipped.

    Raises:
        CorruptArtifactError: the file is damaged, or no such checkpoint.
        MissingError: msgpack is not installed.
    """
    try:
        import msgpack
    except ImportError as error:
        message = f"`{path}` is a Flax checkpoint, which msgpack reads"
        raise MissingError(message, "pip install 'avtool[hub]'") from error

    def array(code: int, data: bytes) -> object:
        return _array(*msgpack.unpackb(data, raw=True)) if code == _ARRAY else None

    try:
        tree = msgpack.unpackb(path.read_bytes(), ext_hook=array, raw=False)
        state: State = {}
        _flatten(_parameters(tree), "", state)
    except (
        ValueError,
        TypeError,
        KeyError,
        RecursionError,
        RuntimeError,
    ) as error:  # msgpack's are ValueErrors
        raise CorruptArtifactError(f"`{path}` is no Flax checkpoint ({error})", "get it again") from error
    return state


def _array(shape: list[int], name: bytes, data: bytes) -> torch.Tensor | None:
    """An array of floating-point numbers; None of others.

    Raises:
        ValueError: shape and bytes disagree.
    """
    dtype = _FLOATS.get(name)
    if dtype is None:
        return None
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != len(data):
        raise ValueError(f"an array of shape {shape} has {len(data)} bytes")
    if not data:
        return torch.empty(shape)
    return torch.frombuffer(bytearray(data), dtype=dtype).reshape(shape).float()


def _parameters(tree: Any) -> Mapping[str, Any]:
    """The table of the parameters within a checkpoint."""
    if not isinstance(tree, Mapping):
        raise TypeError("it holds no table")
    table: Mapping[str, Any] = tree
    for _ in range(_MOST_NESTED):
        inner = next((table[key] for key in _TABLES if isinstance(table.get(key), Mapping)), None)
        if inner is None:
            break
        table = inner
    return table


def _flatten(tree: Mapping[str, Any], prefix: str, state: State) -> None:
    for name, value in tree.items():
        path = f"{prefix}{name}"
        if isinstance(value, Mapping) and _CHUNKED in value:
            state[path] = _joined(value)
        elif isinstance(value, Mapping):
            _flatten(value, f"{path}/", state)
        elif isinstance(value, torch.Tensor):
            state[path] = value


def _joined(value: Mapping[str, Any]) -> torch.Tensor:
    shape, chunks = (
        [part[str(place)] for place in range(len(part))] for part in (value["shape"], value["chunks"])
    )
    return torch.cat(chunks).reshape(shape)
