"""PVDM beside its published code and diffusers (values on record), and beside its equations."""

import json
import math
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from avtool.core.errors import BadInputError
from avtool.inference.generation.sampling import ddim_sample, draw_noise
from avtool.models.pvdm.schedule import NoiseSchedule
from avtool.models.pvdm.timesformer import RotaryAttention, rotate, space_table, time_table
from avtool.models.pvdm.unet_blocks import MapAttention, ResidualBlock, timestep_embedding
from avtool.models.registry import MODELS, create

ON_RECORD = json.loads(Path("tests/golden/pvdm.json").read_text(encoding="utf-8"))
"""Names, shapes and outputs of the published code and of diffusers 0.42.1, whose random weights and inputs
are those of `draw` and `draw_weights`."""
PARITY_AE = {"height": 64, "width": 64, "dim": 48}
PARITY_UNET = {"channels": 32, "multipliers": (1, 2), "blocks": 1, "heads": 4}


def draw(shape: Sequence[int], seed: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape, dtype=np.float32))


def draw_weights(shapes: Mapping[str, Sequence[int]]) -> dict[str, torch.Tensor]:
    """Random weights, each a function of its name."""
    drawn = {}
    for name, shape in shapes.items():
        if name.endswith(("coords", "zeros", "inv_freqs", "scales")):
            continue
        value = np.random.default_rng([0, zlib.crc32(name.encode())]).standard_normal(shape, dtype=np.float32)
        fan_in = int(np.prod(shape[1:])) if len(shape) > 1 else 0
        scaled = value / np.float32(2 * math.sqrt(fan_in)) if fan_in else value * np.float32(0.1)
        offset = np.float32(not fan_in and name.endswith("weight"))
        drawn[name] = torch.from_numpy(np.ascontiguousarray(scaled + offset, dtype=np.float32))
    return drawn


def assert_on_record(ours: torch.Tensor, record: Mapping[str, Any], tolerance: float = 1e-5) -> None:
    assert list(ours.shape) == record["shape"]
    flat = ours.detach().double().flatten()
    places = torch.linspace(0, len(flat) - 1, 24).long()
    assert flat[places].numpy() == pytest.approx(record["values"], abs=tolerance, rel=0)
    assert float(flat.mean()) == pytest.approx(record["mean"], abs=tolerance)
    assert float(flat.square().mean()) == pytest.approx(record["square"], abs=tolerance)


def load(builder: str, weights: dict[str, torch.Tensor], **overrides: Any) -> Any:
    model = create(builder, **overrides).eval()
    report = MODELS.find(builder).family.load_weights(model, weights)
    assert report.missing == report.unexpected == ()
    return model


@torch.no_grad()
def test_the_autoencoder_is_the_published_one() -> None:
    record = ON_RECORD["autoencoder"]
    model = load("pvdm_autoencoder", draw_weights(record["names"]), **PARITY_AE)
    assert sum(parameter.numel() for parameter in model.parameters()) == 4_277_487
    video = draw((2, 3, 16, 64, 64), 1).tanh()
    latents = model.encode(video)
    assert_on_record(latents, record["latents"])
    assert_on_record(model.decode(latents), record["video"])
    assert_on_record(model(video), record["forward"])
    torch.testing.assert_close(model.decode(latents), model(video), atol=5e-7, rtol=0)


@torch.no_grad()
def test_the_unet_is_the_published_one() -> None:
    record = ON_RECORD["unet"]
    model = load("pvdm_unet_l", draw_weights(record["names"]), **PARITY_UNET)
    assert sum(parameter.numel() for parameter in model.parameters()) == 926_308
    latents, condition = draw((2, 4, 2048), 2), draw((2, 4, 2048), 3).tanh()
    times = torch.tensor([7, 913])
    assert_on_record(model(latents, times, condition), record["conditional"])
    assert_on_record(model(latents, times), record["unconditional"])


@pytest.mark.parametrize("steps", [50, 400])
@pytest.mark.parametrize("eta", [0, 1])
def test_ddim_is_the_published_one(steps: int, eta: int) -> None:
    record = ON_RECORD[f"ddim-{steps}-{eta}"]

    def denoise(latents: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
        return torch.tanh(latents * 0.7 + 0.1 * torch.sin(times.float() / 100)[:, None, None])

    both = torch.Generator().manual_seed(5)
    noise = torch.randn(2, 4, 24, generator=both)
    drawn = ddim_sample(denoise, noise, [both, both], steps=steps, eta=eta)
    assert_on_record(drawn, record, 3e-5)


@torch.no_grad()
def test_blocks_are_those_of_diffusers() -> None:
    record = ON_RECORD["diffusers"]
    assert_on_record(timestep_embedding(torch.tensor([0, 7, 999]), 256), record["embedding"], 1e-7)
    names = {
        "norm1": "norm1", "conv1": "conv1", "time": "time_emb_proj", "norm2": "norm2", "conv2": "conv2",
        "skip": "conv_shortcut",
    }  # fmt: skip
    for kind in ("none", "up", "down"):
        block = ResidualBlock(32, 64 if kind == "none" else 32, 128, 0.0, kind)
        shapes = {
            f"{names[key.split('.')[0]]}.{key.split('.')[1]}": tensor.shape
            for key, tensor in block.state_dict().items()
        }
        theirs = draw_weights(shapes)
        back = {name: key for key, name in names.items()}
        block.load_state_dict(
            {f"{back[key.split('.')[0]]}.{key.split('.')[1]}": value for key, value in theirs.items()}
        )
        assert_on_record(block(draw((2, 32, 6, 8), 4), draw((2, 128), 6)), record[kind])


@torch.no_grad()
def test_attention_is_that_of_diffusers() -> None:
    parts, leaves = ("q", "k", "v", "out.0"), {"weight": (64, 64), "bias": (64,)}
    shapes = {f"to_{part}.{leaf}": leaves[leaf] for part in parts for leaf in leaves}
    theirs = draw_weights({**shapes, "group_norm.weight": (64,), "group_norm.bias": (64,)})
    ours = MapAttention(64, 8)
    renamed = {f"norm.{leaf}": theirs[f"group_norm.{leaf}"] for leaf in leaves}
    for leaf in leaves:
        renamed[f"qkv.{leaf}"] = torch.cat([theirs[f"to_{part}.{leaf}"] for part in "qkv"])
        renamed[f"proj.{leaf}"] = theirs[f"to_out.0.{leaf}"]
    ours.load_state_dict(renamed)
    assert_on_record(ours(draw((2, 64, 6, 8), 4)), ON_RECORD["diffusers"]["attention"])


def by_loop(
    attention: RotaryAttention, tokens: torch.Tensor, sines: np.ndarray, cosines: np.ndarray
) -> np.ndarray:
    """Head by head and query by query, in double precision."""
    weight = attention.qkv.weight.detach().double().numpy()
    inner = len(weight) // 3
    found = np.zeros((*tokens.shape[:2], inner))
    for row, sequence in enumerate(tokens.double().numpy()):
        query, key, value = (sequence @ weight[inner * k : inner * (k + 1)].T for k in range(3))
        for head in range(attention.heads):
            part = slice(head * inner // attention.heads, (head + 1) * inner // attention.heads)
            turned = []
            for source in (query[:, part], key[:, part]):
                swapped = np.stack([-source[:, 1::2], source[:, ::2]], -1).reshape(source.shape)
                turned.append(source * cosines + swapped * sines)
            for place, one in enumerate(turned[0]):
                logits = turned[1] @ one / math.sqrt(len(one))
                weights = np.exp(logits - logits.max())
                found[row, place, part] = weights / weights.sum() @ value[:, part]
    projection = attention.proj.weight.detach().double().numpy()
    return found @ projection.T + attention.proj.bias.detach().double().numpy()


@torch.no_grad()
def test_rotary_attention_is_that_of_a_loop() -> None:
    torch.manual_seed(1)
    attention, tokens = RotaryAttention(24, 3, 16), torch.randn(2, 12, 24)
    along = 10000.0 ** -(np.arange(8) / 8)
    time = np.arange(12)[:, None] * np.concatenate([along, along])
    places = [np.linspace(-1, 1, 3)[:, None], np.linspace(-1, 1, 4)[:, None]]
    scales = 2 ** np.linspace(0, np.log2(5), 4) * np.pi
    down, across = (np.repeat(place * scales, 2, axis=1) for place in places)
    space = np.stack([np.concatenate([down[r], across[c]]) for r in range(3) for c in range(4)])
    cpu = torch.device("cpu")
    for angles, table in ((time, time_table(12, 16, "halves", cpu)), (space, space_table(3, 4, 16, cpu))):
        expected = by_loop(attention, tokens, np.sin(angles), np.cos(angles))
        np.testing.assert_allclose(attention(tokens, table).numpy(), expected, atol=1e-5)


@torch.no_grad()
def test_attention_over_maps_is_softmax_attention() -> None:
    torch.manual_seed(2)
    block, maps = MapAttention(64, 4), torch.randn(2, 64, 3, 5)
    torch.nn.init.normal_(block.proj.weight)
    tokens = F.group_norm(maps, 32, eps=1e-5).flatten(2).transpose(1, 2)
    query, key, value = block.qkv(tokens).reshape(2, 15, 3, 4, 16).permute(2, 0, 3, 1, 4)
    logits = torch.einsum("bhqd,bhkd->bhqk", query, key) / 4
    plain = torch.einsum("bhqk,bhkd->bqhd", logits.softmax(-1), value).flatten(2)
    expected = maps + block.proj(plain).transpose(1, 2).reshape(maps.shape)
    torch.testing.assert_close(block(maps), expected, atol=1e-5, rtol=0)


def test_paired_angles_turn_and_published_ones_do_not() -> None:
    values = torch.randn(4, 16, dtype=torch.float64)
    for layout, keeps in (("pairs", True), ("halves", False)):
        turned = rotate(values, time_table(4, 16, layout, torch.device("cpu")))
        assert torch.allclose(turned.norm(dim=-1), values.norm(dim=-1), atol=1e-6) == keeps


def halved(shapes: Mapping[str, Sequence[int]]) -> dict[str, list[int]]:
    """The small U-Net has half the channels of the large one; kernels and latents have at most 8."""
    return {
        name: [size // 2 if size > 8 and not name.endswith("zeros") else size for size in shape]
        for name, shape in shapes.items()
    }


@pytest.mark.parametrize("size", ["s", "l"])
def test_published_unets_have_a_place_for_every_tensor(size: str) -> None:
    shapes = ON_RECORD["published"]["unet_l"]
    shapes = halved(shapes) if size == "s" else shapes
    with torch.device("meta"):
        model = create(f"pvdm_unet_{size}")
        state = {f"module.{name}": torch.empty(shape) for name, shape in shapes.items()}
    report = MODELS.find(f"pvdm_unet_{size}").family.load_weights(model, state)
    assert report.missing == report.unexpected == ()
    total = sum(math.prod(shape) for name, shape in shapes.items() if not name.endswith("zeros"))
    assert total == sum(p.numel() for p in model.parameters()) == {"s": 132_163_588, "l": 528_273_412}[size]


def test_the_published_autoencoder_has_a_place_for_every_tensor() -> None:
    with torch.device("meta"):
        model = create("pvdm_autoencoder")
        state = {name: torch.empty(shape) for name, shape in ON_RECORD["published"]["autoencoder"].items()}
    report = MODELS.find("pvdm_autoencoder").family.load_weights(model, state)
    assert report.missing == report.unexpected == ()


def test_weights_of_another_size_are_refused_by_name() -> None:
    weights = draw_weights(ON_RECORD["unet"]["names"])
    with pytest.raises(BadInputError, match="in the weights and"):
        MODELS.find("pvdm_unet_l").family.load_weights(create("pvdm_unet_tiny", channels=64), weights)


def test_the_schedule_is_the_published_one() -> None:
    schedule = NoiseSchedule()
    assert float(schedule.signal[-1]) == pytest.approx(1.4230e-4, rel=1e-4)
    betas = np.linspace(0.0015**0.5, 0.0195**0.5, 1000) ** 2
    np.testing.assert_allclose(schedule.betas.numpy(), betas, rtol=1e-12)
    np.testing.assert_allclose(schedule.signal.numpy(), np.cumprod(1 - betas), rtol=1e-12)
    latents, noise, times = draw((3, 4, 9), 1), draw((3, 4, 9), 2), torch.tensor([0, 400, 999])
    noisy = schedule.add_noise(latents, noise, times)
    expected = np.sqrt(np.cumprod(1 - betas)[[0, 400, 999]])[:, None, None] * latents.numpy()
    expected = expected + np.sqrt(1 - np.cumprod(1 - betas)[[0, 400, 999]])[:, None, None] * noise.numpy()
    np.testing.assert_allclose(noisy.numpy(), expected, atol=1e-6)
    back = schedule.predict_start(noisy.double(), noise.double(), times)
    np.testing.assert_allclose(back[:2].numpy(), latents[:2].numpy(), atol=1e-5)


def test_noise_is_drawn_sample_by_sample() -> None:
    def generators(*seeds: int) -> list[torch.Generator]:
        return [torch.Generator().manual_seed(seed) for seed in seeds]

    both = draw_noise(torch.empty(2, 3, 5), generators(1, 2))
    alone = draw_noise(torch.empty(1, 3, 5), generators(2))
    assert torch.equal(both[1], alone[0])
