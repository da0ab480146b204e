"""MBT against its equations, restated here in NumPy double precision, and against frozen numbers."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from avtool.models.mbt.mbt import MBT
from avtool.models.registry import create

torch.set_num_threads(1)  # tiny matrices: threads would only wait for each other
Array = np.ndarray[Any, np.dtype[np.float64]]
Weights = dict[str, Array]
OTHER = {"audio": "video", "video": "audio"}

MICRO = {
    "embed_dim": 8,
    "depth": 3,
    "num_heads": 2,
    "mlp_dim": 12,
    "fusion_layer": 1,
    "num_bottlenecks": 2,
    "num_classes": 4,
    "audio_frames": 24,
    "num_mel_bins": 16,
    "video_frames": 4,
    "image_size": 16,
    "patch_size": 8,
}


def layer_norm(x: Array, w: Weights, name: str) -> Array:
    centred = x - x.mean(-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-6)
    return scaled * w[f"{name}.weight"] + w[f"{name}.bias"]


def linear(x: Array, w: Weights, name: str) -> Array:
    return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]


def block(x: Array, w: Weights, name: str, heads: int) -> Array:
    """One pre-norm ViT layer over the tokens (N, D) of one sample."""
    dim = x.shape[-1]
    queries, keys, values = np.split(linear(layer_norm(x, w, f"{name}.norm1"), w, f"{name}.attn.qkv"), 3, -1)
    attended = np.zeros_like(x)
    for head in range(heads):
        part = slice(head * dim // heads, (head + 1) * dim // heads)
        scores = np.exp(queries[:, part] @ keys[:, part].T / math.sqrt(dim // heads))
        attended[:, part] = scores / scores.sum(-1, keepdims=True) @ values[:, part]
    x = x + linear(attended, w, f"{name}.attn.proj")
    hidden = linear(layer_norm(x, w, f"{name}.norm2"), w, f"{name}.mlp.fc1")
    gelu = 0.5 * hidden * (1 + np.tanh(math.sqrt(2 / math.pi) * (hidden + 0.044715 * hidden**3)))
    return x + linear(gelu, w, f"{name}.mlp.fc2")


def stem(value: Array, w: Weights, name: str, patch: int) -> Array:
    """Patches one after the other, in order (time, row, column) or (time, mel)."""
    kernel, bias = w[f"stems.{name}.patch_embed.proj.weight"], w[f"stems.{name}.patch_embed.proj.bias"]
    boxes = [value[None]] if name == "audio" else np.split(value, value.shape[1] // 2, axis=1)
    tokens = [w[f"stems.{name}.cls_token"][0, 0]]
    for box in boxes:
        for row in range(0, box.shape[-2], patch):
            for column in range(0, box.shape[-1], patch):
                cut = box[..., row : row + patch, column : column + patch]
                tokens.append(np.array([(unit * cut).sum() for unit in kernel]) + bias)
    return np.stack(tokens) + w[f"stems.{name}.pos_embed"][0]


def fused_layer(
    tokens: dict[str, Array], shared: Array, w: Weights, layer: int, s: dict[str, Any]
) -> tuple[dict[str, Array], Array]:
    """One layer of bottleneck or cross fusion of one sample."""
    heads, new, written = s["num_heads"], {}, []
    for name in ("video", "audio"):
        key, size = f"blocks.{name}.{layer}", len(tokens[name])
        if s["fusion"] == "cross":
            joined = block(np.concatenate([tokens[OTHER[name]], tokens[name]]), w, key, heads)
            new[name] = joined[-size:]
            continue
        joined = block(np.concatenate([tokens[name], shared]), w, key, heads)
        new[name] = joined[:size]
        written.append(joined[size:])
        if s["bottleneck_update"] == "sequential":
            shared = joined[size:]
    if written and s["bottleneck_update"] == "parallel":
        shared = sum(written) / len(written)
    return new, shared


def equations(audio: Array, video: Array, w: Weights, s: dict[str, Any]) -> dict[str, Array]:
    """The logits of each modality of one sample."""
    tokens = {
        "video": stem(video, w, "video", s["patch_size"]),
        "audio": stem(audio, w, "audio", s["patch_size"]),
    }
    shared = w["bottleneck"][0] if "bottleneck" in w else np.zeros((0, s["embed_dim"]))
    for layer in range(s["depth"]):
        if layer < s["fusion_layer"]:
            tokens = {
                name: block(x, w, f"blocks.{name}.{layer}", s["num_heads"]) for name, x in tokens.items()
            }
        elif s["fusion"] == "shared":
            size = len(tokens["video"])
            joined = np.concatenate([tokens["video"], tokens["audio"]])
            joined = block(joined, w, f"common_blocks.{layer - s['fusion_layer']}", s["num_heads"])
            tokens = {"video": joined[:size], "audio": joined[size:]}
        else:
            tokens, shared = fused_layer(tokens, shared, w, layer, s)
    return {name: linear(layer_norm(x[0], w, "norm"), w, "head") for name, x in tokens.items()}


def waves(shape: torch.Size | tuple[int, ...], phase: float, scale: float) -> torch.Tensor:
    """Numbers that look random and are the same on every machine."""
    count = torch.arange(math.prod(shape), dtype=torch.float64)
    return (
        (scale * torch.sin(1.7 * count + 0.37 * torch.sin(0.11 * count**1.5) + phase)).reshape(shape).float()
    )


def build(**overrides: Any) -> MBT:
    """A small model whose parameters all differ from their start."""
    model: MBT = create("mbt_tiny", **{**MICRO, **overrides}).eval()  # type: ignore[assignment]
    with torch.no_grad():
        for index, (name, parameter) in enumerate(sorted(model.named_parameters())):
            parameter.copy_(waves(parameter.shape, index, 0.4))
            if "norm" in name and name.endswith("weight"):
                parameter.add_(1)
    return model


def inputs() -> dict[str, torch.Tensor]:
    return {"audio": waves((2, 24, 16), 0.5, 1.0), "video": waves((2, 3, 4, 16, 16), 0.9, 1.0)}


VARIANTS = [
    *({"fusion": "bottleneck", "fusion_layer": layer} for layer in range(4)),
    *({"fusion": "shared", "fusion_layer": layer} for layer in range(4)),
    *({"fusion": "cross", "fusion_layer": layer} for layer in range(4)),
    {"fusion": "cross", "cross_queries": "all"},
    {"bottleneck_update": "sequential"},
    {"bottleneck_extra": True},
]


@pytest.mark.parametrize("overrides", VARIANTS, ids=str)
def test_equals_the_equations(overrides: dict[str, Any]) -> None:
    model = build(**overrides)
    weights = {name: value.double().numpy() for name, value in model.state_dict().items()}
    settings = {"fusion": "bottleneck", "bottleneck_update": "parallel", **MICRO, **overrides}
    given = inputs()
    with torch.no_grad():
        output = model(**given)
    for sample in range(2):
        expected = equations(
            given["audio"][sample].double().numpy(),
            given["video"][sample].double().numpy(),
            weights,
            settings,
        )
        for name, logits in expected.items():
            assert np.abs(output.modality_logits[name][sample].numpy() - logits).max() <= 1e-5
        mean = (expected["audio"] + expected["video"]) / 2
        assert np.abs(output.logits[sample].numpy() - mean).max() <= 1e-5


FROZEN = {
    "bottleneck": [[1.893408, 1.062349, -0.328155, -1.835959], [1.855886, 0.963411, -0.373996, -1.793871]],
    "shared": [[2.093739, 1.171971, -0.417327, -2.082045], [2.116803, 1.18429, -0.499553, -2.160153]],
    "cross": [[1.675384, 1.841759, 0.830283, -0.884775], [1.665151, 1.866619, 0.894825, -0.857551]],
}


@pytest.mark.parametrize("fusion", FROZEN)
def test_frozen_numbers(fusion: str) -> None:
    with torch.no_grad():
        logits = build(fusion=fusion)(**inputs()).logits
    torch.testing.assert_close(logits, torch.tensor(FROZEN[fusion]), rtol=0, atol=1e-5)


@pytest.mark.parametrize(("name", "count"), [("mbt_base", 174_615_311), ("mbt_small", 43_937_423)])
def test_parameter_counts(name: str, count: int) -> None:
    with torch.device("meta"):
        model = create(name)
    assert sum(parameter.numel() for parameter in model.parameters()) == count


def test_number_of_tokens_of_the_published_model() -> None:
    with torch.device("meta"):
        model = create("mbt_base")
    assert model.stems["audio"].pos_embed.shape[1] == 1 + 50 * 8
    assert model.stems["video"].pos_embed.shape[1] == 1 + 16 * 196
