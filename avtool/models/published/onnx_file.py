"""The weights of an ONNX file as named tensors, in it or in files beside it; nothing of it is run."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from google.protobuf.message import DecodeError

from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.core.files import inside
from avtool.models.published.report import State

_LARGEST = 1 << 31
_DTYPES: Mapping[int, np.dtype[Any]] = {
    onnx.TensorProto.FLOAT: np.dtype("<f4"),
    onnx.TensorProto.FLOAT16: np.dtype("<f2"),
    onnx.TensorProto.DOUBLE: np.dtype("<f8"),
}
_EXTERNAL = onnx.TensorProto.EXTERNAL
_WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "MatMul")
_KEPT = ("QuantizeLinear", "DequantizeLinear", "Identity", "Cast")
"""What may stand between a tensor and the node that takes it, and leaves it the same tensor."""
_MOST_BETWEEN = 8


def read_onnx(path: Path) -> State:
    """The weights and biases of convolutions and linear layers, named by the nodes that take them.

    A node `/model/layer1/conv/Conv` gives `model.layer1.conv.weight` and, where it has one, `….bias`.
    Quantised copies are passed over for the floating-point tensors that they were made from.

    Raises:
        BadInputError: the file is too large, or holds no such node.
        CorruptArtifactError: it is damaged, or a tensor lies outside its folder.
    """
    graph = _graph(path)
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    origin = {name: node.input[0] for node in graph.node if node.op_type in _KEPT for name in node.output}
    state: State = {}
    for node in graph.node:
        if node.op_type not in _WEIGHTED:
            continue
        scope = node.name.strip("/").rpartition("/")[0].replace("/", ".") or node.output[0]
        for part, name in zip(("weight", "bias"), node.input[1:3], strict=False):
            for _ in range(_MOST_BETWEEN):
                name = origin.get(name, name)
            if name in tensors and tensors[name].data_type in _DTYPES:
                state[f"{scope}.{part}"] = _values(tensors[name], path)
    if not state:
        raise BadInputError(f"`{path}` has no weights of layers", "give an ONNX file of a trained network")
    return state


def external_files(path: Path) -> list[Path]:
    """The files beside an ONNX file that hold its tensors."""
    names = {_entries(tensor).get("location", "") for tensor in _graph(path).initializer}
    return [inside(path.parent, name) for name in sorted(names - {""})]


def _graph(path: Path) -> Any:
    if path.stat().st_size >= _LARGEST:
        raise BadInputError(f"`{path}` is larger than 2 GiB", "save it with its tensors in a file beside it")
    try:
        return onnx.load_model(str(path), load_external_data=False).graph
    except DecodeError as error:
        raise CorruptArtifactError(f"`{path}` is no ONNX file ({error})", "get it again") from error


def _values(tensor: Any, path: Path) -> torch.Tensor:
    shape, dtype = tuple(tensor.dims), _DTYPES[tensor.data_type]
    needed = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or needed >= _LARGEST:
        raise CorruptArtifactError(f"`{path}`: the tensor `{tensor.name}` has shape {shape}", "get it again")
    if tensor.data_location == _EXTERNAL:
        data = _external(tensor, path, needed)
    else:
        data = tensor.raw_data or np.array(tensor.float_data, "<f4").tobytes()
    if len(data) != needed:
        message = f"`{path}`: the tensor `{tensor.name}` of shape {shape} has {len(data)} bytes, not {needed}"
        raise CorruptArtifactError(message, "get the file again, and what lies beside it")
    return torch.from_numpy(np.frombuffer(data, dtype).reshape(shape).astype(np.float32))


def _external(tensor: Any, path: Path, needed: int) -> bytes:
    entries = _entries(tensor)
    file = inside(path.parent, entries.get("location", ""))
    try:
        with file.open("rb") as stream:
            stream.seek(int(entries.get("offset", 0)))
            return stream.read(needed)
    except (OSError, ValueError) as error:
        message = f"`{file}`, which holds the tensors of `{path.name}`, cannot be read"
        raise CorruptArtifactError(message, "put it beside the file") from error


def _entries(tensor: Any) -> dict[str, str]:
    return {entry.key: entry.value for entry in tensor.external_data}
