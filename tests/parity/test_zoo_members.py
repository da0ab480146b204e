"""The zoo's own members beside loops over einsum, timm's block, and published parameter counts."""

import math

import pytest
import torch
from timm.models.vision_transformer import Block
from torch import nn
from torch.nn import functional

from avtool.models.zoo.catalogue import shipped_rows
from avtool.models.zoo.count import count_parameters
from avtool.models.zoo.members import MEMBERS
from avtool.models.zoo.members.conditional_positions import PositionGenerator
from avtool.models.zoo.members.local_feed_forward import LocalFeedForward
from avtool.models.zoo.members.re_attention import ReAttention, ScaledBlock
from avtool.models.zoo.members.segmenter import MaskTransformer
from avtool.models.zoo.members.setr import MultiLevelHead, UpsamplingHead
from avtool.models.zoo.members.tokens_to_token import (
    TokenAttention,
    TokenPerformer,
    TokensToToken,
    sine_positions,
)
from avtool.models.zoo.networks import build_on_meta

ROWS = [row for row in shipped_rows() if row.library == "avtool"]
TINY = {"embed_dim": 64, "depth": 4, "image_size": (64, 96), "num_classes": 5}


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def randomized(module: nn.Module) -> nn.Module:
    """The module in evaluation mode, with random parameters and statistics, those of norms among them."""
    for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
        if tensor.is_floating_point() and name != "features":
            spread = torch.rand_like(tensor) + 0.5 if "var" in name else 0.3 * torch.randn_like(tensor)
            tensor.data.copy_(spread)
    return module.eval()


def normed(tokens: torch.Tensor, norm: nn.LayerNorm) -> torch.Tensor:
    mean, var = tokens.mean(-1, keepdim=True), tokens.var(-1, keepdim=True, unbiased=False)
    return (tokens - mean) / (var + norm.eps).sqrt() * norm.weight + norm.bias


def batch_normed(maps: torch.Tensor, norm: nn.BatchNorm2d) -> torch.Tensor:
    shape = (1, -1, 1, 1)
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    return (maps - norm.running_mean.view(shape)) * scale.view(shape) + norm.bias.view(shape)


def convolved(maps: torch.Tensor, weight: torch.Tensor, groups: int = 1) -> torch.Tensor:
    """A convolution that keeps the size, as a sum over the places of its kernel."""
    side = weight.shape[-1]
    padded = functional.pad(maps, [side // 2] * 4)
    height, width = maps.shape[-2:]
    total = torch.zeros(maps.shape[0], weight.shape[0], height, width)
    for row in range(side):
        for column in range(side):
            part = padded[:, :, row : row + height, column : column + width]
            if groups == 1:
                total += torch.einsum("bchw,oc->bohw", part, weight[:, :, row, column])
            else:
                total += part * weight[:, 0, row, column].view(1, -1, 1, 1)
    return total


def gelu(values: torch.Tensor) -> torch.Tensor:
    return values * 0.5 * (1 + torch.erf(values / math.sqrt(2)))


def mlp(tokens: torch.Tensor, layers: nn.Sequential) -> torch.Tensor:
    hidden = gelu(torch.einsum("bnd,hd->bnh", tokens, layers[0].weight) + layers[0].bias)
    return torch.einsum("bnh,dh->bnd", hidden, layers[2].weight) + layers[2].bias


def test_token_attention() -> None:
    layer = randomized(TokenAttention(12, 8))
    tokens = torch.randn(2, 7, 12)
    query, key, value = torch.einsum("bnd,ed->bne", normed(tokens, layer.norm1), layer.qkv.weight).split(
        8, -1
    )
    maps = (torch.einsum("bnd,bmd->bnm", query, key) / math.sqrt(8)).softmax(-1)
    mixed = torch.einsum("bnm,bmd->bnd", maps, value)
    found = value + mixed @ layer.proj.weight.T + layer.proj.bias
    expected = found + mlp(normed(found, layer.norm2), layer.mlp)
    torch.testing.assert_close(layer(tokens), expected, atol=1e-5, rtol=0)


def test_token_performer() -> None:
    layer = randomized(TokenPerformer(12, 8))
    tokens = torch.randn(2, 7, 12)
    both = torch.einsum("bnd,ed->bne", normed(tokens, layer.norm1), layer.qkv.weight) + layer.qkv.bias
    key, query, value = both.split(8, -1)
    count = len(layer.features)
    kernels = []
    for one in (key, query):
        kernel = torch.zeros(2, 7, count)
        for place in range(count):
            angle = (one * layer.features[place]).sum(-1)
            kernel[..., place] = (angle - one.pow(2).sum(-1) / 2).exp() / math.sqrt(count)
        kernels.append(kernel)
    maps = torch.einsum("bnm,bkm->bnk", kernels[1], kernels[0])
    mixed = torch.einsum("bnk,bkd->bnd", maps / (maps.sum(-1, keepdim=True) + 1e-8), value)
    found = value + mixed @ layer.proj.weight.T + layer.proj.bias
    expected = found + mlp(normed(found, layer.norm2), layer.mlp)
    torch.testing.assert_close(layer(tokens), expected, atol=1e-5, rtol=1e-5)


def test_random_features_are_orthogonal() -> None:
    features = TokenPerformer(12, 8).features
    torch.testing.assert_close(features @ features.T, 4 * torch.eye(4), atol=1e-5, rtol=0)


def test_soft_splits_join_the_neighbours() -> None:
    """Without attention in between, the first split's tokens are the patches that a loop cuts out."""
    split = TokensToToken((32, 48), 3, 10, "transformer", width=4)
    seen: list[torch.Tensor] = []
    split.attentions[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    images = torch.randn(2, 3, 32, 48)
    assert split(images).shape == (2, 2 * 3, 10)
    padded = functional.pad(images, [2] * 4)
    expected = torch.stack(
        [padded[:, :, 4 * y : 4 * y + 7, 4 * x : 4 * x + 7].flatten(1) for y in range(8) for x in range(12)],
        dim=1,
    )
    assert torch.equal(seen[0], expected)


def test_sine_positions() -> None:
    table = sine_positions(5, 6)
    for place in range(5):
        for index in range(6):
            angle = place / 10000 ** (2 * (index // 2) / 6)
            expected = math.cos(angle) if index % 2 else math.sin(angle)
            assert table[0, place, index] == pytest.approx(expected, abs=1e-6)


def test_local_feed_forward() -> None:
    layer = randomized(LocalFeedForward(8, 32, (3, 4)))
    tokens = torch.randn(2, 13, 8)
    maps = tokens[:, 1:].transpose(1, 2).reshape(2, 8, 3, 4)

    def swish(values: torch.Tensor) -> torch.Tensor:
        return values * (values + 3).clamp(0, 6) / 6

    maps = swish(batch_normed(convolved(maps, layer.expand.weight), layer.expand_norm))
    maps = swish(batch_normed(convolved(maps, layer.depthwise.weight, groups=32), layer.depthwise_norm))
    squeeze = layer.squeeze
    gate = torch.einsum("bc,oc->bo", maps.mean((2, 3)), squeeze.fc1.weight[:, :, 0, 0]) + squeeze.fc1.bias
    gate = torch.einsum("bc,oc->bo", gate.relu(), squeeze.fc2.weight[:, :, 0, 0]) + squeeze.fc2.bias
    maps = maps * ((gate + 3).clamp(0, 6) / 6)[:, :, None, None]
    maps = batch_normed(convolved(maps, layer.reduce.weight), layer.reduce_norm)
    change = layer(tokens)
    torch.testing.assert_close(change[:, 1:], maps.flatten(2).transpose(1, 2), atol=1e-5, rtol=0)
    assert not change[:, 0].any()


def test_position_generator() -> None:
    layer = randomized(PositionGenerator(8, (3, 4)))
    tokens = torch.randn(2, 12, 8)
    maps = tokens.transpose(1, 2).reshape(2, 8, 3, 4)
    expected = maps + convolved(maps, layer.proj.weight, groups=8) + layer.proj.bias.view(1, 8, 1, 1)
    torch.testing.assert_close(layer(tokens), expected.flatten(2).transpose(1, 2), atol=1e-5, rtol=0)


def test_re_attention() -> None:
    layer = randomized(ReAttention(12, 3))
    tokens = torch.randn(2, 5, 12)
    query, key, value = (
        part.reshape(2, 5, 3, 4) for part in (tokens @ layer.qkv.weight.T + layer.qkv.bias).split(12, -1)
    )
    maps = (torch.einsum("bnhd,bmhd->bhnm", query, key) / 2).softmax(-1)
    mixed = torch.zeros_like(maps)
    for head in range(3):
        for other in range(3):
            mixed[:, head] += layer.mix.weight[head, other, 0, 0] * maps[:, other]
        mixed[:, head] += layer.mix.bias[head]
    mixed = batch_normed(mixed, layer.norm) / 2
    joined = torch.einsum("bhnm,bmhd->bnhd", mixed, value).reshape(2, 5, 12)
    expected = joined @ layer.proj.weight.T + layer.proj.bias
    torch.testing.assert_close(layer(tokens), expected, atol=1e-5, rtol=0)


def test_re_attention_that_mixes_nothing_is_the_block_of_timm() -> None:
    theirs = randomized(Block(24, 3, qkv_bias=True))
    ours = ScaledBlock(24, 3, qkv_bias=True)
    ours.branch_scale, ours.attn = 1.0, ReAttention(24, 3, map_scale=1.0)
    ours.load_state_dict(theirs.state_dict(), strict=False)
    attention = ours.attn
    attention.mix.weight.data.copy_(torch.eye(3)[:, :, None, None])
    attention.mix.bias.data.zero_()
    attention.norm.eps = 1e-12
    tokens = torch.randn(2, 7, 24)
    torch.testing.assert_close(ours.eval()(tokens), theirs(tokens), atol=1e-6, rtol=1e-6)


def test_a_position_generator_of_zeros_is_the_block_of_timm() -> None:
    block, generator = randomized(Block(24, 3, qkv_bias=True)), PositionGenerator(24, (2, 3))
    tokens = torch.randn(2, 6, 24)
    assert not torch.equal(generator(block(tokens)), block(tokens))
    generator.proj.weight.data.zero_()
    generator.proj.bias.data.zero_()
    assert torch.equal(generator(block(tokens)), block(tokens))


def test_local_feed_forward_without_its_convolution_is_the_mlp_of_timm() -> None:
    """With a depthwise kernel that keeps its centre, no norms, no gate, and one GELU."""
    theirs = randomized(Block(24, 3, qkv_bias=True)).mlp
    ours = LocalFeedForward(24, 96, (2, 3)).eval()
    ours.expand = nn.Conv2d(24, 96, 1)
    ours.reduce = nn.Conv2d(96, 24, 1)
    for one, other in ((ours.expand, theirs.fc1), (ours.reduce, theirs.fc2)):
        one.weight.data.copy_(other.weight[:, :, None, None])
        one.bias.data.copy_(other.bias)
    nn.init.dirac_(ours.depthwise.weight, groups=96)
    ours.expand_act = nn.GELU()
    for name in ("expand_norm", "depthwise_norm", "depthwise_act", "squeeze", "reduce_norm"):
        setattr(ours, name, nn.Identity())
    tokens = torch.randn(2, 7, 24)
    torch.testing.assert_close(ours(tokens)[:, 1:], theirs(tokens)[:, 1:], atol=1e-6, rtol=1e-6)


def test_mask_transformer() -> None:
    decoder = randomized(MaskTransformer(64, 5))
    patches = torch.randn(2, 6, 64)
    projected = patches @ decoder.proj_in.weight.T + decoder.proj_in.bias
    tokens = torch.cat([projected, decoder.class_tokens.repeat(2, 1, 1)], dim=1)
    for block in decoder.blocks:
        tokens = block(tokens)
    tokens = normed(tokens, decoder.norm)
    masks = torch.zeros(2, 6, 5)
    for sample in range(2):
        for patch in range(6):
            for label in range(5):
                one = decoder.proj_patches.weight @ tokens[sample, patch]
                other = decoder.proj_classes.weight @ tokens[sample, 6 + label]
                masks[sample, patch, label] = one @ other / (one.norm() * other.norm())
    expected = normed(masks, decoder.mask_norm).transpose(1, 2).reshape(2, 5, 2, 3)
    torch.testing.assert_close(decoder(patches, (2, 3)), expected, atol=1e-5, rtol=0)


def head_step(maps: torch.Tensor, step: nn.Sequential) -> torch.Tensor:
    return batch_normed(convolved(maps, step[0].weight), step[1]).relu()


def channel_normed(maps: torch.Tensor, norm: nn.LayerNorm) -> torch.Tensor:
    return normed(maps.permute(0, 2, 3, 1), norm).permute(0, 3, 1, 2)


def test_upsampling_head() -> None:
    head = randomized(UpsamplingHead(12, 5, 2, 3, 2))
    maps = torch.randn(2, 12, 3, 4)
    expected = channel_normed(maps, head.norm)
    for step in head.steps:
        expected = functional.interpolate(head_step(expected, step[0]), scale_factor=2, mode="bilinear")
    expected = convolved(expected, head.classify.weight) + head.classify.bias.view(1, -1, 1, 1)
    torch.testing.assert_close(head(maps), expected, atol=1e-5, rtol=1e-5)
    assert expected.shape == (2, 5, 12, 16)


def test_multi_level_head() -> None:
    head = randomized(MultiLevelHead(12, 5))
    for step in head.modules():  # of a size that leaves the comparison above the rounding of fp32
        if isinstance(step, nn.Conv2d):
            step.weight.data.mul_(0.2)
    maps = [torch.randn(2, 12, 3, 4) for _ in range(4)]
    reduced = [head_step(channel_normed(maps[n], head.norms[n]), head.reduce[n]) for n in range(4)]
    levels = []
    for place in (3, 2, 1, 0):
        level = head_step(sum(reduced[place:]), head.smooth[place])
        for step in head.heads[place]:
            level = head_step(level, step)
        levels.append(functional.interpolate(level, scale_factor=4, mode="bilinear"))
    expected = convolved(torch.cat(levels, 1), head.classify.weight) + head.classify.bias.view(1, -1, 1, 1)
    torch.testing.assert_close(head(maps), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.key)
def test_published_counts(row: object) -> None:
    count = count_parameters(build_on_meta(row)) / 1e6
    assert row.params_m is not None
    assert row.params_m.agrees(count) or row.reason, (row.name, count)


def test_at_least_eighteen_members_agree() -> None:
    assert sum(row.params_m.agrees(row.params_m_measured) for row in ROWS) >= 18


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("t2t_vit", {"num_heads": 4}), ("t2t_vit", {"num_heads": 4, "mixer": "transformer"}),
        ("localvit", {"num_heads": 4}), ("cpvt", {"num_heads": 4}),
        ("deepvit", {"num_heads": 4, "plain": 2}), ("segmenter", {}), ("setr", {"decoder": "naive"}),
        ("setr", {"decoder": "pup"}), ("setr", {"decoder": "mla"}),
    ],
)  # fmt: skip
def test_a_batch_of_two_is_two_batches_of_one(name: str, more: dict) -> None:
    network = MEMBERS[name](**TINY, **more, in_channels=1).eval()
    images = torch.randn(2, 1, 64, 96)
    with torch.no_grad():
        both, single = network(images), torch.cat([network(images[:1]), network(images[1:])])
    assert both.shape == ((2, 5, 64, 96) if name in {"segmenter", "setr"} else (2, 5))
    torch.testing.assert_close(both, single, atol=1e-5, rtol=0)


def test_auxiliary_heads_of_setr() -> None:
    network = MEMBERS["setr"](**TINY).eval()
    images = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        found = network.forward_all(images)
        assert torch.equal(found[0], network(images))
    assert [one.shape for one in found] == [(1, 5, 64, 96)] * 4
    assert len(MEMBERS["setr"](**TINY, auxiliary=False).auxiliary) == 0
