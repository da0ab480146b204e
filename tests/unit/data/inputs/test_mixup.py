"""Mixtures of waveforms, features, labels, and of modalities apart."""

import pytest
import torch

from avtool.data.inputs.mixup import (
    Mix,
    draw_batch_mix,
    draw_modality_mixes,
    draw_presence,
    draw_sample_mix,
    one_hot,
)


def test_mixed_labels_sum_to_one() -> None:
    torch.manual_seed(0)
    labels = draw_sample_mix(64, 0.5, 10.0).blend(one_hot(torch.arange(64) % 5, 5))
    torch.testing.assert_close(labels.sum(dim=1), torch.ones(64))


def test_the_weight_is_recovered_from_constants() -> None:
    torch.manual_seed(0)
    mix = draw_batch_mix(4, 0.5)
    constants = torch.tensor([0.0, 0.0, 1.0, 1.0])[:, None, None].expand(4, 3, 2)
    mixed = mix.blend(constants)
    torch.testing.assert_close(mixed[:2], (1 - mix.weight[:2])[:, None, None].expand(2, 3, 2))
    torch.testing.assert_close(mixed[2:], mix.weight[2:, None, None].expand(2, 3, 2))


def test_a_batch_is_mixed_with_its_reverse_by_one_weight() -> None:
    mix = draw_batch_mix(5, 0.5)
    assert mix.partner.tolist() == [4, 3, 2, 1, 0]
    assert len(mix.weight.unique()) == 1


@pytest.mark.parametrize(("probability", "share"), [(0.0, 0.0), (0.5, 0.5), (1.0, 1.0)])
def test_samples_are_mixed_at_the_rate(probability: float, share: float) -> None:
    torch.manual_seed(0)
    mix = draw_sample_mix(4000, probability, 10.0)
    assert float((mix.weight < 1).float().mean()) == pytest.approx(share, abs=0.03)


def test_weights_follow_beta() -> None:
    """Beta(10, 10) has mean 1/2 and variance 1/84."""
    torch.manual_seed(0)
    weight = draw_sample_mix(20000, 1.0, 10.0).weight
    assert float(weight.mean()) == pytest.approx(0.5, abs=0.005)
    assert float(weight.var()) == pytest.approx(1 / 84, rel=0.05)


def test_waveforms_lose_their_means_before_and_after() -> None:
    waveforms = torch.randn(4, 1000) + torch.tensor([0.0, 1.0, -2.0, 5.0])[:, None]
    mix = Mix(torch.tensor([1, 0, 3, 2]), torch.full((4,), 0.25))
    mixed = mix.blend_waveforms(waveforms)
    torch.testing.assert_close(mixed.mean(dim=1), torch.zeros(4), atol=1e-6, rtol=0)
    centred = waveforms - waveforms.mean(dim=1, keepdim=True)
    torch.testing.assert_close(mixed[0], 0.25 * centred[0] + 0.75 * centred[1], atol=1e-6, rtol=0)


def test_modalities_carry_different_labels() -> None:
    torch.manual_seed(0)
    mixes = draw_modality_mixes(["audio", "video"], 4, 0.5)
    labels = {name: mix.blend(one_hot(torch.arange(4), 4)) for name, mix in mixes.items()}
    assert (labels["audio"] - labels["video"]).abs().max() > 0.01
    for mixed in labels.values():
        torch.testing.assert_close(mixed.sum(dim=1), torch.ones(4))


def test_label_vectors_pass_one_hot_unchanged() -> None:
    vectors = torch.rand(3, 4)
    assert one_hot(vectors, 4) is vectors


def test_hidden_modalities_are_drawn_at_the_rate_and_never_all() -> None:
    torch.manual_seed(0)
    masks = draw_presence(["audio", "video"], 4000, 0.4)
    assert set(masks) == {"audio_present", "video_present"}
    audio, video = masks["audio_present"], masks["video_present"]
    assert bool((audio | video).all())
    assert float((~audio).float().mean()) == pytest.approx(0.2, abs=0.03)
    assert float((~video).float().mean()) == pytest.approx(0.2, abs=0.03)


def test_a_single_modality_is_never_hidden() -> None:
    assert bool(draw_presence(["audio"], 100, 1.0)["audio_present"].all())


def test_a_splice_is_one_clip_and_then_the_other() -> None:
    torch.manual_seed(0)
    mix = draw_sample_mix(64, 1.0, 0.4).cutmix(10, probability=1.0)
    numbers = torch.arange(64.0)
    spliced = mix.blend(numbers[:, None, None].expand(64, 10, 4))
    kept = mix.weight.sum(dim=1).int()
    for place in range(64):
        first, second = spliced[place, : kept[place]], spliced[place, kept[place] :]
        assert (first == numbers[place]).all()
        assert (second == numbers[mix.partner[place]]).all()
    assert set(kept.tolist()) > {1, 5, 9}


def test_labels_of_a_splice_go_by_its_frames() -> None:
    mix = Mix(torch.tensor([1, 0]), torch.tensor([[1.0, 1.0, 1.0, 0.0], [0.25, 0.25, 0.25, 0.25]]))
    assert mix.blend_labels(torch.eye(2)).tolist() == [[0.75, 0.25], [0.75, 0.25]]


def test_some_mixtures_stay_mixtures() -> None:
    torch.manual_seed(0)
    mix = draw_sample_mix(4000, 1.0, 10.0)
    weight = mix.cutmix(20, probability=0.3).weight
    same = (weight == mix.weight[:, None]).all(dim=1)
    assert float(same.float().mean()) == pytest.approx(0.7, abs=0.03)


def test_partners_of_the_same_label_are_others_where_there_are_any() -> None:
    torch.manual_seed(0)
    labels = torch.eye(4)[torch.tensor([0, 0, 0, 1, 1, 2])]
    drawn = torch.stack(
        [draw_sample_mix(6, 1.0, 0.4).with_same_class(labels, 1.0).partner for _ in range(400)]
    )
    assert set(drawn[:, 0].tolist()) == {1, 2}
    assert set(drawn[:, 3].tolist()) == {4}
    assert set(drawn[:, 5].tolist()) == {0, 1, 2, 3, 4, 5}  # the only one of its kind: any, as before


def test_partners_of_the_same_label_come_at_the_rate() -> None:
    torch.manual_seed(0)
    labels = torch.eye(500).repeat_interleave(2, dim=0)
    partner = draw_sample_mix(1000, 1.0, 0.4).with_same_class(labels, 0.3).partner
    alike = (partner // 2 == torch.arange(1000) // 2).float().mean()
    assert float(alike) == pytest.approx(0.3, abs=0.05)
