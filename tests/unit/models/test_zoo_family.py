"""Rows of the zoo as classifiers, encoders and dense encoders, and their published weights."""

from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file

from avtool.core.errors import BadInputError, MissingError
from avtool.models.load import load_model
from avtool.models.registry import MODELS, create
from avtool.models.zoo.catalogue import find_row, shipped_rows
from avtool.models.zoo.dense import DenseEncoder
from avtool.models.zoo.layers import layers_of, places
from avtool.models.zoo.network import ZooAudioNetwork, ZooAudioSettings, ZooNetwork, ZooSettings
from avtool.models.zoo.row import Row
from tests.harness import prepare_tones, run_avtool

TINY = {"embed_dim": 32, "depth": 2, "num_heads": 2}
BUILT = [row for row in shipped_rows() if row.is_built]
NO_IMAGES = ("ImageGPTForImageClassification", "ViTMAEForPreTraining")
SAMPLE = (
    "deit-ti-distilled", "swin-t", "pvtv2-b0", "crossvit-ti", "levit-128s", "maxvit-t-torchvision",
    "pvt-tiny", "cvt-13", "detr-r50", "yolos-ti", "segformer-b0", "maskformer-swin-t-ade20k", "rt-detr-r50",
    "t2t-vit-14", "cpvt-ti-gap", "setr-mla-vit-l",
)  # fmt: skip


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AVTOOL_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def check_row(row: Row) -> None:
    """Every form of a row, built without memory: classifier, encoder of spectrograms, maps of one channel."""
    assert row.size is not None
    side = row.size[0]
    with torch.device("meta"):
        dense = DenseEncoder(row, in_channels=1, image_size=row.size)
        maps = dense(torch.zeros(2, 1, *row.size))
        classifier = ZooNetwork(ZooSettings(row.key, num_classes=7, image_size=side)).eval()
        logits = classifier(torch.zeros(2, 3, side, side)).logits
        audio = ZooAudioNetwork(ZooAudioSettings(row.key, num_classes=7, side=side)).eval()
        scores = audio(torch.zeros(2, 100, 64)).logits
    layers = [parameter for layer in classifier.parameter_layers() for parameter in layer]
    assert len(set(layers)) == len(layers) == len(list(classifier.host.parameters()))
    assert dense.strides == sorted(dense.strides)
    assert [one.shape[:2] for one in maps] == [(2, channels) for channels in dense.channels]
    for one, stride in zip(maps, dense.strides, strict=True):
        assert one.shape[2] == pytest.approx(row.size[0] / stride, abs=1)
    assert logits.shape == scores.shape == (2, 7)


@pytest.mark.parametrize("key", SAMPLE)
def test_forms_of_a_row(key: str) -> None:
    check_row(find_row(key))


@pytest.mark.slow
@pytest.mark.parametrize(
    "row", [row for row in BUILT if row.target not in NO_IMAGES], ids=lambda row: row.key
)
def test_forms_of_every_row(row: Row) -> None:
    check_row(row)


@pytest.mark.parametrize("key", ["igpt-s", "mae-vit-b-pre-training-graph"])
def test_rows_that_are_no_encoders(key: str) -> None:
    with torch.device("meta"), pytest.raises(BadInputError, match="is no encoder of images"):
        ZooNetwork(ZooSettings(key))
    with torch.device("meta"), pytest.raises(BadInputError, match="gives no maps"):
        DenseEncoder(find_row(key))


@pytest.mark.parametrize("key", ["swin-t", "pvt-tiny", "t2t-vit-14", "crossvit-ti", "segformer-b0"])
def test_a_batch_of_two_is_two_batches_of_one(key: str) -> None:
    torch.manual_seed(0)
    side = 240 if key == "crossvit-ti" else 64
    network = ZooNetwork(ZooSettings(key, num_classes=5, image_size=side)).eval()
    images = torch.randn(2, 3, side, side)
    with torch.no_grad():
        both = network(images).logits
        single = torch.cat([network(images[:1]).logits, network(images[1:]).logits])
    torch.testing.assert_close(both, single, atol=1e-5, rtol=0)


def test_maps_are_those_of_timm() -> None:
    torch.manual_seed(0)
    dense = DenseEncoder(find_row("pvtv2-b0"), image_size=(64, 96)).eval()
    theirs = timm.create_model("pvt_v2_b0", features_only=True).eval()
    theirs.load_state_dict(dense.host.state_dict())
    images = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        for one, other in zip(dense(images), theirs(images), strict=True):
            torch.testing.assert_close(one, other, atol=1e-6, rtol=0)
    assert (dense.channels, dense.strides) == ([32, 64, 160, 256], [4, 8, 16, 32])


def test_spectrograms_stand_upright() -> None:
    """Low bands are below, and time runs to the right."""
    network = ZooAudioNetwork(ZooAudioSettings("deit-ti", side=32, options=TINY)).eval()
    seen: list[torch.Tensor] = []
    network.host.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    audio = torch.zeros(1, 64, 32)
    audio[:, 48:, :8] = 1.0  # late, low
    network(audio)
    assert seen[0].shape == (1, 1, 32, 32)
    assert seen[0][0, 0, 25:, 25:].min() == 1.0
    assert seen[0][0, 0, :20].abs().max() == seen[0][0, 0, :, :20].abs().max() == 0.0


def test_names_with_a_prefix_are_models() -> None:
    model = MODELS.find("zoo:Swin-B @384")
    assert model.name == "zoo:swin-b-384"
    assert model.defaults == {"row": "swin-b-384", "image_size": 384}
    with torch.device("meta"):
        network = create("zoo:swin-t", num_classes=10)
    assert sum(parameter.numel() for parameter in network.parameters()) == 28_288_354 - 990 * 769
    assert MODELS.find("zoo-audio:swin-t").family.inputs == ("audio",)
    with pytest.raises(BadInputError, match="no row of the zoo is called `swim-t`"):
        MODELS.find("zoo:swim-t")
    with pytest.raises(BadInputError, match="has no builder"):
        MODELS.find("zoo:focal-t")
    with pytest.raises(BadInputError, match="no model is called `zo:swin-t`"):
        MODELS.find("zo:swin-t")


def test_weights_of_a_file(tmp_path: Path) -> None:
    torch.manual_seed(0)
    theirs = timm.create_model("deit_tiny_patch16_224", num_classes=1000).eval()
    save_file(theirs.state_dict(), tmp_path / "deit.safetensors")
    loaded = load_model(Path(f"zoo:deit-ti={tmp_path}/deit.safetensors"))
    image = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        expected = theirs.forward_head(theirs.forward_features(image), pre_logits=True)
        torch.testing.assert_close(loaded.model.embed(image=image)["image"], expected, atol=1e-5, rtol=1e-5)
    config = loaded.preprocess["inputs"]["image"]["config"]
    assert config["input_size"] == [3, 224, 224]
    assert config["mean"] == [0.485, 0.456, 0.406]


def test_weights_of_a_detector_are_those_of_its_backbone(tmp_path: Path) -> None:
    from avtool.models.zoo.networks import build

    torch.manual_seed(0)
    whole = build(find_row("segformer-b0")).eval()
    torch.save(whole.state_dict(), tmp_path / "segformer.pt")
    model = load_model(Path(f"zoo:segformer-b0={tmp_path}/segformer.pt")).model
    image = torch.randn(1, 3, 128, 128)
    with torch.no_grad():
        expected = whole.segformer(image).last_hidden_state.mean(dim=(2, 3))
        torch.testing.assert_close(model.embed(image=image)["image"], expected, atol=1e-5, rtol=1e-5)


def test_weights_of_another_network(tmp_path: Path) -> None:
    save_file(timm.create_model("deit_small_patch16_224").state_dict(), tmp_path / "small.safetensors")
    with pytest.raises(BadInputError, match=r"`cls_token` is 1x1x384 in .* and 1x1x192 in `DeiT-Ti`"):
        load_model(Path(f"zoo:deit-ti={tmp_path}/small.safetensors"))
    save_file({"a": torch.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(BadInputError, match=r"has 0 of the 150 tensors of `DeiT-Ti`"):
        load_model(Path(f"zoo:deit-ti={tmp_path}/other.safetensors"))
    with pytest.raises(BadInputError, match="do not exist"):
        load_model(Path(f"zoo:deit-ti={tmp_path}/absent.pt"))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("zoo:deit-ti", "the weights of `DeiT-Ti` cannot be downloaded"),
        ("zoo:maxvit-t-torchvision", r"the weights of `MaxViT-T \(torchvision\)` cannot be downloaded"),
        ("zoo:t2t-vit-14", "no hub is known that has weights of `T2T-ViT-14`"),
        ("zoo:coatnet-4", "the weights of `CoAtNet-4` cannot be downloaded"),
    ],
)
def test_published_weights_without_a_network(
    name: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)

    def unreachable(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", unreachable)
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", unreachable)
    with pytest.raises(MissingError, match=message) as caught:
        load_model(Path(name))
    assert caught.value.hint == f"give them as a file: {name}=FILE"


def test_a_row_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVTOOL_DATA", str(tmp_path))
    mine = "name,library,builder,image_size\nMine,timm,test_vit,160\n"
    (tmp_path / "mine.csv").write_text(mine)
    assert run_avtool("zoo", "add", "--csv", tmp_path / "mine.csv").code == 0
    with torch.device("meta"):
        assert create("zoo:mine", num_classes=3)(torch.zeros(1, 3, 160, 160)).logits.shape == (1, 3)
    check_row(find_row("mine"))


def write_photographs(folder: Path) -> Path:
    """A dataset of bright and dark images."""
    rng, lines = np.random.default_rng(0), ["path,label,split"]
    for split in ("train", "val"):
        for label, level in (("dark", 0), ("bright", 128)):
            for number in range(4):
                pixels = rng.integers(level, level + 128, (40, 48, 3)).astype(np.uint8)
                name = f"{split}-{label}-{number}.png"
                Image.fromarray(pixels).save(folder / name)
                lines.append(f"{name},{label},{split}")
    (folder / "list.csv").write_text("\n".join(lines) + "\n")
    assert run_avtool("prepare", folder / "list.csv", "--out", folder / "data", "-q").code == 0
    return folder / "data"


def test_finetune_embed_and_predict(tmp_path: Path) -> None:
    data = write_photographs(tmp_path)
    tiny = "model.arguments={options={embed_dim=32,depth=2,num_heads=2}}"
    base = ["--epochs", 1, "--batch-size", 4, "--device", "cpu", "--set", tiny, "-q"]
    small = ["--set", "data.video.size=32", "--set", "data.video.short_side=32"]
    done = run_avtool("finetune", data, "--model", "zoo:deit-ti", *base, *small, "--out", tmp_path / "run")
    assert done.code == 0, done.stderr
    table = tmp_path / "features.parquet"
    done = run_avtool("embed", data, "--encoder", tmp_path / "run", "--out", table)
    assert done.code == 0, done.stderr
    assert len(pyarrow.parquet.read_table(table)["feature"][0].as_py()) == 32
    done = run_avtool("predict", data, "--model", tmp_path / "run", "--out", tmp_path / "scores")
    assert done.code == 0, done.stderr


def test_finetune_on_spectrograms(tmp_path: Path) -> None:
    data = prepare_tones(tmp_path)
    tiny = "model.arguments={side=32,options={embed_dim=32,depth=2,num_heads=2}}"
    done = run_avtool(
        "finetune", data, "--model", "zoo-audio:deit-ti", "--epochs", 1, "--batch-size", 4, "--device", "cpu",
        "--set", tiny, "-q", "--out", tmp_path / "run",
    )  # fmt: skip
    assert done.code == 0, done.stderr


LAYERED = ("deit-ti", "swin-t", "levit-128s", "t2t-vit-7", "cait-xxs24", "pit-ti", "poolformer-s12")
OTHERS = ("pvt-tiny", "cvt-13", "maxvit-t-torchvision", "yolos-ti", "segformer-b0", "upernet-swin-t-ade20k",
          "detr-r50", "segmenter-seg-s-mask-16")  # fmt: skip


@pytest.mark.parametrize("key", LAYERED + OTHERS)
def test_layers_rise_from_the_stem_to_the_last_block(key: str) -> None:
    """Every parameter but those of the head is in one layer; each block stands above those before it."""
    from avtool.training.parameter_groups import layer_scales

    row = find_row(key)
    assert row.size is not None
    with torch.device("meta"):
        network = ZooNetwork(ZooSettings(key, num_classes=5, image_size=row.size[0]))
    scales = layer_scales(network, 0.5)
    count = len(network.parameter_layers())
    assert count > 6
    by_name = {name: scales[parameter] for name, parameter in network.named_parameters()}
    assert {scale for name, scale in by_name.items() if name.startswith("head.")} == {1.0}
    inside = {scale for name, scale in by_name.items() if not name.startswith("head.")}
    assert inside == {0.5**above for above in range(1, count + 1)}
    first = ("patch_embed", "stem", "convolution_embeddings", "conv1")
    assert next(scale for name, scale in by_name.items() if any(word in name for word in first)) == 0.5**count


def test_places_of_stages_blocks_and_what_stands_between() -> None:
    """What comes before a stage's blocks is a layer; a norm or a downsampling behind them is in the last."""
    names = ["embed.w", "stages.0.conv.w", "stages.0.blocks.0.w", "stages.0.blocks.1.w", "stages.0.norm.w",
             "stages.1.blocks.0.w", "norm.w"]  # fmt: skip
    assert list(places(names).values()) == [(-1, -1), (0, -1), (0, 0), (0, 1), (0, 1), (1, 0), (1, 0)]
    assert places(["conv1.w", "layer1.0.conv.w", "layer2.0.conv.w"])["layer2.0.conv.w"] == (2, 0)
    merged = ["patch_embeddings.0.w", "patch_embeddings.1.w", "block.0.0.w", "block.1.0.w"]
    assert sorted(places(merged).values()) == [(0, -1), (0, 0), (1, -1), (1, 0)]


def test_networks_without_blocks_refuse_layers() -> None:
    with pytest.raises(BadInputError, match=r"`Plain` has no layers for optimizer\.layer_decay"):
        layers_of(torch.nn.Sequential(torch.nn.Linear(2, 2)), "Plain")
