"""Published layouts of masked models' weights, rebuilt with random numbers in their names and shapes."""

import re
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from avtool.core.errors import BadInputError
from avtool.models.masked.audio_mae_weights import load_audio_mae
from avtool.models.masked.mae_weights import load_mae
from avtool.models.masked.mavil_weights import load_mavil, start_audio, start_video
from avtool.models.masked.video_mae_weights import load_video_mae
from avtool.models.registry import MODELS, create

torch.set_num_threads(1)
State = dict[str, Tensor]


def random_state(name: str, **overrides: Any) -> State:
    """Every tensor of a model, none of them at its start; the fixed tables as they are."""
    torch.manual_seed(0)
    model = create(name, **overrides)
    fixed = dict(model.named_buffers())
    return {
        key: value if key in fixed else value + 0.1 * torch.randn_like(value)
        for key, value in model.state_dict().items()
    }


def rename(state: State, *pairs: tuple[str, str]) -> State:
    renamed = {}
    for name, tensor in state.items():
        for pattern, replacement in pairs:
            name = re.sub(pattern, replacement, name)
        renamed[name] = tensor
    return renamed


def assert_same(model: nn.Module, state: State) -> None:
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, state[name], msg=name)


MAE_ORIGINAL = (
    (r"^decoder\.mask_token", "mask_token"),
    (r"^decoder\.", "decoder_"),
    (r"^encoder\.", ""),
)
BLOCKS_BEFORE_VERSION_5 = (
    (r"\.norm1\.", ".layernorm_before."),
    (r"\.norm2\.", ".layernorm_after."),
    (r"\.attn\.proj\.", ".attention.output.dense."),
    (r"\.mlp\.fc1\.", ".intermediate.dense."),
    (r"\.mlp\.fc2\.", ".output.dense."),
)


def split_attention(state: State, own_key_bias: bool = True) -> State:
    """`attn.qkv` as transformers before version 5 has it; VideoMAE's keys have no bias."""
    apart = {}
    for name, tensor in state.items():
        if ".attn.qkv." not in name:
            apart[name] = tensor
            continue
        for part, piece in zip(("query", "key", "value"), tensor.chunk(3), strict=True):
            if part != "key" or own_key_bias or name.endswith("weight"):
                apart[name.replace(".attn.qkv.", f".attention.attention.{part}.")] = piece
    return apart


def zero_key_bias(state: State) -> State:
    zeroed = {name: tensor.clone() for name, tensor in state.items()}
    for name, tensor in zeroed.items():
        if name.endswith("attn.qkv.bias"):
            tensor.chunk(3)[1].zero_()
    return zeroed


def test_mae_of_the_original_project() -> None:
    state = random_state("mae_tiny_pretrain")
    model: Any = create("mae_tiny_pretrain")
    report = load_mae(model, {"model": rename(state, *MAE_ORIGINAL)})
    assert report.missing == report.unexpected == report.changes == ()
    assert_same(model, state)


def test_mae_of_transformers_before_version_5() -> None:
    state = random_state("mae_tiny_pretrain")
    hub = rename(
        split_attention(state),
        *BLOCKS_BEFORE_VERSION_5,
        (r"^encoder\.blocks\.", "vit.encoder.layer."),
        (r"^encoder\.cls_token", "vit.embeddings.cls_token"),
        (r"^encoder\.pos_embed", "vit.embeddings.position_embeddings"),
        (r"^encoder\.patch_embed\.proj\.", "vit.embeddings.patch_embeddings.projection."),
        (r"^encoder\.norm\.", "vit.layernorm."),
        (r"^decoder\.blocks\.", "decoder.decoder_layers."),
        (r"^decoder\.(pos_embed|embed|norm|pred)", r"decoder.decoder_\1"),
    )
    model: Any = create("mae_tiny_pretrain")
    report = load_mae(model, hub)
    assert report.missing == report.unexpected == report.changes == ()
    assert_same(model, state)


def test_a_classifier_takes_the_encoder_of_a_pretraining_and_says_what_it_leaves() -> None:
    state = random_state("mae_tiny_pretrain")
    model: Any = create("mae_tiny")
    report = load_mae(model, rename(state, *MAE_ORIGINAL))
    assert report.missing == ("fc_norm.weight", "fc_norm.bias", "head.weight", "head.bias")
    assert report.unexpected == ()
    assert [line.split()[0] for line in report.changes] == ["`decoder`", "`encoder.norm`"]
    torch.testing.assert_close(
        model.encoder.blocks[1].attn.qkv.weight, state["encoder.blocks.1.attn.qkv.weight"]
    )


def original_audio_mae(state: State) -> State:
    """Windows with a temperature τ in the place of the logarithm of a scale."""
    renamed = rename(state, *MAE_ORIGINAL, (r"logit_scale$", "tau"))
    return {name: (-t).exp() if name.endswith(".tau") else t for name, t in renamed.items()}


def test_audio_mae_of_the_original_project_with_its_windows() -> None:
    sizes = {"num_mel_bins": 128, "decoder": "window", "pos_layout": "audiomae"}
    state = random_state("audio_mae_tiny_pretrain", **sizes)
    model: Any = create("audio_mae_tiny_pretrain", **sizes)
    report = load_audio_mae(model, original_audio_mae(state))
    assert report.missing == report.unexpected == report.changes == ()
    assert_same(model, state)


def test_published_positions_replace_our_layout() -> None:
    state = random_state("audio_mae_tiny_pretrain", pos_layout="audiomae")
    model: Any = create("audio_mae_tiny_pretrain")
    assert not torch.equal(model.encoder.pos_embed, state["encoder.pos_embed"])
    load_audio_mae(model, rename(state, *MAE_ORIGINAL))
    assert torch.equal(model.encoder.pos_embed, state["encoder.pos_embed"])


def test_a_shorter_clip_takes_the_begin_of_the_positions_when_asked() -> None:
    state = random_state("audio_mae_tiny_pretrain", num_frames=256)
    model: Any = create("audio_mae_tiny")
    with pytest.raises(BadInputError, match="grid of the weights is 16x2 and the model's is 8x2"):
        load_audio_mae(model, state)
    report = load_audio_mae(model, state, interpolate=True)
    assert "positions: 16x2 → 8x2" in report.changes
    fresh: Any = create("audio_mae_tiny")
    torch.testing.assert_close(model.encoder.pos_embed, fresh.encoder.pos_embed)


def test_audio_mae_from_an_image_mae_sees_a_grey_image_as_it_does() -> None:
    state = random_state("mae_tiny", image_size=32, patch_size=16, num_classes=10)
    image: Any = create("mae_tiny", image_size=32, patch_size=16)
    image.load_state_dict(state)
    audio: Any = create("audio_mae_tiny", num_frames=32, num_mel_bins=32)
    report = load_audio_mae(audio, state)
    assert "colours summed" in report.changes[0]
    assert "encoder.pos_embed" in report.missing
    fbank = torch.randn(2, 32, 32)
    with torch.no_grad():  # of these sizes both tables are the same
        grey = image.eval().encoder(image.encoder.grid.cut(fbank[:, None].expand(-1, 3, -1, -1)))
        heard = audio.eval().encoder(audio.encoder.grid.cut(fbank))
    torch.testing.assert_close(heard, grey, rtol=0, atol=1e-5)


def original_video_mae(state: State) -> State:
    """Biases of queries and values apart; no tables; the way to the decoder outside it."""
    found = {name: tensor for name, tensor in state.items() if not name.endswith("pos_embed")}
    for name in [name for name in found if name.endswith("qkv.bias")]:
        query, _, value = found.pop(name).chunk(3)
        found[name.replace("qkv.bias", "q_bias")] = query
        found[name.replace("qkv.bias", "v_bias")] = value
    return rename(
        found,
        (r"^decoder\.embed\.", "encoder_to_decoder."),
        (r"^decoder\.mask_token", "mask_token"),
        (r"^decoder\.pred\.", "decoder.head."),
    )


def test_video_mae_of_the_original_project() -> None:
    state = zero_key_bias(random_state("video_mae_tiny_pretrain"))
    model: Any = create("video_mae_tiny_pretrain")
    report = load_video_mae(model, {"model": original_video_mae(state)})
    assert report.missing == report.unexpected == report.changes == ()
    assert_same(model, state)


def test_a_fine_tuned_video_mae_of_the_original_project() -> None:
    state = zero_key_bias(random_state("video_mae_tiny"))
    model: Any = create("video_mae_tiny")
    report = load_video_mae(model, {"module": rename(original_video_mae(state), (r"^encoder\.", ""))})
    assert report.missing == report.unexpected == ()
    assert_same(model, state)


def test_video_mae_of_transformers_before_version_5() -> None:
    """Hub files hold `q_bias` and `v_bias`, which some versions of transformers read as zeros."""
    state = zero_key_bias(random_state("video_mae_tiny_pretrain"))
    hub = rename(
        split_attention(original_video_mae(state)),
        (r"\.attn\.(q|v)_bias$", r".attention.attention.\1_bias"),
        *BLOCKS_BEFORE_VERSION_5,
        (r"^encoder\.blocks\.", "videomae.encoder.layer."),
        (r"^encoder\.patch_embed\.proj\.", "videomae.embeddings.patch_embeddings.projection."),
        (r"^encoder\.norm\.", "videomae.layernorm."),
        (r"^decoder\.blocks\.", "decoder.decoder_layers."),
    )
    model: Any = create("video_mae_tiny_pretrain")
    report = load_video_mae(model, hub)
    assert report.missing == report.unexpected == report.changes == ()
    assert_same(model, state)


def test_mavil_of_the_published_fine_tuned_layout() -> None:
    state = random_state("mavil_tiny", fusion_layers=3)
    published = rename(
        state,
        (r"^encoder\.audio\.", ""),
        (r"^encoder\.video\.(patch_embed|cls_token|pos_embed|blocks)", r"\1_v"),
        (r"^encoder\.fusion\.", "blocks_av."),
        (r"^(fc_norm|head)\.", r"\1_av."),
    )
    model: Any = create("mavil_tiny", fusion_layers=3)
    report = load_mavil(model, published)
    assert report.missing == report.unexpected == report.changes == ()
    assert_same(model, state)


def test_one_modality_of_a_mavil_leaves_the_other_out() -> None:
    state = random_state("mavil_tiny_pretrain")
    model: Any = create("mavil_tiny", modalities=("audio",))
    report = load_mavil(model, state)
    assert report.unexpected == ()
    assert report.missing == ("fc_norm.weight", "fc_norm.bias", "head.weight", "head.bias")
    torch.testing.assert_close(model.encoder.audio.cls_token, state["encoder.audio.cls_token"])


@pytest.mark.parametrize(("rescale", "factor"), [(True, 1.0), (False, 2.0)])
def test_a_video_encoder_from_images_sees_a_still_as_they_did(rescale: bool, factor: float) -> None:
    sizes = {"image_size": 32, "patch_size": 16}
    state = random_state("mae_tiny_pretrain", **sizes)
    image: Any = create("mae_tiny_pretrain", **sizes)
    image.load_state_dict(state)
    model: Any = create("mavil_tiny_pretrain")
    report = start_video(model, state, rescale=rescale)
    assert all(name.startswith(("encoder.audio.", "decoder.", "encoder.norm.")) for name in report.missing)
    still = torch.randn(1, 3, 32, 32)
    video = still[:, :, None].expand(-1, -1, 4, -1, -1)
    embedded = model.encoder.video.make_tokens(model.encoder.video.grid.cut(video))
    expected = image.encoder.make_tokens(image.encoder.grid.cut(factor * still))
    if rescale:  # both times of the video look like the image
        torch.testing.assert_close(embedded[:, 1:5], expected[:, 1:], rtol=0, atol=1e-5)
        torch.testing.assert_close(embedded[:, 5:], expected[:, 1:], rtol=0, atol=1e-5)
    bias = state["encoder.patch_embed.proj.bias"] + state["encoder.pos_embed"][0, 1]
    contrast, expected_contrast = embedded[0, 1] - bias, expected[0, 1] - bias
    torch.testing.assert_close(contrast, expected_contrast, rtol=1e-4, atol=1e-4)
    last = "encoder.blocks.1.mlp.fc1.weight"
    torch.testing.assert_close(model.encoder.fusion[0].mlp.fc1.weight, state[last])
    torch.testing.assert_close(model.encoder.fusion[1].mlp.fc1.weight, state[last])


def test_an_audio_encoder_starts_from_an_audio_mae() -> None:
    state = random_state("audio_mae_tiny_pretrain")
    model: Any = create("mavil_tiny_pretrain")
    report = start_audio(model, state)
    assert not any(name.startswith("encoder.audio.") for name in report.missing)
    torch.testing.assert_close(model.encoder.audio.norm.weight, state["encoder.norm.weight"])


@pytest.mark.parametrize("source", ["mae_tiny_pretrain", "audio_mae_tiny"])
def test_mavil_starts_from_an_mae_of_one_modality(source: str) -> None:
    sizes = {"image_size": 32, "patch_size": 16} if source.startswith("mae") else {}
    state = random_state(source, **sizes)
    model: Any = create("mavil_tiny")
    report = MODELS.find("mavil_tiny").family.load_weights(model, state)
    block = state["encoder.blocks.1.attn.qkv.weight"]
    assert torch.equal(model.encoder.audio.blocks[1].attn.qkv.weight, block)
    assert torch.equal(model.encoder.video.blocks[1].attn.qkv.weight, block) == source.startswith("mae")
    assert {"head.weight", "fc_norm.weight"} <= set(report.missing)
    with_video = any(name.startswith("encoder.video.blocks") for name in report.missing)
    assert with_video != source.startswith("mae")


TRUE_SHAPES = {
    "mae_base_pretrain": {
        "encoder.patch_embed.proj.weight": (768, 3, 16, 16),
        "encoder.pos_embed": (1, 197, 768),
        "decoder.pos_embed": (1, 197, 512),
        "decoder.pred.weight": (768, 512),
    },
    "audio_mae_base_pretrain": {
        "encoder.patch_embed.proj.weight": (768, 1, 16, 16),
        "encoder.pos_embed": (1, 513, 768),
        "decoder.blocks.15.attn.meta_mlp.fc1.weight": (384, 2),
        "decoder.blocks.15.attn.logit_scale": (16,),
        "decoder.pred.weight": (256, 512),
    },
    "video_mae_base_pretrain": {
        "encoder.patch_embed.proj.weight": (768, 3, 2, 16, 16),
        "decoder.embed.weight": (384, 768),
        "decoder.pred.weight": (1536, 384),
        "decoder.blocks.3.attn.qkv.weight": (1152, 384),
    },
    "mavil_base_pretrain": {
        "encoder.video.pos_embed": (1, 785, 768),
        "encoder.audio.pos_embed": (1, 513, 768),
        "encoder.fusion.1.mlp.fc2.weight": (768, 3072),
    },
}


@pytest.mark.parametrize("name", TRUE_SHAPES)
def test_base_sizes_have_the_published_shapes_and_take_themselves(name: str) -> None:
    with torch.device("meta"):
        source, target = create(name), create(name)
    state = source.state_dict()
    for tensor, shape in TRUE_SHAPES[name].items():
        assert state[tensor].shape == shape, tensor
    report = MODELS.find(name).family.load_weights(target, state)
    assert report.missing == report.unexpected == ()


def test_a_stranger_is_refused() -> None:
    with pytest.raises(BadInputError, match="hold no encoder of patches"):
        load_video_mae(create("video_mae_tiny"), create("cnn_tiny").state_dict())  # type: ignore[arg-type]
