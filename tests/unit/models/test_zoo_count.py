"""Counting of parameters and MACs: closed forms, torchvision's own counts, and each known trap."""

from dataclasses import replace
from pathlib import Path

import pytest
import timm
import torch
from torch import nn
from torch.nn import functional

from avtool.core.errors import BadInputError, MissingError
from avtool.models.zoo.catalogue import find_row, shipped_rows
from avtool.models.zoo.count import MacCounter, count_macs, count_parameters, countable
from avtool.models.zoo.example import macs_of_network
from avtool.models.zoo.measure import count_row
from avtool.models.zoo.networks import build, build_on_meta
from avtool.models.zoo.oracle import TRANSFORMERS, count_torchvision
from avtool.models.zoo.row import Row

SAMPLE = (
    "deit-ti", "swin-t", "pvtv2-b0", "convit-ti", "cait-xxs24", "levit-128s", "xcit-n12-16", "mobilevit-xxs",
    "tinyvit-5m", "pvt-tiny", "segformer-b0", "yolos-ti", "maxvit-t-torchvision", "t2t-vit-t-14",
    "localvit-t",
)  # fmt: skip
"""Counted at every commit; the slow test counts all rows."""
BUILT = [row for row in shipped_rows() if row.is_built]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AVTOOL_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


class SelfAttention(nn.Module):
    def __init__(self, width: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        query, key, value = (
            part.unflatten(2, (self.heads, -1)).transpose(1, 2) for part in self.qkv(tokens).chunk(3, dim=-1)
        )
        mixed = functional.scaled_dot_product_attention(query, key, value)
        return self.proj(mixed.transpose(1, 2).flatten(2))


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_closed_forms(device: str) -> None:
    with torch.device(device):
        linear, images = nn.Linear(30, 50), torch.rand(2, 3, 16, 20)
        assert count_macs(linear, lambda: linear(torch.rand(7, 30))) == 7 * 30 * 50
        convolution = nn.Conv2d(3, 8, 5, stride=2, padding=2)
        assert count_macs(convolution, lambda: convolution(images)) == 2 * 8 * 8 * 10 * 3 * 25
        depthwise = nn.Conv2d(6, 6, 3, groups=6)
        assert count_macs(depthwise, lambda: depthwise(torch.rand(1, 6, 9, 9))) == 6 * 9 * 7 * 7
        first, second = torch.rand(5, 4, 6), torch.rand(5, 6, 7)
        assert count_macs(linear, lambda: first @ second) == 5 * 4 * 6 * 7
        attention, count, width = SelfAttention(32), 11, 32
        expected = 4 * count * width**2 + 2 * count**2 * width
        assert count_macs(attention, lambda: attention(torch.rand(1, count, width))) == expected


def test_products_need_not_be_computed() -> None:
    network = build(find_row("deit-ti"), options={"depth": 2, "img_size": 64})
    images = torch.rand(1, 3, 64, 64)
    with countable(), MacCounter(compute=True) as computed:
        network.eval()(images)
    assert computed.macs == count_macs(network, lambda: network(images)) > 0


def test_a_count_leaves_the_network_as_it_was() -> None:
    network = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    count_macs(network, lambda: network(torch.rand(3, 4)))
    assert network.training
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_trap_fused_attention_has_no_formula_on_a_cpu() -> None:
    attention, tokens = SelfAttention(32).eval(), torch.rand(1, 11, 32)
    with torch.no_grad(), MacCounter(compute=True) as fused:
        attention(tokens)
    assert fused.macs == 4 * 11 * 32**2
    assert count_macs(attention, lambda: attention(tokens)) == fused.macs + 2 * 11**2 * 32


def test_trap_the_fast_path_of_encoder_layers() -> None:
    layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True).eval()
    tokens = torch.rand(1, 11, 32)
    assert torch.backends.mha.get_fastpath_enabled()
    with torch.no_grad(), MacCounter(compute=True) as fast:
        layer(tokens)
    expected = 11 * (4 * 32**2 + 2 * 32 * 64) + 2 * 11**2 * 32
    assert fast.macs < expected
    assert count_macs(layer, lambda: layer(tokens)) == expected
    assert torch.backends.mha.get_fastpath_enabled()


def test_trap_modules_that_return_tuples() -> None:
    for name in ("pit_ti_224", "cait_xxs24_224"):
        with torch.device("meta"):
            network, images = timm.create_model(name), torch.empty(1, 3, 224, 224)
        assert count_macs(network, lambda network=network, images=images: network(images)) > 5e8


def test_trap_heads_of_other_sizes() -> None:
    row = replace(find_row("tinyvit-5m"), builder="tiny_vit_5m_224")
    with torch.device("meta"):
        other = timm.create_model("tiny_vit_5m_224.dist_in22k")
    assert count_parameters(other) == 12_082_725  # of 21 841 classes
    assert count_row(row).params == 5_392_764
    assert count_row(find_row("vit-h-14")).params == 632_045_800


def test_trap_networks_that_need_values() -> None:
    row = find_row("detr-r50")
    found = count_row(row, size=(96, 128))
    assert found.device == "cpu"
    assert found.params == 41_524_768
    network = build(row)
    inputs = torch.zeros(1, 3, 96, 128)
    with countable(), MacCounter(compute=True) as computed:
        network.eval()(pixel_values=inputs)
    assert found.macs == computed.macs


def test_meta_and_cpu_count_the_same() -> None:
    for key in ("deit-ti", "levit-128s", "pvt-tiny"):
        row = find_row(key)
        real, meta = build(row), build_on_meta(row)
        assert count_parameters(real) == count_parameters(meta)
        assert macs_of_network(real, row, (224, 224)) == macs_of_network(meta, row, (224, 224))


@pytest.mark.parametrize("name", ["swin_t", "vit_b_32"])
def test_torchvision_counts_the_same(name: str) -> None:
    check_oracle((name,))


@pytest.mark.slow
def test_all_transformers_of_torchvision() -> None:
    assert len(TRANSFORMERS) == 11
    check_oracle(TRANSFORMERS)


def check_oracle(names: tuple[str, ...]) -> None:
    for _, params, params_stated, macs, macs_stated in count_torchvision(names):
        assert params == params_stated
        assert round(macs / 1e9, 3) == macs_stated


def check_row(row: Row) -> None:
    found = count_row(row)
    assert row.params_m_measured is not None
    assert row.macs_g_measured is not None
    assert round(found.params / 1e6, 3) == row.params_m_measured, row.name
    assert found.macs / 1e9 == pytest.approx(row.macs_g_measured, rel=5e-3), row.name


@pytest.mark.parametrize("key", SAMPLE)
def test_a_row_is_counted_as_the_catalogue_has_it(key: str) -> None:
    check_row(find_row(key))


@pytest.mark.slow
@pytest.mark.parametrize("row", BUILT, ids=lambda row: row.key)
def test_every_row_is_counted_as_the_catalogue_has_it(row: Row) -> None:
    check_row(row)


def test_counts_are_cached(cache: Path) -> None:
    row = find_row("mobilevit-xxs")
    first = count_row(row)
    assert not first.cached
    again = count_row(row)
    assert again == replace(first, cached=True)
    (file,) = (cache / "zoo").iterdir()
    file.write_text("{")
    assert not count_row(row).cached
    assert not count_row(row, num_classes=7).cached
    assert len(list((cache / "zoo").iterdir())) == 2


def test_classes_channels_and_sizes_decide_the_count() -> None:
    row = find_row("deit-ti")
    whole, small = count_row(row), count_row(row, num_classes=10)
    assert whole.params - small.params == 990 * 193
    assert whole.params - count_row(row, in_channels=1).params == 2 * 192 * 16 * 16
    assert count_row(row, size=(112, 112)).macs < whole.macs / 3


@pytest.mark.parametrize(
    ("key", "size", "step", "near"),
    [
        ("deit-s", 100, 16, "96 or 112"),
        ("maxvit-t", 250, 32, "256 or 224"),
        ("t2t-vit-14", 225, 16, "224 or 240"),
    ],
)
def test_a_wrong_size_names_the_nearest(key: str, size: int, step: int, near: str) -> None:
    with pytest.raises(BadInputError, match=f"does not take images of {size}x{size}") as caught:
        count_row(find_row(key), size=(size, size))
    assert f"multiples of {step}" in caught.value.hint
    assert near in caught.value.hint


def test_fused_attention_is_counted_as_its_products() -> None:
    """YOLOS-Ti's attention runs fused, and counts what the plain products count."""
    row = find_row("yolos-ti")
    fused, plain = build_on_meta(row), build_on_meta(row)
    assert fused.config._attn_implementation == "sdpa"
    plain.set_attn_implementation("eager")
    assert macs_of_network(fused, row, (64, 96)) == macs_of_network(plain, row, (64, 96))


@pytest.mark.parametrize("library", ["timm", "transformers", "torchvision"])
def test_an_absent_network_names_the_extra(library: str) -> None:
    row = replace(find_row("swin-t"), library=library, builder="no_such_network")
    with pytest.raises(
        MissingError, match=f"{library} .* has no `no_such_network`, which builds `Swin-T`"
    ) as caught:
        build(row)
    assert caught.value.hint == "pip install -U 'avtool[hub]'"


def test_settings_that_a_builder_refuses() -> None:
    row = replace(find_row("swin-t"), builder='swin_tiny_patch4_window7_224|{"depth":"deep"}')
    with pytest.raises(BadInputError, match="`Swin-T` cannot be built by timm"):
        build(row)
    row = replace(find_row("detr-r50"), builder="DetrForObjectDetection|resnet51x")
    with pytest.raises(BadInputError, match=r"resnet51x"):
        build_on_meta(row)
    with pytest.raises(BadInputError, match="no backbone is called `swin-x`"):
        build_on_meta(replace(row, builder="UperNetForSemanticSegmentation|swin-x"))
