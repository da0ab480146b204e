"""The features that models give: what their heads read."""

import pytest
import torch

from avtool.core.errors import BadInputError
from avtool.models.registry import create


@pytest.mark.parametrize(
    ("name", "shape"),
    [("cnn_tiny", (3, 100, 64)), ("vgg_modulation_tiny", (3, 100, 64)), ("ast_tiny", (3, 128, 64))],
)
def test_the_head_reads_the_feature(name: str, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    model, audio = create(name).eval(), torch.randn(shape)
    with torch.no_grad():
        features = model.embed(audio=audio)
        assert list(features) == ["audio"]
        torch.testing.assert_close(model.head(features["audio"]), model(audio).logits, rtol=0, atol=0)


@pytest.mark.parametrize("pooling", ["cls", "gap"])
def test_the_heads_of_both_modalities_read_their_features(pooling: str) -> None:
    torch.manual_seed(0)
    model = create("mbt_tiny", pooling=pooling).eval()
    torch.nn.init.normal_(model.head.weight)
    given = {"audio": torch.randn(2, 32, 16), "video": torch.randn(2, 3, 4, 16, 16)}
    with torch.no_grad():
        features, output = model.embed(**given), model(**given)
        for name in given:
            torch.testing.assert_close(model.head(features[name]), output.modality_logits[name])
        torch.testing.assert_close(model.head(features["both"]), output.logits)


def test_one_modality_gives_one_feature() -> None:
    model = create("mbt_tiny").eval()
    with torch.no_grad():
        alone = model.embed(audio=torch.randn(2, 32, 16))
    assert list(alone) == ["audio"]
    assert alone["audio"].shape == (2, 32)


def test_a_modality_that_fuses_is_heard_in_the_feature_of_the_other() -> None:
    torch.manual_seed(0)
    model = create("mbt_tiny").eval()
    audio, video = torch.randn(2, 32, 16), torch.randn(2, 3, 4, 16, 16)
    with torch.no_grad():
        fused, alone = model.embed(audio=audio, video=video)["audio"], model.embed(audio=audio)["audio"]
    assert float((fused - alone).abs().max()) > 1e-4


def test_what_the_model_does_not_take_is_refused() -> None:
    with pytest.raises(BadInputError, match="built without video"):
        create("mbt_tiny", modalities=("audio",)).embed(
            audio=torch.randn(2, 32, 16), video=torch.randn(2, 3, 4, 16, 16)
        )
