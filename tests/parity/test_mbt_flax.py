"""MBT's published layout: checkpoints written as Flax writes them, and their equations on that layout."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import pytest
import torch

from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.models.load import load_checkpoint
from avtool.models.published.flax_file import is_flax, read_flax
from avtool.models.registry import create

torch.set_num_threads(1)
D, HEADS, MLP, LAYERS, FUSION, CLASSES = 24, 3, 40, 3, 1, 5
PATCH, AUDIO, VIDEO = 8, (24, 16), (4, 16, 16)
SIZES = {
    "embed_dim": D, "num_heads": HEADS, "mlp_dim": MLP, "depth": LAYERS, "fusion_layer": FUSION,
    "num_bottlenecks": 5, "num_classes": CLASSES, "audio_frames": AUDIO[0], "num_mel_bins": AUDIO[1],
    "video_frames": VIDEO[0], "image_size": VIDEO[1], "patch_size": PATCH,
}  # fmt: skip
NAMES = {
    "rgb": ("embedding", "cls", ""),
    "spectrogram": ("embedding_spectrogram", "clsspectrogram", "_spectrogram"),
}
Tree = dict[str, Any]


@dataclass(frozen=True)
class Shape:
    """The sizes of a published network; tokens of video and audio without class tokens."""

    width: int = D
    layers: int = LAYERS
    heads: int = HEADS
    mlp: int = MLP
    patch: int = PATCH
    tokens: tuple[int, int] = (8, 6)
    classes: int = CLASSES


SMALL = Shape()


def parameters(modalities: tuple[str, ...] = ("rgb", "spectrogram"), shape: Shape = SMALL) -> Tree:
    """Random parameters under Scenic's names, in its shapes: as `MBT` of its `model.py` makes them."""
    width, patch = shape.width, shape.patch
    draw = np.random.default_rng(0)

    def array(*sides: int, around: float = 0.0) -> Any:
        return (around + 0.2 * draw.standard_normal(sides)).astype(np.float32)

    def norm() -> Tree:
        return {"scale": array(width, around=1.0), "bias": array(width)}

    def block() -> Tree:
        head = width // shape.heads
        attention = {
            name: {"kernel": array(width, shape.heads, head), "bias": array(shape.heads, head)}
            for name in ("query", "key", "value")
        }
        attention["out"] = {"kernel": array(shape.heads, head, width), "bias": array(width)}
        sides = ((width, shape.mlp), (shape.mlp, width))
        dense = [{"kernel": array(*pair), "bias": array(pair[1])} for pair in sides]
        return {
            "LayerNorm_0": norm(),
            "MultiHeadDotProductAttention_0": attention,
            "LayerNorm_1": norm(),
            "MlpBlock_0": {"Dense_0": dense[0], "Dense_1": dense[1]},
        }

    tree: Tree = {"Transformer": {"encoder_norm": norm()}, "bottleneck": array(1, 5, width)}
    for number, name in zip(shape.tokens, ("rgb", "spectrogram"), strict=True):
        if name not in modalities:
            continue
        embedding, token, suffix = NAMES[name]
        kernel = (2, patch, patch, 3) if name == "rgb" else (patch, patch, 3)
        tree[embedding] = {"kernel": array(*kernel, width), "bias": array(width)}
        tree[token if len(modalities) > 1 else "cls"] = array(1, 1, width)
        tree["Transformer"][f"posembed_input{suffix}"] = {"pos_embedding": array(1, number + 1, width)}
        for layer in range(shape.layers):
            tree["Transformer"][f"encoderblock_{layer}{suffix}"] = block()
    tree["output_projection"] = {"kernel": array(width, shape.classes), "bias": array(shape.classes)}
    tree["pre_logits"] = {}
    return tree


def encoded(value: object) -> object:
    """What `flax.serialization` puts in the place of an array."""
    if isinstance(value, np.ndarray):
        parts = (value.shape, value.dtype.name, value.tobytes("C"))
        return msgpack.ExtType(1, msgpack.packb(parts, use_bin_type=True))
    if isinstance(value, np.generic):
        return msgpack.ExtType(3, msgpack.packb(((), value.dtype.name, value.tobytes()), use_bin_type=True))
    return value


def write(path: Path, tree: Tree) -> Path:
    """A training state of Scenic: the parameters in its optimizer, its moments, the step, a random key."""
    moments = {"step": 7, "param_states": {"head": {"momentum": np.ones((3, 2), np.float32)}}}
    state = {
        "global_step": 7,
        "optimizer": {"target": tree, "state": moments},
        "model_state": {},
        "rng": np.zeros(2, np.uint32),
        "accum_train_time": np.float32(1.5),
    }
    path.write_bytes(msgpack.packb(state, default=encoded, strict_types=True))
    return path


def norm(x: Any, p: Tree) -> Any:
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-6) * p["scale"] + p["bias"]


def run_block(x: Any, p: Tree) -> Any:
    """A block over the tokens (N, D), on Flax's kernels as they are."""
    y, a = norm(x, p["LayerNorm_0"]), p["MultiHeadDotProductAttention_0"]
    q, k, v = (np.einsum("nd,dhe->nhe", y, a[n]["kernel"]) + a[n]["bias"] for n in ("query", "key", "value"))
    scores = np.einsum("nhe,mhe->hnm", q, k) / math.sqrt(q.shape[-1])
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    x = x + np.einsum("hnm,mhe,hed->nd", weights, v, a["out"]["kernel"]) + a["out"]["bias"]
    first, second = p["MlpBlock_0"]["Dense_0"], p["MlpBlock_0"]["Dense_1"]
    hidden = norm(x, p["LayerNorm_1"]) @ first["kernel"] + first["bias"]
    gelu = 0.5 * hidden * (1 + np.tanh(math.sqrt(2 / math.pi) * (hidden + 0.044715 * hidden**3)))
    return x + gelu @ second["kernel"] + second["bias"]


def tokens_of(value: Any, modality: str, tree: Tree) -> Any:
    """Patches (…, channels last) as tokens, in the order (time, row, column) or (time, mel)."""
    embedding, token, suffix = NAMES[modality]
    kernel = tree[embedding]["kernel"]
    sides = kernel.shape[:-2]
    grid = [range(0, size, side) for size, side in zip(value.shape[:-1], sides, strict=True)]
    found = [tree.get(token, tree.get("cls"))[0, 0]]
    for place in np.stack(np.meshgrid(*grid, indexing="ij"), -1).reshape(-1, len(sides)):
        cut = value[tuple(slice(start, start + side) for start, side in zip(place, sides, strict=True))]
        found.append(np.tensordot(cut, kernel, axes=cut.ndim) + tree[embedding]["bias"])
    return np.stack(found) + tree["Transformer"][f"posembed_input{suffix}"]["pos_embedding"][0]


def equations(values: dict[str, Any], tree: Tree) -> Any:
    """The logits of one clip, in double precision."""
    x = {modality: tokens_of(value, modality, tree) for modality, value in values.items()}
    shared, blocks = tree["bottleneck"][0], tree["Transformer"]
    for layer in range(LAYERS):
        written = []
        for modality in x:
            own = blocks[f"encoderblock_{layer}{NAMES[modality][2]}"]
            if layer < FUSION or len(x) == 1:
                x[modality] = run_block(x[modality], own)
                continue
            out = run_block(np.concatenate([x[modality], shared]), own)
            x[modality], rest = out[: -len(shared)], out[-len(shared) :]
            written.append(rest)
        shared = np.mean(written, axis=0) if written else shared
    head = tree["output_projection"]
    return np.mean(
        [norm(one[0], blocks["encoder_norm"]) @ head["kernel"] + head["bias"] for one in x.values()], 0
    )


@pytest.mark.parametrize("modalities", [("rgb", "spectrogram"), ("rgb",), ("spectrogram",)], ids="+".join)
def test_published_weights_give_the_logits_of_their_equations(
    tmp_path: Path, modalities: tuple[str, ...]
) -> None:
    tree = parameters(modalities)
    ours = {"rgb": "video", "spectrogram": "audio"}
    model = create("mbt_tiny", **SIZES, modalities=tuple(ours[name] for name in modalities)).eval()
    report = load_checkpoint(model, "mbt_tiny", write(tmp_path / "checkpoint", tree))
    left = () if len(modalities) == 2 else ("bottleneck",)
    assert report.missing == ()
    assert tuple(name for name in report.unexpected if name not in left) == ()
    torch.manual_seed(0)
    video, audio = torch.randn(2, 3, *VIDEO), torch.randn(2, *AUDIO)
    given = {"video": video, "audio": audio / 2}  # ours have half the deviation
    with torch.no_grad():
        logits = model(**{ours[name]: given[ours[name]] for name in modalities}).logits
    for clip in range(2):
        values = {
            "rgb": video[clip].permute(1, 2, 3, 0).double().numpy(),
            "spectrogram": np.repeat(audio[clip, :, :, None].double().numpy(), 3, axis=-1),
        }
        wanted = equations({name: values[name] for name in modalities}, tree)
        np.testing.assert_allclose(logits[clip].numpy(), wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_a_checkpoint_of_the_published_size_is_loaded_whole(tmp_path: Path) -> None:
    tree = parameters(shape=Shape(768, 12, 12, 3072, 16, (3136, 400), 527))
    model = create("mbt_base", bottleneck_extra=True)
    report = load_checkpoint(model, "mbt_base", write(tmp_path / "mbtb32_as-mini_rgb-spec", tree))
    assert (report.missing, report.unexpected) == ((), ())
    own = dict(model.named_parameters())
    theirs = tree["Transformer"]["encoderblock_11_spectrogram"]["MultiHeadDotProductAttention_0"]
    joined = np.concatenate(
        [theirs[name]["kernel"].reshape(768, 768).T for name in ("query", "key", "value")]
    )
    np.testing.assert_array_equal(own["blocks.audio.11.attn.qkv.weight"].detach().numpy(), joined)


def test_a_new_task_keeps_its_own_last_layer_and_longer_audio_interpolates(tmp_path: Path) -> None:
    path = write(tmp_path / "checkpoint", parameters())
    longer = {**SIZES, "num_classes": 7, "audio_frames": 40, "image_size": 32}
    model = create("mbt_tiny", **longer)
    with pytest.raises(BadInputError, match="video positions of the weights are 2x2x2 and the model's 2x4x4"):
        load_checkpoint(model, "mbt_tiny", path)
    report = load_checkpoint(model, "mbt_tiny", path, interpolate=True)
    assert {"video positions: 2x2x2 → 2x4x4", "audio positions: 3x2 → 5x2"} <= set(report.changes)
    assert any("classes: 5 → 7" in change for change in report.changes)
    assert report.missing == ("head.weight", "head.bias")


@pytest.mark.parametrize(
    ("settings", "message", "hint"),
    [
        ({"num_bottlenecks": 4}, "5 bottleneck tokens and the model has 4", "num_bottlenecks=5"),
        ({"pooling": "gap"}, "have a class token", 'pooling="cls"'),
    ],
)
def test_other_special_tokens_are_refused(tmp_path: Path, settings: Tree, message: str, hint: str) -> None:
    model = create("mbt_tiny", **{**SIZES, **settings})
    with pytest.raises(BadInputError, match=message) as caught:
        load_checkpoint(model, "mbt_tiny", write(tmp_path / "checkpoint", parameters()))
    assert hint in str(caught.value.hint)


def test_files_are_known_by_their_first_bytes(tmp_path: Path) -> None:
    assert is_flax(write(tmp_path / "checkpoint_7", {"a": np.ones(2, np.float32)}))
    torch.save({"a": torch.ones(2)}, tmp_path / "zip.pt")
    torch.save({"a": torch.ones(2)}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    (tmp_path / "empty").touch()
    assert not any(is_flax(tmp_path / name) for name in ("zip.pt", "old.pt", "empty"))


def test_arrays_in_chunks_and_of_other_types(tmp_path: Path) -> None:
    chunks = {"0": np.arange(4, dtype=np.float32), "1": np.arange(4, 6, dtype=np.float32)}
    tree = {
        "big": {"__msgpack_chunked_array__": True, "shape": {"0": 2, "1": 3}, "chunks": chunks},
        "half": np.ones((2, 2), np.float16),
        "counts": np.arange(3),
    }
    state = read_flax(write(tmp_path / "a.msgpack", tree))
    assert state.keys() == {"big", "half"}
    torch.testing.assert_close(state["big"], torch.arange(6.0).reshape(2, 3))
    assert state["half"].dtype == torch.float32


def test_bfloat16_is_read(tmp_path: Path) -> None:
    values = torch.tensor([1.5, -2.0], dtype=torch.bfloat16)
    data = values.view(torch.int16).numpy().tobytes()
    array = msgpack.ExtType(1, msgpack.packb(((2,), "bfloat16", data), use_bin_type=True))
    (tmp_path / "a.msgpack").write_bytes(msgpack.packb({"params": {"w": array}}))
    torch.testing.assert_close(read_flax(tmp_path / "a.msgpack")["w"], torch.tensor([1.5, -2.0]))


@pytest.mark.parametrize("kept", [0, 1, 100, -1])
def test_damaged_files_are_one_line(tmp_path: Path, kept: int) -> None:
    whole = write(tmp_path / "whole", parameters()).read_bytes()
    path = tmp_path / "damaged.msgpack"
    path.write_bytes(whole[:kept])
    with pytest.raises(CorruptArtifactError, match="is no Flax checkpoint"):
        read_flax(path)


def test_an_array_shorter_than_its_shape_is_refused(tmp_path: Path) -> None:
    array = msgpack.ExtType(1, msgpack.packb(((9, 9), "float32", bytes(8)), use_bin_type=True))
    (tmp_path / "a.msgpack").write_bytes(msgpack.packb({"params": {"w": array}}))
    with pytest.raises(CorruptArtifactError, match="has 8 bytes"):
        read_flax(tmp_path / "a.msgpack")
