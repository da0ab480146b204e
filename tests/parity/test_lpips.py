"""LPIPS with random weights of the true shapes: against torchvision's VGG16 and a loop over positions."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from avtool.core.errors import BadInputError
from avtool.models.pvdm.lpips import CHANNELS, Lpips

torch.set_num_threads(1)
ENDS = (3, 8, 15, 22, 29)
"""The ReLUs of VGG16 after which features are taken: relu1_2, relu2_2, relu3_3, relu4_3, relu5_3."""


def vgg() -> torch.nn.Module:
    torchvision = pytest.importorskip("torchvision")
    torch.manual_seed(0)
    return torchvision.models.vgg16(weights=None, init_weights=True).features.eval()


def heads() -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.rand(width, generator=generator) for width in CHANNELS]


def write_weights(folder: Path, layers: torch.nn.Module) -> tuple[Path, Path, Path]:
    """Files as torchvision and lpips write them: VGG16, heads, and the whole state of `lpips.LPIPS`."""
    plain = {f"features.{name}": value for name, value in layers.state_dict().items()}
    plain["classifier.6.bias"] = torch.zeros(1000)
    own = {f"lin{k}.model.1.weight": head[None, :, None, None] for k, head in enumerate(heads())}
    first = (0, 4, 9, 16, 23)
    whole = dict(own) | {"scaling_layer.shift": torch.zeros(1, 3, 1, 1)}
    for name, value in layers.state_dict().items():
        layer = int(name.split(".")[0])
        stage = sum(layer >= start for start in first)
        whole[f"net.slice{stage}.{name}"] = value
    for name, state in (("vgg16.pth", plain), ("vgg.pth", own), ("lpips.pth", whole)):
        torch.save(state, folder / name)
    return folder / "vgg16.pth", folder / "vgg.pth", folder / "lpips.pth"


def by_loops(layers: torch.nn.Module, one: torch.Tensor, other: torch.Tensor) -> float:
    """The distance by its definition, position by position, in double precision."""
    total = 0.0
    layers = layers.double()
    shift = torch.tensor([-0.030, -0.088, -0.188], dtype=torch.float64)[:, None, None]
    scale = torch.tensor([0.458, 0.448, 0.450], dtype=torch.float64)[:, None, None]
    for image, second in zip(one.double(), other.double(), strict=True):
        maps = [(part - shift)[None] / scale for part in (image, second)]
        for number, layer in enumerate(layers[:30]):
            maps = [layer(part) for part in maps]
            if number not in ENDS:
                continue
            head = heads()[ENDS.index(number)].double()
            left, right = (part[0] for part in maps)
            height, width = left.shape[1:]
            for row in range(height):
                for column in range(width):
                    f, g = left[:, row, column], right[:, row, column]
                    f, g = (v / (v.norm() + 1e-10) for v in (f, g))
                    total += float((head * (f - g) ** 2).sum()) / (height * width * len(one))
    return total


def images() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(2)
    one = torch.rand(2, 3, 24, 32, generator=generator) * 2 - 1
    return one, (one + 0.3 * torch.randn(one.shape, generator=generator)).clamp(-1, 1)


def test_the_distance_is_that_of_its_definition(tmp_path: Path) -> None:
    layers = vgg()
    plain, own, whole = write_weights(tmp_path, layers)
    one, other = images()
    network = Lpips.read([plain, own])
    with torch.no_grad():
        found = float(network(one, other))
        assert found == pytest.approx(by_loops(layers, one, other), abs=1e-5)
        assert float(Lpips.read([whole])(one, other)) == found
        assert float(network(one, one)) == 0
        assert float(network(other, one)) == pytest.approx(found, abs=1e-7)
        assert found > 0.01


def test_features_are_those_of_torchvision(tmp_path: Path) -> None:
    layers = vgg()
    plain, own, _ = write_weights(tmp_path, layers)
    network, maps = Lpips.read([plain, own]), images()[0]
    with torch.no_grad():
        found = network._features(maps)
        maps = (maps - network.shift) / network.scale
        for number, layer in enumerate(layers[:30]):
            maps = layer(maps)
            if number in ENDS:
                torch.testing.assert_close(found[ENDS.index(number)], maps, atol=1e-5, rtol=1e-5)


def test_gradients_reach_the_images_alone_and_are_finite(tmp_path: Path) -> None:
    network = Lpips.read(write_weights(tmp_path, vgg())[:2])
    assert not list(network.parameters())
    assert not network.state_dict(), "frozen weights belong to no checkpoint"
    one, other = images()
    flat = torch.zeros_like(one)  # features of a constant image may vanish altogether
    for target in (other, flat):
        moved = target.clone().requires_grad_()
        network(one, moved).backward()
        assert torch.isfinite(moved.grad).all()
        assert moved.grad.abs().sum() > 0
    step = (F.normalize(moved.grad.flatten(), dim=0) * 0.05).reshape(moved.shape)
    with torch.no_grad():
        assert network(one, moved - step) < network(one, moved)


def test_files_that_are_no_weights_of_lpips(tmp_path: Path) -> None:
    plain, own, _ = write_weights(tmp_path, vgg())
    with pytest.raises(BadInputError, match="5 tensors of the heads of LPIPS are missing"):
        Lpips.read([plain])
    with pytest.raises(BadInputError, match="26 tensors of the convolutions of VGG16 are missing"):
        Lpips.read([own])
    with pytest.raises(BadInputError, match="does not exist"):
        Lpips.read([tmp_path / "none.pth"])
    state = torch.load(plain, weights_only=True)
    state["features.2.weight"] = torch.zeros(64, 32, 3, 3)
    torch.save(state, plain)
    with pytest.raises(BadInputError, match=r"`2.weight` is \(64, 32, 3, 3\)"):
        Lpips.read([plain, own])
