"""ONNX files read as weights: names by node, tensors in the file and beside it, and damage."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.models.published.onnx_file import external_files, read_onnx

KERNEL = np.arange(18, dtype=np.float32).reshape(2, 1, 3, 3)


def write(
    path: Path, *, quantised: bool = True, external: str = "", dims: tuple[int, ...] = (2, 1, 3, 3)
) -> Path:
    """A graph of one convolution, its kernel behind a quantisation, and a bias."""
    model = onnx.ModelProto()
    kernel = model.graph.initializer.add(name="k", dims=dims, data_type=1)
    if external:
        kernel.data_location = 1
        for key, value in (("location", external), ("offset", "4"), ("length", str(KERNEL.nbytes))):
            kernel.external_data.add(key=key, value=value)
    else:
        kernel.raw_data = KERNEL.tobytes()
    model.graph.initializer.add(name="b", dims=[2], data_type=1, float_data=[0.5, -1])
    if quantised:
        model.graph.node.add(op_type="QuantizeLinear", input=["k", "scale"], output=["q"])
        model.graph.node.add(op_type="DequantizeLinear", input=["q", "scale"], output=["d"])
    taken = ["x", "d" if quantised else "k", "b"]
    model.graph.node.add(op_type="Conv", name="/net/first/Conv", input=taken, output=["y"])
    model.graph.node.add(op_type="Relu", name="/net/Relu", input=["y"], output=["z"])
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize("quantised", [True, False])
def test_tensors_are_named_by_their_nodes(tmp_path: Path, quantised: bool) -> None:
    found = read_onnx(write(tmp_path / "a.onnx", quantised=quantised))
    assert found.keys() == {"net.first.weight", "net.first.bias"}
    assert torch.equal(found["net.first.weight"], torch.from_numpy(KERNEL))
    assert found["net.first.bias"].tolist() == [0.5, -1]


def test_tensors_beside_the_file_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.onnx", external="a.data")
    (tmp_path / "a.data").write_bytes(b"\0\0\0\0" + KERNEL.tobytes())
    assert external_files(path) == [tmp_path / "a.data"]
    assert torch.equal(read_onnx(path)["net.first.weight"], torch.from_numpy(KERNEL))
    (tmp_path / "a.data").write_bytes(b"\0" * 20)
    with pytest.raises(CorruptArtifactError, match="has 16 bytes, not 72"):
        read_onnx(path)
    (tmp_path / "a.data").unlink()
    with pytest.raises(CorruptArtifactError, match="cannot be read"):
        read_onnx(path)


@pytest.mark.parametrize("location", ["../a.data", "/etc/passwd"])
def test_tensors_outside_the_folder_are_refused(tmp_path: Path, location: str) -> None:
    with pytest.raises(CorruptArtifactError, match="points outside"):
        read_onnx(write(tmp_path / "a.onnx", external=location))


@pytest.mark.parametrize("dims", [(2, 1, 3, 4), (-2, 1, 3, 3), (1 << 40, 1 << 40)])
def test_a_shape_that_does_not_fit_is_damage(tmp_path: Path, dims: tuple[int, ...]) -> None:
    with pytest.raises(CorruptArtifactError, match="the tensor `k`"):
        read_onnx(write(tmp_path / "a.onnx", dims=dims))


def test_a_file_without_layers_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(onnx.ModelProto().SerializeToString())
    with pytest.raises(BadInputError, match="no weights of layers"):
        read_onnx(tmp_path / "a.onnx")
