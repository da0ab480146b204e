"""Weights of the public code (salesforce/densecap): its names and true shapes, with random numbers."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from avtool.core.errors import BadInputError
from avtool.models.load import load_checkpoint
from avtool.models.masked_transformer.weights import load_masked_transformer
from avtool.models.registry import create
from tests.captioned_films import write_captioned
from tests.harness import run_avtool

ACTIVITYNET = (1, 2, 3, 4, 5, 7, 9, 11, 15, 21, 29, 41, 57, 71, 111, 161, 211, 251)
TINY = (1, 2, 3, 4, 5, 7, 9, 11, 15, 21, 29)


def public(
    dim: int, hidden: int, words: int, window: int, kernels: tuple[int, ...]
) -> dict[str, torch.Tensor]:
    """The tensors of the public network, by its names; the captioner's encoder is that of the proposals."""
    shapes: dict[str, tuple[int, ...]] = {}

    def linear(name: str, into: int, out: int, bias: bool = True) -> None:
        shapes[f"{name}.weight"] = (out, into)
        if bias:
            shapes[f"{name}.bias"] = (out,)

    def norm(name: str) -> None:
        for leaf in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{name}.{leaf}"] = (dim,)
        shapes[f"{name}.num_batches_tracked"] = ()

    def block(name: str, attention: bool) -> None:
        if attention:
            for part in ("wq", "wk", "wv", "wo"):
                linear(f"{name}.layer.{part}", dim, dim, bias=False)
        else:
            linear(f"{name}.layer.linear1", dim, hidden)
            linear(f"{name}.layer.linear2", hidden, dim)
        for leaf in ("gamma", "beta"):
            shapes[f"{name}.layernorm.{leaf}"] = (dim,)

    linear("mask_model.0", dim + window, dim, bias=False)
    norm("mask_model.1")
    linear("mask_model.3", dim, window)
    linear("rgb_emb", 2048, dim // 2)
    linear("flow_emb", 1024, dim // 2)
    for layer in range(2):
        block(f"vis_emb.encoder.layers.{layer}.selfattn", attention=True)
        block(f"vis_emb.encoder.layers.{layer}.feedforward", attention=False)
    for number, kernel in enumerate(kernels):
        head = f"prop_out.{number}"
        for place in (0, 2, 4, 6):
            norm(f"{head}.{place}")
        shapes[f"{head}.1.weight"] = (dim, 1, kernel)
        shapes[f"{head}.3.weight"] = (dim, dim, 1)
        shapes[f"{head}.7.weight"], shapes[f"{head}.7.bias"] = (4, dim, 1), (4,)
    for layer in range(2):
        for name in ("selfattn", "attention"):
            block(f"cap_model.decoder.layers.{layer}.{name}", attention=True)
        block(f"cap_model.decoder.layers.{layer}.feedforward", attention=False)
    linear("cap_model.decoder.out", dim, words)
    generator = torch.Generator().manual_seed(0)
    found = {
        name: torch.randn(shape, generator=generator) if shape else torch.tensor(3)
        for name, shape in shapes.items()
    }
    shared = {
        name.replace("vis_emb.", "cap_model."): value
        for name, value in found.items()
        if name.startswith("vis_emb.")
    }
    return {**found, **shared}


def parameters(state: dict[str, torch.Tensor]) -> list[torch.Tensor]:
    """Those that are trained, each once."""
    skipped = ("running_mean", "running_var", "num_batches_tracked")
    return [
        value for name, value in state.items()
        if not name.endswith(skipped) and not name.startswith("cap_model.encoder.")
    ]  # fmt: skip


BLOCKS = {
    "vis_emb.encoder.layers.{}.selfattn": "encoder.layers.{}.attention",
    "cap_model.decoder.layers.{}.selfattn": "decoder.layers.{}.own",
    "cap_model.decoder.layers.{}.attention": "decoder.layers.{}.context",
}
FEED_FORWARD = {
    "vis_emb.encoder.layers.{}.feedforward": "encoder.layers.{}.feed_forward",
    "cap_model.decoder.layers.{}.feedforward": "decoder.layers.{}.feed_forward",
}


def expected(kernels: int) -> dict[str, str]:
    """Our name → the public one, of everything but batch norms' counters."""
    norms = ("weight", "bias", "running_mean", "running_var")
    found = {
        "mask_network.layers.0.weight": "mask_model.0.weight",
        "mask_network.layers.3.weight": "mask_model.3.weight",
        "mask_network.layers.3.bias": "mask_model.3.bias",
        "stem.projections.0.weight": "rgb_emb.weight", "stem.projections.0.bias": "rgb_emb.bias",
        "stem.projections.1.weight": "flow_emb.weight", "stem.projections.1.bias": "flow_emb.bias",
        "decoder.out.weight": "cap_model.decoder.out.weight",
        "decoder.out.bias": "cap_model.decoder.out.bias",
        **{f"mask_network.layers.1.{leaf}": f"mask_model.1.{leaf}" for leaf in norms},
    }  # fmt: skip
    for number in range(kernels):
        names = [
            "1.weight",
            "3.weight",
            "7.weight",
            "7.bias",
            *(f"{n}.{leaf}" for n in (0, 2, 4, 6) for leaf in norms),
        ]
        found |= {f"heads.{number}.{name}": f"prop_out.{number}.{name}" for name in names}
    for layer in range(2):
        for theirs, ours in {**BLOCKS, **FEED_FORWARD}.items():
            theirs, ours = theirs.format(layer), ours.format(layer)
            found[f"{ours}_norm.weight"] = f"{theirs}.layernorm.gamma"
            found[f"{ours}_norm.bias"] = f"{theirs}.layernorm.beta"
            if "feed" in ours:
                found |= {
                    f"{ours}.{place}.{leaf}": f"{theirs}.layer.linear{number}.{leaf}"
                    for place, number in ((0, 1), (2, 2)) for leaf in ("weight", "bias")
                }  # fmt: skip
            else:
                pairs = zip(("query", "key", "value", "out"), ("wq", "wk", "wv", "wo"), strict=True)
                found |= {f"{ours}.{own}.weight": f"{theirs}.layer.{part}.weight" for own, part in pairs}
    return found


@pytest.mark.parametrize(
    ("name", "sizes", "kernels", "count"),
    [
        ("masked_transformer_published_tiny", (64, 128, 50, 60), TINY, 339_866),
        pytest.param(
            "masked_transformer_activitynet", (1024, 2048, 4500, 480), ACTIVITYNET, 70_326_204,
            marks=pytest.mark.slow,
        ),
    ],
)  # fmt: skip
def test_every_tensor_of_the_public_code_has_its_place(
    name: str, sizes: tuple[int, int, int, int], kernels: tuple[int, ...], count: int, tmp_path: Path
) -> None:
    state = public(*sizes, kernels)
    assert sum(value.numel() for value in parameters(state)) == count
    if count == 339_866:
        assert len(parameters(state)) == 203
    file = tmp_path / "model_epoch_19.t7"  # as the public code of 2018 saves them
    torch.save(
        {f"module.{key}": value for key, value in state.items()}, file, _use_new_zipfile_serialization=False
    )
    model = create(name)
    report = load_checkpoint(model, name, file)
    assert (report.missing, report.unexpected) == ((), ())
    loaded = model.state_dict()
    pairs = expected(len(kernels))
    assert pairs.keys() == {key for key in loaded if not key.endswith("num_batches_tracked")}
    for ours, theirs in pairs.items():
        assert torch.equal(loaded[ours], state[theirs]), ours


def test_attention_of_the_public_weights_is_computed_as_there() -> None:
    """One encoder layer from the public tensors, head by head in NumPy: chunks, √D, norms after."""
    state = public(64, 128, 50, 60, TINY)
    model = create("masked_transformer_published_tiny").eval()
    load_masked_transformer(model, state)
    rng = np.random.default_rng(1)
    x = rng.normal(size=(12, 64))
    w = {
        key.removeprefix("vis_emb.encoder.layers.0."): value.double().numpy() for key, value in state.items()
    }

    def norm(values: np.ndarray, part: str) -> np.ndarray:
        centred = values - values.mean(-1, keepdims=True)
        scaled = centred / (values.std(-1, ddof=1, keepdims=True) + 1e-6)
        return w[f"{part}.layernorm.gamma"] * scaled + w[f"{part}.layernorm.beta"]

    query, key, value = (x @ w[f"selfattn.layer.{part}.weight"].T for part in ("wq", "wk", "wv"))
    heads = []
    for q, k, v in zip(*(np.split(part, 4, axis=1) for part in (query, key, value)), strict=True):
        logits = q @ k.T / math.sqrt(64)
        shares = np.exp(logits - logits.max(-1, keepdims=True))
        heads.append(shares / shares.sum(-1, keepdims=True) @ v)
    y = norm(x + np.concatenate(heads, 1) @ w["selfattn.layer.wo.weight"].T, "selfattn")
    hidden = np.maximum(y @ w["feedforward.layer.linear1.weight"].T + w["feedforward.layer.linear1.bias"], 0)
    wanted = norm(
        y + hidden @ w["feedforward.layer.linear2.weight"].T + w["feedforward.layer.linear2.bias"],
        "feedforward",
    )
    model = model.double()
    with torch.no_grad():
        ours = model.encoder.layers[0](torch.from_numpy(x)[None], None)[0].numpy()
    np.testing.assert_allclose(ours, wanted, atol=1e-9)


def test_weights_of_another_computation_are_refused() -> None:
    state = public(64, 128, 50, 60, TINY)
    with pytest.raises(BadInputError, match="computes otherwise"):
        load_masked_transformer(create("masked_transformer_tiny"), dict(state))
    changed = {**state, "cap_model.encoder.layers.0.selfattn.layer.wq.weight": torch.zeros(64, 64)}
    with pytest.raises(BadInputError, match="which captions share"):
        load_masked_transformer(create("masked_transformer_published_tiny"), changed)


def test_words_are_found_by_their_names() -> None:
    state = public(64, 128, 50, 60, TINY)
    theirs = ["<unk>", "<pad>", "<init>", "<eos>", *(f"word{number}" for number in range(46))]
    ours = [*theirs[:4], "word7", "new", "word45"]
    model = create("masked_transformer_published_tiny", words=7)
    before = model.decoder.out.weight[5].clone()
    report = load_masked_transformer(model, dict(state), words=theirs, own_words=ours)
    assert "words: 6 of 7 are those of the weights" in report.changes
    rows = state["cap_model.decoder.out.weight"]
    assert torch.equal(model.decoder.out.weight, torch.stack([*rows[:4], rows[11], before, rows[49]]))
    unknown = load_masked_transformer(
        create("masked_transformer_published_tiny", words=7), dict(state), own_words=ours
    )
    assert set(unknown.missing) == {"decoder.out.weight", "decoder.out.bias"}
    with pytest.raises(BadInputError, match="have 50 words, and the list has 49"):
        load_masked_transformer(model, dict(state), words=theirs[:-1], own_words=ours)


def test_a_training_starts_from_the_public_weights(tmp_path: Path) -> None:
    captions = write_captioned(tmp_path)
    for stream, width in (("appearance", 2048), ("motion", 1024)):
        (tmp_path / stream).mkdir()
        for file in (tmp_path / "features").iterdir():
            np.save(tmp_path / stream / file.name, np.random.default_rng(0).normal(size=(120, width)))
    streams = f"appearance={tmp_path / 'appearance'},motion={tmp_path / 'motion'}"
    torch.save(public(64, 128, 50, 60, TINY), tmp_path / "densecap.t7")
    line = [
        "caption", "train", captions, "--features", streams, "--device", "cpu",
        "--recipe", "caption/masked-transformer-tiny", "--epochs", 1, "--lr", "1e-9",
        "--init", tmp_path / "densecap.t7", "--out", tmp_path / "run",
    ]  # fmt: skip
    done = run_avtool(*line)
    assert done.code == 0, done.stderr
    assert "the words of the weights are not known" in done.stderr
    listed = tmp_path / "words.txt"
    listed.write_text("one\ntwo\n", encoding="utf-8")
    wrong = run_avtool(*line[:-1], tmp_path / "other", "--set", f"model.init_words={listed}")
    assert (wrong.code, "have 50 words, and the list has 6" in wrong.stderr) == (2, True)
    alone = run_avtool(*line[:-4], "--out", tmp_path / "third", "--set", f"model.init_words={listed}")
    assert (alone.code, "set model.init (--init)" in alone.stderr) == (2, True)
