"""MINOTAUR's invariants: frames, padding, tokens without order, absent modalities, stride, windows."""

from typing import Any

import pytest
import torch
from torch import Tensor

from avtool.core.errors import BadInputError
from avtool.models.layers.position import sinusoids
from avtool.models.minotaur import minotaur
from avtool.models.registry import create

torch.set_num_threads(1)
FRAMES = 9
KINDS = ("image", "text", "label", "audio")


def built(*, match: bool) -> Any:
    torch.manual_seed(0)
    return create("minotaur_tiny", match=match).eval()


@pytest.fixture(params=[False, True], ids=["published", "match"])
def network(request: pytest.FixtureRequest) -> Any:
    return built(match=request.param)


def evidence(batch: int = 1, frames: int = FRAMES) -> tuple[Tensor, Tensor]:
    torch.manual_seed(1)
    return torch.randn(batch, frames, 4, 32), torch.randn(batch, frames, 1, 16)


def asked(width: int = 32, batch: int = 1, length: int = 5) -> tuple[Tensor, Tensor]:
    torch.manual_seed(2)
    return torch.randn(batch, length, width), torch.ones(batch, length, dtype=torch.bool)


def check_equal(one: Any, other: Any, atol: float = 1e-6) -> None:
    for ours, theirs in zip(one[:3], other[:3], strict=True):
        torch.testing.assert_close(ours, theirs, atol=atol, rtol=0)


def test_frames_permuted_with_their_times_give_permuted_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    network = built(match=False)
    (visual, audio), query = evidence(), asked()
    straight = network(visual, audio, *query, "image")
    order = torch.randperm(FRAMES)
    monkeypatch.setattr(minotaur, "sinusoids", lambda length, dim: sinusoids(length, dim)[order])
    permuted = network(visual[:, order], audio[:, order], *query, "image")
    check_equal(permuted, [value[:, :, order] for value in straight[:3]])
    monkeypatch.undo()
    with pytest.raises(AssertionError):
        check_equal(network(visual[:, order], audio[:, order], *query, "image"), permuted)


def test_padding_frames_change_no_answer(network: Any) -> None:
    (visual, audio), query = evidence(), asked()
    whole = network(visual, audio, *query, "image")
    more = [torch.cat([x, torch.full_like(x[:, :4], 7.0)], dim=1) for x in (visual, audio)]
    valid = torch.arange(FRAMES + 4)[None] < FRAMES
    padded = network(*more, *query, "image", valid, attention=True)
    check_equal([value[:, :, :FRAMES] for value in padded[:3]], whole)
    assert float(padded.attention[..., FRAMES:].detach().max()) == 0


def test_padding_tokens_of_a_query_change_no_answer(network: Any) -> None:
    (visual, audio), (tokens, mask) = evidence(), asked()
    whole = network(visual, audio, tokens, mask, "image")
    longer = torch.cat([tokens, torch.full_like(tokens, 9.0)], dim=1)
    padded = network(visual, audio, longer, torch.cat([mask, ~mask], dim=1), "image")
    check_equal(padded, whole)


def test_the_order_of_a_crops_tokens_is_irrelevant(network: Any) -> None:
    (visual, audio), (tokens, mask) = evidence(), asked()
    shuffled = tokens[:, torch.tensor([3, 0, 4, 1, 2])]
    check_equal(
        network(visual, audio, tokens, mask, "image"), network(visual, audio, shuffled, mask, "image")
    )


def test_the_order_of_visual_tokens_is_not(network: Any) -> None:
    (visual, audio), query = evidence(), asked()
    with pytest.raises(AssertionError):
        check_equal(network(visual, audio, *query, "image"), network(visual.flip(2), audio, *query, "image"))


@pytest.mark.parametrize("absent", ["visual", "audio"])
def test_an_absent_modality_has_no_influence(network: Any, absent: str) -> None:
    streams, query = dict(zip(("visual", "audio"), evidence(2), strict=True)), asked(batch=2)
    present = torch.tensor([True, False])
    both = network(**streams, query=query[0], query_mask=query[1], kind="image")
    spoilt = {**streams, absent: torch.where(present[:, None, None, None], streams[absent], torch.nan)}
    mixed = network(
        **spoilt, query=query[0], query_mask=query[1], kind="image", **{f"{absent}_present": present}
    )
    without = network(**{**streams, absent: None}, query=query[0], query_mask=query[1], kind="image")
    check_equal([value[:, :1] for value in mixed[:3]], [value[:, :1] for value in both[:3]])
    check_equal([value[:, 1:] for value in mixed[:3]], [value[:, 1:] for value in without[:3]])


def test_kinds_mixed_in_a_batch_are_those_alone(network: Any) -> None:
    visual, audio = evidence(4)
    query, mask = asked(batch=4)
    mixed = network(visual, audio, query, mask, torch.arange(4))
    for row, kind in enumerate(KINDS):
        width, part = network.settings.query_dims[kind], slice(row, row + 1)
        alone = network(visual[part], audio[part], query[part, :, :width], mask[part], kind)
        check_equal([value[:, part] for value in mixed[:3]], alone)
    narrow = network(visual[1:3], audio[1:3], query[1:3, :, :24], mask[1:3], torch.tensor([1, 2]))
    check_equal([value[:, 1:3] for value in mixed[:3]], narrow)


@pytest.mark.parametrize("stride", [2, 3, 20])
def test_a_stride_repeats_encoded_frames(network: Any, stride: int) -> None:
    (visual, audio), query = evidence(), asked()
    held = [x[:, ::stride].repeat_interleave(stride, dim=1)[:, :FRAMES] for x in (visual, audio)]
    check_equal(network(visual, audio, *query, "image", stride=stride), network(*held, *query, "image"))


def test_the_memory_of_a_frame_is_independent_of_its_window(network: Any) -> None:
    (visual, audio), query = evidence(), asked()
    whole, mask = network.encode(visual, audio, *query, "image")
    parts = [network.encode(visual[:, p], audio[:, p], *query, "image")[0] for p in (slice(4), slice(4, 9))]
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, atol=1e-6, rtol=0)
    window = network.decode(whole[:, 2:8], mask[:, 2:8], torch.ones(1, 6, dtype=torch.bool), "image")
    check_equal(window, network(visual[:, 2:8], audio[:, 2:8], *query, "image"))


def test_a_memory_kept_in_half_precision_gives_nearly_the_same(network: Any) -> None:
    (visual, audio), query = evidence(), asked()
    memory, mask = network.encode(visual, audio, *query, "image")
    valid = torch.ones(1, FRAMES, dtype=torch.bool)
    whole = network.decode(memory, mask, valid, "image")
    check_equal(network.decode(memory.bfloat16().float(), mask, valid, "image"), whole, atol=2e-2)


def test_returned_attention_changes_no_answer(network: Any) -> None:
    (visual, audio), query = evidence(), asked()
    plain, guided = (
        network(visual, audio, *query, "image", attention=asked_for) for asked_for in (False, True)
    )
    assert plain.attention is None
    check_equal(plain, guided)
    torch.testing.assert_close(guided.attention.sum(-1), torch.ones(2, 1, FRAMES), atol=1e-6, rtol=0)


def test_any_length_and_grid(network: Any) -> None:
    visual, audio = torch.randn(1, 700, 6, 32), torch.randn(1, 700, 1, 16)
    output = network(visual, audio, *asked(), "image", grid=(2, 3))
    assert output.boxes.shape == (2, 1, 700, 4)
    assert all(torch.isfinite(value).all() for value in output[:3])


def test_recomputed_activations_give_the_same_gradients() -> None:
    gradients = []
    for recompute in (False, True):
        torch.manual_seed(3)
        network = create("minotaur_tiny", recompute=recompute, dropout=0.0, head_dropout=0.0)
        network(*evidence(), *asked(), "image").foreground.sum().backward()
        gradients.append(network.visual_projection.weight.grad)
    torch.testing.assert_close(*gradients)


def test_the_match_is_that_of_the_best_tokens_with_the_mean_of_the_query() -> None:
    (visual, audio), (query, mask) = evidence(), asked()
    mask = mask & (torch.arange(5) < 3)
    network = built(match=True)
    output = network(visual, audio, query, mask, "image")
    match, wanted = network.match, network.query_resizers["image"](query)[0, :3].mean(dim=0)
    wanted = match.request(wanted)
    for frame in range(FRAMES):
        tokens = [network.visual_projection(token) for token in visual[0, frame]]
        tokens += [network.audio_resizer(audio[0, frame, 0]) + network.audio_embedding]
        cosines = [torch.cosine_similarity(match.evidence(token), wanted, dim=0) for token in tokens]
        expected = (match.log_scale.exp() * torch.stack(cosines)).exp().sum().log()
        torch.testing.assert_close(output.match[0, frame], expected, atol=1e-5, rtol=0)


def test_the_foreground_adds_to_the_match() -> None:
    (visual, audio), query = evidence(), asked()
    network = built(match=True)
    for parameter in network.foreground_head.layers[-1].parameters():
        torch.nn.init.zeros_(parameter)
    output = network(visual, audio, *query, "image")
    torch.testing.assert_close(output.foreground, output.match.expand(2, -1, -1), atol=0, rtol=0)


@pytest.mark.parametrize("stride", [1, 3])
def test_pairs_are_the_matches_of_each_query_with_each_window(stride: int) -> None:
    (visual, audio), (query, mask) = evidence(batch=3), asked(batch=3)
    network = built(match=True)
    output = network(visual, audio, query, mask, "image", stride=stride, pairs=True)
    for row in range(3):
        same = query[row : row + 1].expand(3, -1, -1)
        alone = network(visual, audio, same, mask, "image", stride=stride)
        torch.testing.assert_close(output.pairs[row], alone.match, atol=1e-5, rtol=0)
    with pytest.raises(BadInputError, match="has no match"):
        built(match=False)(visual, audio, query, mask, "image", pairs=True)


def test_without_a_match_there_is_none_and_no_token_of_it() -> None:
    (visual, audio), query = evidence(), asked()
    published, matching = built(match=False), built(match=True)
    assert published(visual, audio, *query, "image").match is None
    sizes = [network.encode(visual, audio, *query, "image")[0].shape[2] for network in (published, matching)]
    assert sizes == [4 + 1 + 5, 4 + 1 + 5 + 1]
    assert not any("match" in name for name in published.state_dict())


def test_features_that_do_not_fit_are_refused(network: Any) -> None:
    (visual, audio), query = evidence(), asked()
    with pytest.raises(BadInputError, match="3 visual tokens, and the model takes 4"):
        network(visual[:, :, :3], audio, *query, "image")
    with pytest.raises(BadInputError, match="image queries are 24 wide, and the model takes 32"):
        network(visual, audio, *asked(24), "image")
    with pytest.raises(BadInputError, match="neither visual nor audio"):
        network(None, None, *query, "image")
    with pytest.raises(BadInputError, match="no smell query"):
        network(visual, audio, *query, "smell")
