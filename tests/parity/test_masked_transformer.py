"""The masked transformer against its equations, restated here in NumPy double precision."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from avtool.models.masked_transformer.anchors import num_places
from avtool.models.registry import create
from avtool.objectives.dense_captioning import DenseCaptioning, DenseCaptioningWeights

torch.set_num_threads(1)
Array = np.ndarray[Any, np.dtype[np.float64]]
Weights = dict[str, Array]
STEPS, DIM, HEADS, PAD = 60, 64, 4, 1
RNG = np.random.default_rng(5)


def sinusoid(position: float, dim: int) -> Array:
    """Channel by channel, as section 3.1 has it."""
    return np.array(
        [
            (math.cos if c % 2 else math.sin)(position / 10000 ** ((c - c % 2) / dim))
            for c in range(dim)
        ]
    )  # fmt: skip


def norm(x: Array, w: Weights, name: str) -> Array:
    """By the deviation with N - 1, epsilon added to it."""
    centred = x - x.mean(-1, keepdims=True)
    return w[f"{name}.weight"] * centred / (x.std(-1, ddof=1, keepdims=True) + 1e-6) + w[f"{name}.bias"]


def attend(x: Array, context: Array, w: Weights, name: str, causal: bool = False) -> Array:
    """Heads are slices of the width; logits are divided by the root of the whole width."""
    queries, keys, values = (
        source @ w[f"{name}.{part}.weight"].T
        for part, source in (("query", x), ("key", context), ("value", context))
    )
    found = []
    for head in range(HEADS):
        part = slice(head * DIM // HEADS, (head + 1) * DIM // HEADS)
        logits = queries[:, part] @ keys[:, part].T / math.sqrt(DIM)
        if causal:
            logits[np.triu_indices(len(x), 1)] = -np.inf
        weights = np.exp(logits - logits.max(-1, keepdims=True))
        found.append(weights / weights.sum(-1, keepdims=True) @ values[:, part])
    return np.concatenate(found, -1) @ w[f"{name}.out.weight"].T


def feed_forward(x: Array, w: Weights, name: str) -> Array:
    hidden = np.maximum(x @ w[f"{name}.0.weight"].T + w[f"{name}.0.bias"], 0)
    return hidden @ w[f"{name}.2.weight"].T + w[f"{name}.2.bias"]


def encode(stem: Array, w: Weights, window: Array | None = None) -> list[Array]:
    x = stem + np.stack([sinusoid(t, DIM) for t in range(len(stem))])
    x = x if window is None else x * window[:, None]
    layers = []
    for layer in ("encoder.layers.0", "encoder.layers.1"):
        x = norm(x + attend(x, x, w, f"{layer}.attention"), w, f"{layer}.attention_norm")
        x = norm(x + feed_forward(x, w, f"{layer}.feed_forward"), w, f"{layer}.feed_forward_norm")
        x = x if window is None else x * window[:, None]
        layers.append(x)
    return layers


def batch_norm(x: Array, w: Weights, name: str) -> Array:
    """In evaluation, over the last axis."""
    scale = w[f"{name}.weight"] / np.sqrt(w[f"{name}.running_var"] + 1e-5)
    return (x - w[f"{name}.running_mean"]) * scale + w[f"{name}.bias"]


def propose(encoded: Array, w: Weights, kernels: tuple[int, ...]) -> Array:
    """Heads of all anchor lengths: norm, one filter a channel, norm, mixing, norm, ReLU, norm, values."""
    found = []
    for number, length in enumerate(kernels):
        head, x = f"heads.{number}", batch_norm(encoded, w, f"heads.{number}.0")
        stride = math.ceil(length / 50)
        filters = w[f"{head}.1.weight"][:, 0]
        for start in range(0, STEPS - length + 1, stride):
            place = batch_norm((x[start : start + length] * filters.T).sum(0), w, f"{head}.2")
            place = batch_norm(w[f"{head}.3.weight"][..., 0] @ place, w, f"{head}.4")
            place = batch_norm(np.maximum(place, 0), w, f"{head}.6")
            found.append(w[f"{head}.7.weight"][..., 0] @ place + w[f"{head}.7.bias"])
    return np.stack(found)


def write(tokens: Array, encoded: list[Array], w: Weights) -> Array:
    x = w["decoder.out.weight"][tokens] * math.sqrt(DIM)
    x = x + np.stack([sinusoid(t, DIM) for t in range(len(tokens))])
    for number, context in enumerate(encoded):
        layer = f"decoder.layers.{number}"
        x = norm(x + attend(x, x, w, f"{layer}.own", causal=True), w, f"{layer}.own_norm")
        x = norm(x + attend(x, context, w, f"{layer}.context"), w, f"{layer}.context_norm")
        x = norm(x + feed_forward(x, w, f"{layer}.feed_forward"), w, f"{layer}.feed_forward_norm")
    return x @ w["decoder.out.weight"].T + w["decoder.out.bias"]


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


@pytest.fixture(params=["binary", "learned", "gated"])
def network(request: pytest.FixtureRequest) -> Any:
    """The published network, tiny, with statistics that are not the initial ones."""
    torch.manual_seed(3)
    model = create("masked_transformer_published_tiny", mask=request.param)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            torch.nn.init.uniform_(module.running_var, 0.5, 2)
            torch.nn.init.normal_(module.running_mean, 0, 0.3)
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
    return model.eval()


def test_the_network_computes_its_equations(network: Any) -> None:
    w = {name: value.double().numpy() for name, value in network.state_dict().items()}
    features = RNG.standard_normal((2, STEPS, 3072))
    anchor = np.array([140, 433])
    tokens = np.array([[2, 9, 30, 7], [2, 4, 4, 49]])
    with torch.no_grad():
        output = network(
            torch.from_numpy(features).float(), None, torch.from_numpy(anchor), torch.from_numpy(tokens)
        )
    grid, settings = network.grid, network.settings
    for row in range(2):
        parts = [
            source @ w[f"stem.projections.{n}.weight"].T + w[f"stem.projections.{n}.bias"]
            for n, source in enumerate(np.split(features[row], [2048], -1))
        ]
        stem = np.maximum(np.concatenate(parts, -1) * (1 - settings.step_dropout), 0)
        proposals = propose(encode(stem, w)[-1], w, settings.anchors)
        assert output.proposals[row].numpy() == pytest.approx(proposals, abs=1e-5)

        score, _, length_offset, centre_offset = proposals[anchor[row]]
        own, centre = grid.lengths[anchor[row]], grid.centres[anchor[row]]
        middle, half = centre + own * centre_offset, own * math.exp(length_offset) / 2
        covered = np.zeros(STEPS)
        first, last = max(0, min(STEPS - 1, middle - half)), max(1, min(STEPS, middle + half))
        covered[math.floor(first) : math.ceil(last)] = 1
        window = covered
        if settings.mask != "binary":
            inside = np.zeros(STEPS)
            begin, end = max(0, math.floor(centre - own / 2)), min(STEPS, math.ceil(centre + own / 2))
            inside[begin:end] = 1
            times = [sinusoid(t, DIM // 4) for t in (middle - half, middle + half, begin, end)]
            hidden = w["mask_network.layers.0.weight"] @ np.concatenate([*times, inside])
            hidden = np.maximum(batch_norm(hidden, w, "mask_network.layers.1"), 0)
            logits = w["mask_network.layers.3.weight"] @ hidden + w["mask_network.layers.3.bias"]
            assert output.mask_logits[row].numpy() == pytest.approx(logits, abs=1e-5)
            gate = sigmoid(score) if settings.mask == "gated" else 0.0
            window = gate * covered + (1 - gate) * logits
        assert output.covered[row].numpy() == pytest.approx(covered)
        words = write(tokens[row], encode(stem, w, window), w)
        assert output.words[row].numpy() == pytest.approx(words, abs=1e-5)


def test_the_loss_has_its_published_weights(network: Any) -> None:
    size = 10
    anchors = RNG.integers(len(network.grid), size=(2, 2, size))
    offsets = RNG.standard_normal((2, size, 2))
    tokens = np.full((2, 20), PAD)
    tokens[0, :4], tokens[1, :6] = (2, 8, 9, 3), (2, 11, 12, 13, 14, 3)
    batch = {
        "streams": RNG.standard_normal((2, STEPS, 3072)).astype(np.float32), "positives": anchors[0],
        "negatives": anchors[1], "offsets": offsets.astype(np.float32), "caption": np.array([3, 7]),
        "tokens": tokens, "segment": np.zeros((2, 2), np.float32),
    }  # fmt: skip
    tensors = {name: torch.from_numpy(value) for name, value in batch.items()} | {"streams_mask": None}
    learns = network.settings.mask != "binary"
    objective = DenseCaptioning(DenseCaptioningWeights(), learns_mask=learns).eval()
    with torch.no_grad():
        loss = float(objective(network, tensors)["loss"])
        chosen = tensors["positives"][torch.arange(2), tensors["caption"]]
        output = network(tensors["streams"], None, chosen, tensors["tokens"][:, :-1])
    rows = np.arange(2)[:, None]
    proposals = output.proposals.double().numpy()
    score = np.concatenate(
        [np.logaddexp(0, -proposals[rows, anchors[0], 0]), np.logaddexp(0, proposals[rows, anchors[1], 0])]
    ).mean()
    error = np.abs(proposals[rows, anchors[0], 2:] - offsets)
    place = np.where(error < 1, error**2 / 2, error - 0.5).mean()
    words = output.words.double().numpy()
    likely = words - np.log(np.exp(words).sum(-1, keepdims=True))
    said = [-likely[b, t, tokens[b, t + 1]] for b in range(2) for t in range(19) if tokens[b, t + 1] != PAD]
    expected = score + 10 * place + 0.25 * np.mean(said)
    if learns:
        logits, covered = output.mask_logits.double().numpy(), output.covered.numpy()
        expected += (np.logaddexp(0, logits) - covered * logits).mean()
    assert loss == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("name", "anchors"), [("masked_transformer_activitynet", 6338), ("masked_transformer_youcook2", 6171)]
)
def test_the_published_anchors_are_counted(name: str, anchors: int) -> None:
    with torch.device("meta"):
        assert len(create(name).grid) == anchors


@pytest.mark.parametrize("seed", range(20))
def test_a_convolution_has_as_many_places_as_there_are_anchors(seed: int) -> None:
    rng = np.random.default_rng(seed)
    window, length = int(rng.integers(1, 700)), int(rng.integers(1, 260))
    stride = math.ceil(length / 50)
    if length > window:
        return
    head = torch.nn.Conv1d(1, 1, length, stride=stride)
    assert head(torch.zeros(1, 1, window)).shape[-1] == num_places(window, length, stride)
    centres = np.arange(length / 2, window + 1 - length / 2, stride)
    assert len(centres) == num_places(window, length, stride)


def test_the_published_network_is_counted() -> None:
    model = create("masked_transformer_published_tiny")
    assert (sum(p.numel() for p in model.parameters()), len(list(model.parameters()))) == (339_866, 203)
