"""Pairs of encoders: sizes, shapes, features, what an adapted model takes over."""

import pytest
import torch
from torch import nn

from avtool.core.errors import BadInputError
from avtool.models.encoder import Encoder
from avtool.models.published.report import copy_into
from avtool.models.registry import create
from avtool.models.temporal.encoders import AUDIO_ARCHS, VIDEO_ARCHS, make_audio_encoder, make_video_encoder

torch.set_num_threads(1)
VIDEO, AUDIO = torch.rand(3, 2, 3, 8, 32, 32) * 2 - 1, torch.randn(3, 2, 100, 128)


def count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize(
    ("arch", "published"), [("r2plus1d18", 31_505_325), ("r3d18", 33_371_472), ("mc3_18", 11_695_440)]
)
def test_video_encoders_have_the_published_sizes(arch: str, published: int) -> None:
    with torch.device("meta"):
        encoder = make_video_encoder(arch)
    assert count(encoder) + encoder.out_dim * 400 + 400 == published  # with the head of 400 classes


def test_the_audio_encoder_has_the_published_size_but_for_colours_and_classes() -> None:
    with torch.device("meta"):
        assert count(make_audio_encoder("resnet18", 100, 128)) == 11_689_512 - 2 * 64 * 49 - 513_000


@pytest.mark.parametrize(("name", "size"), [("avt_tiny", 38_405), ("avt_base", 45_764_594)])
def test_the_pairs_have_their_sizes(name: str, size: int) -> None:
    with torch.device("meta"):
        assert count(create(name)) == size


@pytest.mark.parametrize("arch", [arch for arch in VIDEO_ARCHS if arch != "tiny"])
def test_a_residual_network_halves_space_and_time_as_published(arch: str) -> None:
    maps: list[torch.Size] = []
    encoder = make_video_encoder(arch).eval()
    for stage in encoder.stages:
        stage.register_forward_hook(lambda _module, _given, output: maps.append(output.shape[1:]))
    with torch.no_grad():
        assert encoder(torch.randn(1, 3, 8, 32, 32)).shape == (1, 512)
    first, second, third, fourth = (8, 8, 8, 8) if arch == "mc3_18" else (8, 4, 2, 1)
    assert maps == [(64, first, 16, 16), (128, second, 8, 8), (256, third, 4, 4), (512, fourth, 2, 2)]


def test_every_audio_encoder_gives_a_feature_of_its_width() -> None:
    for arch in AUDIO_ARCHS:
        with torch.device("meta"):
            encoder = make_audio_encoder(arch, 100, 128)
            assert encoder(torch.randn(2, 100, 128)).shape == (2, encoder.out_dim)


def test_weights_start_by_fan_out_and_biases_at_zero() -> None:
    torch.manual_seed(0)
    kernel = make_video_encoder("r3d18").stages[1][0].conv1[0].weight.detach()
    assert float(kernel.std()) == pytest.approx((2 / (128 * 27)) ** 0.5, rel=0.02)
    hidden = create("avt_base").requires_grad_(False).projection["video"][0]
    assert float(hidden.weight.std()) == pytest.approx(0.02, rel=0.02)
    assert float(hidden.bias.abs().max()) == 0


def test_both_clips_are_encoded_projected_and_asked() -> None:
    output = create("avt_tiny")(VIDEO, AUDIO)
    assert {name: value.shape for name, value in output.features.items()} == {
        "video": (3, 2, 32),
        "audio": (3, 2, 32),
    }
    for projection in output.projections.values():
        assert projection.shape == (3, 2, 16)
        torch.testing.assert_close(projection.norm(dim=2), torch.ones(3, 2))
    assert {name: tuple(value.shape) for name, value in output.pretext_logits.items()} == {
        "video_speed": (3, 2, 4),
        "audio_speed": (3, 2, 4),
        "video_direction": (3, 2, 2),
        "audio_direction": (3, 2, 2),
        "order_vv": (3, 2, 3),
        "order_aa": (3, 2, 3),
        "order_va": (3, 1, 3),
    }


def test_the_order_of_a_pair_is_asked_both_ways() -> None:
    """Exchanging the clips exchanges the answers about a modality, as the heads see (first, second)."""
    model = create("avt_tiny").eval()
    with torch.no_grad():
        asked, exchanged = (
            model(VIDEO, AUDIO).pretext_logits,
            model(VIDEO.flip(1), AUDIO.flip(1)).pretext_logits,
        )
    torch.testing.assert_close(exchanged["order_vv"], asked["order_vv"].flip(1))
    torch.testing.assert_close(exchanged["order_aa"], asked["order_aa"].flip(1))
    assert float((exchanged["order_va"] - asked["order_va"]).abs().max()) > 1e-4


@pytest.mark.parametrize(
    ("tasks", "questions"),
    [
        ((), ()),
        (("order-across",), ("order_va",)),
        (
            ("order", "order-within", "speed"),
            ("video_speed", "audio_speed", "order_vv", "order_aa", "order_va"),
        ),
    ],
)
def test_only_what_is_asked_has_a_head(tasks: tuple[str, ...], questions: tuple[str, ...]) -> None:
    model = create("avt_tiny", tasks=tasks)
    assert model.pretext_tasks == questions
    assert tuple(model.heads.of) == questions


@pytest.mark.parametrize("name", ["avt_tiny", "avt_classifier_tiny"])
def test_features_are_what_the_encoders_give(name: str) -> None:
    model = create(name).eval()
    assert isinstance(model, Encoder)
    with torch.no_grad():
        both = model.embed(video=VIDEO[:, 0], audio=AUDIO[:, 0])
        alone = model.embed(audio=AUDIO[:, 0])
        torch.testing.assert_close(both["video"], model.encoder["video"](VIDEO[:, 0]), rtol=0, atol=0)
    assert list(alone) == ["audio"]
    torch.testing.assert_close(alone["audio"], both["audio"], rtol=0, atol=0)


def test_a_transformer_hears_in_the_place_of_convolutions() -> None:
    model = create("avt_tiny", audio_arch="ast_tiny")
    output = model(VIDEO, AUDIO)
    assert output.features["audio"].shape == (3, 2, 64)
    sum(values.sum() for values in (*output.pretext_logits.values(), *output.projections.values())).backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_recomputing_changes_neither_gradients_nor_running_statistics() -> None:
    video = torch.randn(2, 3, 4, 32, 32)
    results = []
    for recompute in (False, True):
        torch.manual_seed(0)
        encoder = make_video_encoder("mc3_18", recompute=recompute)
        encoder(video).square().mean().backward()
        results.append(([p.grad for p in encoder.parameters()], list(encoder.buffers())))
    for plain, again in zip(*results, strict=True):
        torch.testing.assert_close(plain, again, rtol=1e-5, atol=1e-7)


def test_a_classifier_takes_the_encoders_over() -> None:
    pretrained, classifier = create("avt_tiny"), create("avt_classifier_tiny")
    report = copy_into(classifier, dict(pretrained.state_dict()), [])
    assert set(report.missing) == {
        f"head.{name}.{part}" for name in ("video", "audio") for part in ("weight", "bias")
    }
    for name, value in pretrained.encoder.state_dict().items():
        torch.testing.assert_close(classifier.encoder.state_dict()[name], value, rtol=0, atol=0)


def test_a_clip_without_sound_is_scored_by_its_pictures() -> None:
    classifier = create("avt_classifier_tiny").eval()
    silent = torch.tensor([True, False, True])
    audio = AUDIO[:, 0].clone()
    audio[1] = torch.nan
    with torch.no_grad():
        output = classifier(audio=audio, video=VIDEO[:, 0], audio_present=silent)
        seen = classifier(video=VIDEO[:, 0]).logits
    torch.testing.assert_close(output.logits[1], seen[1])
    torch.testing.assert_close(
        output.logits[0], (output.modality_logits["video"][0] + output.modality_logits["audio"][0]) / 2
    )


@pytest.mark.parametrize(
    ("name", "overrides", "message"),
    [
        ("avt_tiny", {"video_arch": "r2plus1d"}, "no video encoder is called `r2plus1d`"),
        ("avt_tiny", {"audio_arch": "resnet50"}, "no audio encoder is called `resnet50`"),
        ("avt_tiny", {"tasks": ("sped",)}, "no temporal pretext task is called `sped`"),
        ("avt_tiny", {"num_speeds": 1}, "speed classification needs at least 2 speeds"),
        ("avt_classifier_tiny", {"modalities": ("image",)}, "the modalities are audio and video, not image"),
    ],
)
def test_what_cannot_be_built_is_refused_in_words(name: str, overrides: dict, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        create(name, **overrides)


def test_single_clips_are_refused_in_words() -> None:
    with pytest.raises(BadInputError, match="takes two clips of each video"):
        create("avt_tiny")(VIDEO[:, 0], AUDIO)
