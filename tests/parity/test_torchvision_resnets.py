"""The residual encoders beside torchvision's networks with the same weights."""

import pytest
import torch
from torch import Tensor, nn

from avtool.models.temporal.encoders import make_audio_encoder, make_video_encoder
from avtool.models.temporal.torchvision_names import from_torchvision, to_torchvision

torchvision = pytest.importorskip("torchvision")
torch.set_num_threads(1)

VIDEO = {"r2plus1d18": "r2plus1d_18", "r3d18": "r3d_18", "mc3_18": "mc3_18"}


def theirs(name: str) -> nn.Module:
    """A network with a different statistic in every batch norm, and its feature instead of classes."""
    torch.manual_seed(0)
    package = torchvision.models if name == "resnet18" else torchvision.models.video
    network = getattr(package, name)(weights=None).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d):
            module.running_mean.normal_(std=0.1)
            module.running_var.uniform_(0.5, 1.5)
    network.fc = nn.Identity()
    return network


def largest_difference(one: Tensor, other: Tensor) -> float:
    return float((one - other).abs().max() / other.abs().max())


@pytest.mark.parametrize("arch", VIDEO)
def test_a_video_encoder_with_their_weights_gives_their_feature(arch: str) -> None:
    network, encoder = theirs(VIDEO[arch]), make_video_encoder(arch).eval()
    encoder.load_state_dict(from_torchvision(network.state_dict()))
    video = torch.randn(1, 3, 4, 32, 32)
    with torch.no_grad():
        assert largest_difference(encoder(video), network(video)) <= 1e-5


def test_the_audio_encoder_hears_what_their_image_network_sees_in_three_equal_colours() -> None:
    network, encoder = theirs("resnet18"), make_audio_encoder("resnet18", 64, 64).eval()
    encoder.load_state_dict(from_torchvision(network.state_dict()))
    audio = torch.randn(2, 64, 64)
    with torch.no_grad():
        expected = network(audio[:, None].expand(-1, 3, -1, -1))
        assert largest_difference(encoder(audio), expected) <= 1e-5


@pytest.mark.parametrize(("arch", "name"), [*VIDEO.items(), ("resnet18", "resnet18")])
def test_names_and_shapes_go_there_and_back(arch: str, name: str) -> None:
    package = torchvision.models if arch == "resnet18" else torchvision.models.video
    with torch.device("meta"):
        encoder = make_audio_encoder(arch, 64, 64) if arch == "resnet18" else make_video_encoder(arch)
        network = getattr(package, name)(weights=None)
    own = encoder.state_dict()
    renamed = to_torchvision(own)
    expected = {key: tuple(value.shape) for key, value in network.state_dict().items() if key[:3] != "fc."}
    if arch == "resnet18":
        expected["conv1.weight"] = (64, 1, 7, 7)
    assert {key: tuple(value.shape) for key, value in renamed.items()} == expected
    back = from_torchvision(renamed)
    assert {key: value.shape for key, value in back.items()} == {key: v.shape for key, v in own.items()}
