"""The residual encoders beside torchvision's networks with the same weights."""

import pytest
import torch
from torch import Tensor, nn

from avtool.models.registry import MODELS, create
from avtool.models.temporal.encoders import make_audio_encoder, make_video_encoder
from avtool.models.temporal.torchvision_names import from_torchvision

torchvision = pytest.importorskip("torchvision")
torch.set_num_threads(1)

MEAN, STD = (0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989)
"""Of torchvision's video presets."""
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
    pixels = torch.rand(1, 3, 4, 32, 32)
    standardised = (pixels - torch.tensor(MEAN).reshape(3, 1, 1, 1)) / torch.tensor(STD).reshape(3, 1, 1, 1)
    with torch.no_grad():
        assert largest_difference(encoder(2 * pixels - 1), network(standardised)) <= 1e-5


def test_the_audio_encoder_hears_what_their_image_network_sees_in_three_equal_colours() -> None:
    network, encoder = theirs("resnet18"), make_audio_encoder("resnet18", 64, 64).eval()
    encoder.load_state_dict(from_torchvision(network.state_dict()))
    audio = torch.randn(2, 64, 64)
    with torch.no_grad():
        expected = network(audio[:, None].expand(-1, 3, -1, -1))
        assert largest_difference(encoder(audio), expected) <= 1e-5


@pytest.mark.parametrize(("name", "modality"), [("r3d_18", "video"), ("resnet18", "audio")])
def test_a_pair_starts_from_their_weights(name: str, modality: str) -> None:
    package = torchvision.models if name == "resnet18" else torchvision.models.video
    network, model = getattr(package, name)(weights=None), create("avt_base", video_arch="r3d18")
    before = model.state_dict()
    report = MODELS.find("avt_base").family.load_weights(model, network.state_dict())
    assert report.unexpected == ()
    encoder = {key for key in before if key.startswith(f"encoder.{modality}.")}
    assert set(report.missing) == before.keys() - encoder
