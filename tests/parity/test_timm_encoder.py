"""Backbones of timm as encoders: timm's own features and preprocessing, from files and folders."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from avtool.core.errors import BadInputError
from avtool.data.inputs.spec import read_inputs
from avtool.models.load import load_model

timm = pytest.importorskip("timm")
NAME = "test_efficientnet"


@pytest.fixture
def network() -> torch.nn.Module:
    """The network with random weights and statistics, and its last layer."""
    torch.manual_seed(0)
    made = timm.create_model(NAME).eval()
    for module in made.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(std=0.1)
            module.running_var.uniform_(0.5, 2)
    return made


def features_of(path: Path, image: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return load_model(path).model.embed(image=image)["image"]


def wanted(network: torch.nn.Module, image: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return network.forward_head(network.forward_features(image), pre_logits=True)


def test_the_features_are_timm_s(network, tmp_path: Path, cache) -> None:
    torch.save(network.state_dict(), tmp_path / "named.pth")
    order = [(k, v) for k, v in network.state_dict().items() if "num_batches" not in k]
    torch.save({f"other.{number}": value for number, (_, value) in enumerate(order)}, tmp_path / "other.pth")
    timm.models.save_for_hf(network, tmp_path / "folder", model_config={})
    image = torch.randn(2, 3, 160, 160)
    for text in (
        f"timm:{NAME}={tmp_path}/named.pth",
        f"timm:{NAME}={tmp_path}/other.pth",
        tmp_path / "folder",
    ):
        found = features_of(Path(text), image)
        assert found.shape == (2, 256)
        torch.testing.assert_close(found, wanted(network, image), atol=1e-5, rtol=1e-5)


def test_the_preprocessing_is_timm_s(network, tmp_path: Path, cache) -> None:
    torch.save(network.state_dict(), tmp_path / "a.pth")
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (90, 300, 3), np.uint8)).save(tmp_path / "a.png")
    loaded = load_model(Path(f"timm:{NAME}={tmp_path}/a.pth"))
    given = read_inputs(tmp_path, loaded.preprocess)["image"]
    transform = timm.data.create_transform(**timm.data.resolve_model_data_config(network))
    with Image.open(tmp_path / "a.png") as image:
        theirs = transform(image.convert("RGB"))
    assert torch.equal(given.process(np.asarray(Image.open(tmp_path / "a.png"))), theirs)


def test_weights_of_another_network_are_refused(network, tmp_path: Path, cache) -> None:
    torch.save(network.state_dict(), tmp_path / "a.pth")
    with pytest.raises(BadInputError, match="are not those of `test_resnet`"):
        load_model(Path(f"timm:test_resnet={tmp_path}/a.pth"))
    with pytest.raises(BadInputError, match="timm has no network `test_efficientnt`") as caught:
        load_model(Path(f"timm:test_efficientnt={tmp_path}/a.pth"))
    assert "test_efficientnet" in caught.value.hint
    with pytest.raises(BadInputError, match="do not exist"):
        load_model(Path(f"timm:{NAME}={tmp_path}/absent.pth"))


def test_a_file_that_has_changed_is_imported_again(network, tmp_path: Path, cache) -> None:
    path, image = Path(f"timm:{NAME}={tmp_path}/a.pth"), torch.randn(1, 3, 64, 64)
    torch.save(network.state_dict(), tmp_path / "a.pth")
    before = features_of(path, image)
    assert torch.equal(before, features_of(path, image))
    network.conv_stem.weight.data.mul_(2)
    torch.save({**network.state_dict(), "unused": torch.zeros(9)}, tmp_path / "a.pth")
    assert not torch.allclose(before, features_of(path, image))
