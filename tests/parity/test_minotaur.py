"""MINOTAUR against torch's attention in loops over frames, under the published names, and DETR's layer.

`Published` is the network as the papers describe it, written with `nn.MultiheadAttention`, a frame at a time.
"""

import math
from itertools import pairwise
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from avtool.models.minotaur.attention import PositionedAttention, grid_sinusoids
from avtool.models.minotaur.layers import EncoderLayer
from avtool.models.registry import MODELS, create

torch.set_num_threads(1)
DIM, HEADS = 256, 8


class PublishedLayer(nn.Module):
    """A layer of the encoder, or with `cross` of the decoder, sequence first."""

    def __init__(self, cross: bool) -> None:
        super().__init__()
        self.self_attn = nn.MultiheadAttention(DIM, HEADS)
        if cross:
            self.cross_attn_image = nn.MultiheadAttention(DIM, HEADS)
        self.linear1, self.linear2 = nn.Linear(DIM, 2048), nn.Linear(2048, DIM)
        for number in (1, 3, 4) if cross else (1, 2):
            self.add_module(f"norm{number}", nn.LayerNorm(DIM))

    def feed(self, x: Tensor) -> Tensor:
        return self.linear2(F.relu(self.linear1(x)))

    def encode(self, x: Tensor, position: Tensor) -> Tensor:
        q = (x + position)[:, None]
        x = self.norm1(x + self.self_attn(q, q, x[:, None])[0][:, 0])
        return self.norm2(x + self.feed(x))

    def decode(self, x: Tensor, queries: Tensor, memory: list[Tensor], position: Tensor) -> Tensor:
        q = (x + queries)[:, None]
        x = self.norm1(x + self.self_attn(q, q, x[:, None])[0][:, 0])
        seen = []
        for frame, tokens in enumerate(memory):
            query = (x[frame] + queries[frame])[None, None]
            seen.append(self.cross_attn_image(query, (tokens + position)[:, None], tokens[:, None])[0][0, 0])
        x = self.norm3(x + torch.stack(seen))
        return self.norm4(x + self.feed(x))


class Resizer(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc, self.layer_norm = nn.Linear(width, DIM), nn.LayerNorm(DIM, eps=1e-12)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer_norm(self.fc(x))


class Perceptron(nn.Module):
    def __init__(self, *widths: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        return self.layers[-1](x)


class Published(nn.Module):
    """The published network behind its encoders: 2048 visual channels, 768 of a sentence."""

    def __init__(self) -> None:
        super().__init__()
        self.transformer = nn.Module()
        for stack, cross in (("encoder", False), ("decoder", True)):
            inside = nn.Module()
            inside.layers = nn.ModuleList(PublishedLayer(cross) for _ in range(6))
            self.transformer.add_module(stack, inside)
        self.transformer.decoder.norm = nn.LayerNorm(DIM)
        self.transformer.resizer, self.transformer.resizer_vq2d = Resizer(768), Resizer(DIM)
        self.input_proj, self.input_proj_query = nn.Conv2d(2048, DIM, 1), nn.Conv2d(2048, DIM, 1)
        self.query_embed = nn.ModuleDict({"visual": nn.Embedding(1, DIM), "text": nn.Embedding(1, DIM)})
        self.bbox_embed = Perceptron(DIM, DIM, DIM, 4)
        self.sted_embed, self.score_per_frame_embed = Perceptron(DIM, DIM, 2), Perceptron(DIM, DIM, 1)

    def forward(self, frames: Tensor, query: Tensor, kind: str) -> tuple[Tensor, Tensor, Tensor]:
        """Maps (T, 2048, rows, columns), and a crop's (2048, 7, 7) or a sentence's (L, 768)."""
        if kind == "image":
            crop = self.input_proj_query(query[None])[0].flatten(1).T
            asked, modality = self.transformer.resizer_vq2d(crop), "visual"
        else:
            asked, modality = self.transformer.resizer(query), "text"
        position = torch.cat([sine_of_map(*frames.shape[2:]), torch.zeros_like(asked)])
        memory = []
        for frame in frames:
            x = torch.cat([self.input_proj(frame[None])[0].flatten(1).T, asked])
            for layer in self.transformer.encoder.layers:
                x = layer.encode(x, position)
            memory.append(x)
        times = torch.tensor([[sine_of_time(t, c) for c in range(DIM)] for t in range(len(frames))])
        queries = self.query_embed[modality].weight + times
        x, outputs = torch.zeros(len(frames), DIM), []
        for layer in self.transformer.decoder.layers:
            x = layer.decode(x, queries, memory, position)
            outputs.append(self.transformer.decoder.norm(x))
        states = torch.stack(outputs)
        return self.bbox_embed(states).sigmoid(), self.sted_embed(states), self.score_per_frame_embed(states)


def sine_of_time(time: int, channel: int) -> float:
    angle = time / 10000 ** ((channel - channel % 2) / DIM)
    return math.cos(angle) if channel % 2 else math.sin(angle)


def sine_of_map(rows: int, columns: int, dim: int = DIM) -> Tensor:
    """Cell by cell and channel by channel."""

    def one(place: int, count: int, channel: int) -> float:
        angle = (place + 1) / (count + 1e-6) * 2 * math.pi / 10000 ** (2 * (channel // 2) / (dim // 2))
        return math.cos(angle) if channel % 2 else math.sin(angle)

    cells = [(y, x) for y in range(rows) for x in range(columns)]
    half = range(dim // 2)
    return torch.tensor(
        [[*(one(y, rows, c) for c in half), *(one(x, columns, c) for c in half)] for y, x in cells]
    )


def shaken(network: nn.Module) -> nn.Module:
    """All parameters random, norms and biases too."""
    torch.manual_seed(7)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter) * (0.05 if parameter.dim() == 1 else 0.02))
    return network.eval()


@pytest.mark.parametrize("kind", ["image", "text", "label"])
def test_published_weights_compute_what_the_published_network_computes(kind: str) -> None:
    published, ours = shaken(Published()), create("minotaur_base", grid=(3, 4)).eval()
    report = MODELS.find("minotaur_base").family.load_weights(ours, published.state_dict())
    assert report.missing == report.unexpected == report.changes == ()
    torch.manual_seed(8)
    maps = torch.randn(5, 2048, 3, 4)
    query = torch.randn(2048, 7, 7) if kind == "image" else torch.randn(6, 768)
    tokens = query.flatten(1).T if kind == "image" else query
    with torch.no_grad():
        boxes, start_end, foreground = published(maps, query, kind)
        output = ours(
            maps.flatten(2).transpose(1, 2)[None], None, tokens[None], torch.ones(1, len(tokens)).bool(), kind
        )
    torch.testing.assert_close(output.boxes[:, 0], boxes, atol=1e-5, rtol=0)
    torch.testing.assert_close(output.start_end[:, 0], start_end, atol=1e-5, rtol=0)
    torch.testing.assert_close(output.foreground[:, 0], foreground[..., 0], atol=1e-5, rtol=0)


def mdetr_state() -> dict[str, Tensor]:
    """Names and shapes of an MDETR checkpoint: a hundred object queries, heads of its own, two encoders."""
    state = Published().state_dict()
    state = {
        name: tensor
        for name, tensor in state.items()
        if not name.startswith(
            ("query_embed", "sted", "score", "input_proj_query", "transformer.resizer_vq2d")
        )
    }
    more = {
        "query_embed.weight": (100, DIM),
        "class_embed.weight": (256, DIM),
        "contrastive_align_projection_image.weight": (64, DIM),
        "backbone.0.body.conv1.weight": (64, 3, 7, 7),
        "backbone.0.body.bn1.running_mean": (64,),
        "transformer.text_encoder.embeddings.word_embeddings.weight": (50, 768),
    }
    return state | {name: torch.randn(shape) for name, shape in more.items()}


def test_mdetr_weights_start_every_kind_of_query() -> None:
    state = mdetr_state()
    ours = create("minotaur_base", audio_dim=128, query_dims={"image": 2048, "text": 768, "audio": 128})
    report = MODELS.find("minotaur_base").family.load_weights(ours, state)
    assert report.unexpected == ("class_embed.weight", "contrastive_align_projection_image.weight")
    first = {name.split(".")[0] for name in report.missing}
    assert first == {
        "audio_embedding",
        "audio_resizer",
        "foreground_head",
        "query_resizers",
        "start_end_head",
    }
    assert len(report.changes) == 2
    for query in ours.time_queries.weight:
        torch.testing.assert_close(query, state["query_embed.weight"][0])
    key = "transformer.decoder.layers.3.cross_attn_image.in_proj_weight"
    torch.testing.assert_close(ours.decoder[3].spatial.qkv.weight, state[key])


def test_tubedetr_weights_fit_a_network_over_other_features() -> None:
    state = mdetr_state() | {
        "transformer.time_embed.te": torch.zeros(200, 1, DIM),
        "query_embed.weight": torch.ones(1, DIM),
    }
    ours = create("minotaur_base", visual_dim=512, query_dims={"image": 512, "text": 384})
    report = MODELS.find("minotaur_base").family.load_weights(ours, state)
    assert any("`visual_projection.weight`: 256x2048 → 256x512" in line for line in report.changes)
    assert "visual_projection.weight" in report.missing
    assert "query_resizers.text.norm.weight" not in report.missing
    assert not any("time_embed" in name for name in report.unexpected)


def test_the_encoder_layer_is_that_of_transformers() -> None:
    from transformers import DetrConfig
    from transformers.models.detr.modeling_detr import DetrEncoderLayer

    config = DetrConfig(d_model=64, encoder_attention_heads=4, encoder_ffn_dim=96, dropout=0.0)
    config._attn_implementation = "eager"
    theirs, ours = shaken(DetrEncoderLayer(config)), EncoderLayer(64, 4, 96, 0.0).eval()
    attention = theirs.self_attn
    with torch.no_grad():
        for part in ("weight", "bias"):
            projections = [getattr(getattr(attention, f"{name}_proj"), part) for name in "qkv"]
            getattr(ours.attention.qkv, part).copy_(torch.cat(projections))
            getattr(ours.attention.proj, part).copy_(getattr(attention.o_proj, part))
            for own, name in (("linear1", "fc1"), ("linear2", "fc2")):
                getattr(getattr(ours.feed_forward, own), part).copy_(getattr(getattr(theirs.mlp, name), part))
            getattr(ours.attention_norm, part).copy_(getattr(theirs.self_attn_layer_norm, part))
            getattr(ours.feed_forward_norm, part).copy_(getattr(theirs.final_layer_norm, part))
        tokens, positions = torch.randn(3, 11, 64), torch.randn(3, 11, 64)
        mask = torch.rand(3, 11) > 0.3
        added = torch.zeros(3, 1, 11, 11).masked_fill(~mask[:, None, None], float("-inf"))
        expected = theirs(tokens, added, spatial_position_embeddings=positions)
        found = ours(tokens, positions, mask)
    expected = expected[0] if isinstance(expected, tuple) else expected
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_time_aligned_attention_is_attention_with_a_block_diagonal_mask() -> None:
    torch.manual_seed(9)
    attention = PositionedAttention(32, 4, 0.0).eval()
    queries, keys, values = torch.randn(6, 1, 32), torch.randn(6, 5, 32), torch.randn(6, 5, 32)
    aligned = attention(queries, keys, values)[:, 0]
    whole = nn.MultiheadAttention(32, 4, batch_first=True).eval()
    whole.load_state_dict(
        {
            "in_proj_weight": attention.qkv.weight, "in_proj_bias": attention.qkv.bias,
            "out_proj.weight": attention.proj.weight, "out_proj.bias": attention.proj.bias,
        }
    )  # fmt: skip
    blocks = torch.block_diag(*[torch.ones(1, 5)] * 6) == 0
    expected = whole(*(x.reshape(1, -1, 32) for x in (queries, keys, values)), attn_mask=blocks)[0][0]
    torch.testing.assert_close(aligned, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("rows", "columns", "dim"), [(7, 12, 256), (1, 1, 64), (2, 3, 32)])
def test_positions_of_a_grid(rows: int, columns: int, dim: int) -> None:
    expected = sine_of_map(rows, columns, dim)
    torch.testing.assert_close(grid_sinusoids(rows, columns, dim), expected, atol=1e-5, rtol=0)


def test_the_published_size_has_the_published_parameters() -> None:
    import torchvision
    from transformers import RobertaConfig, RobertaModel

    def count(network: Any) -> int:
        return sum(parameter.numel() for parameter in network.parameters())

    with torch.device("meta"):
        ours = create("minotaur_base")
        backbone = torchvision.models.resnet101(num_classes=1)
        roberta = RobertaModel(
            RobertaConfig(vocab_size=50265, max_position_embeddings=514, type_vocab_size=1)
        )
    encoders = count(backbone) - 2049, count(roberta)
    assert [round(number / 1e6, 2) for number in encoders] == [42.50, 124.65]
    assert round(count(ours.encoder) / 1e6, 2) == 7.89
    assert round(count(ours.decoder) / 1e6, 2) == 9.47
    assert round((sum(encoders) + count(ours)) / 1e6) == 186
