"""Encoders of transformers: the library's own features and preprocessing, from folders that it saved."""

from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from PIL import Image

from avtool.core.errors import BadInputError, MissingError
from avtool.data.inputs.spec import read_inputs
from avtool.models.load import load_model

transformers = pytest.importorskip("transformers")
SMALL = {"hidden_size": 32, "num_attention_heads": 2, "num_hidden_layers": 2, "intermediate_size": 64}
IMAGE = {**SMALL, "image_size": 32, "patch_size": 8}
CLAP = {
    "hidden_size": 32, "patch_embeds_hidden_size": 16, "depths": [1, 1], "num_attention_heads": [2, 2],
    "num_hidden_layers": 2, "spec_size": 256, "num_mel_bins": 64, "window_size": 4, "projection_dim": 24,
    "patch_size": 4, "patch_stride": [4, 4],
}  # fmt: skip
PE_AUDIO = {
    **SMALL, "num_key_value_heads": 2, "head_dim": 16,
    "dac_config": {"encoder_hidden_size": 4, "hidden_size": 64, "codebook_dim": 8},
}  # fmt: skip
PE_PART = {**SMALL, "num_key_value_heads": 2, "head_dim": 16}
PE_VIDEO = {
    **PE_PART,
    "vision_config": {
        "model_type": "timm_wrapper", "architecture": "vit_tiny_patch16_224",
        "model_args": {"img_size": 32, "depth": 1, "embed_dim": 8, "num_heads": 2},
    },
}  # fmt: skip
PE_FRAMES = {
    "size": {"height": 32, "width": 32}, "do_resize": True, "do_rescale": True, "do_normalize": True,
    "image_mean": [0.5] * 3, "image_std": [0.5] * 3, "do_sample_frames": True, "num_frames": 6,
}  # fmt: skip
PE_TEXT = {**SMALL, "model_type": "modernbert", "vocab_size": 50, "pad_token_id": 0}
WHISPER = {
    "d_model": 32, "encoder_layers": 2, "decoder_layers": 1, "encoder_attention_heads": 2,
    "decoder_attention_heads": 2, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "vocab_size": 100,
    "pad_token_id": 1, "bos_token_id": 2, "eos_token_id": 3, "decoder_start_token_id": 4,
}  # fmt: skip


def made(name: str, *, true: bool) -> tuple[Any, Any]:
    """A model with random weights, tiny or of the library's default sizes, and its processor."""
    t = transformers
    torch.manual_seed(0)
    small = {} if true else SMALL
    image = {} if true else IMAGE
    side = {} if true else {"size": {"height": 32, "width": 32}, "crop_size": {"height": 32, "width": 32}}
    shortest = {} if true else {"size": {"shortest_edge": 36}, "crop_size": {"height": 32, "width": 32}}
    if name == "ast":
        return t.ASTModel(t.ASTConfig(**small)), t.ASTFeatureExtractor()
    if name == "clap":
        audio = {} if true else CLAP
        text = {**SMALL, "vocab_size": 50}
        config = t.ClapConfig(text_config=text, audio_config=audio, projection_dim=24 if not true else 512)
        extractor = t.ClapFeatureExtractor(truncation="rand_trunc", padding="repeatpad")
        return t.ClapModel(config), extractor
    if name == "clip":
        config = t.CLIPConfig(text_config={**SMALL, "vocab_size": 50}, vision_config=image)
        return t.CLIPModel(config), t.CLIPImageProcessor(**shortest)
    if name == "siglip":
        text = {**SMALL, "vocab_size": 50, "projection_size": image.get("hidden_size", 768)}
        config = t.SiglipConfig(text_config=text, vision_config=image)
        return t.SiglipModel(config), t.SiglipImageProcessor(**({"size": side["size"]} if side else {}))
    if name == "dinov2":
        values = {key: value for key, value in image.items() if key != "intermediate_size"}
        return t.Dinov2Model(t.Dinov2Config(**values)), t.BitImageProcessor(**shortest)
    if name == "pe_av":
        return pe_audio_video(true=true), t.PeAudioFeatureExtractor()
    if name == "pe_video":
        video = {} if true else {"video_config": PE_VIDEO}
        return t.PeVideoModel(t.PeVideoConfig(text_config=PE_TEXT, **video)), t.PeVideoVideoProcessor(
            **PE_FRAMES
        )
    if name.startswith("pe_audio"):
        parts = {"text_config": PE_TEXT, **({} if true else {"audio_config": PE_AUDIO})}
        frames = name == "pe_audio_frame"
        model = (t.PeAudioFrameLevelModel if frames else t.PeAudioModel)(t.PeAudioConfig(**parts))
        return model, t.PeAudioFeatureExtractor()
    return t.WhisperModel(t.WhisperConfig(**({} if true else WHISPER))), t.WhisperFeatureExtractor()


def pe_audio_video(*, true: bool) -> Any:
    """A PE-AV; the two that it has of encoders and of towers of text are one, as the library ties them."""
    t = transformers
    audio = {"model_type": "pe_audio_encoder"} if true else PE_AUDIO
    both = {**PE_PART, "audio_config": audio, "video_config": PE_VIDEO}
    return t.PeAudioVideoModel(t.PeAudioVideoConfig(text_config=PE_TEXT, audio_video_config=both))


def theirs(name: str, model: Any, values: torch.Tensor) -> torch.Tensor:
    """The feature that the library's whole model gives."""
    if name == "ast":
        return model(values).pooler_output
    if name == "clap":
        found = model.get_audio_features(input_features=values, is_longer=torch.zeros(len(values), 1) > 0)
        return found if isinstance(found, torch.Tensor) else found.pooler_output
    if name in ("clip", "siglip"):
        found = model.get_image_features(pixel_values=values)
        return found if isinstance(found, torch.Tensor) else found.pooler_output
    if name == "dinov2":
        return model(values).pooler_output
    if name == "pe_audio_frame":
        return model.get_audio_embeds(values).mean(dim=1)
    if name.startswith("pe_"):
        return model.get_audio_embeds(values)
    return model.get_encoder()(values).last_hidden_state.mean(dim=1)


def saved(name: str, folder: Path, *, true: bool) -> tuple[Any, Any]:
    model, processor = made(name, true=true)
    model = model.eval()
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    if name == "pe_av":
        transformers.PeVideoVideoProcessor(**PE_FRAMES).save_pretrained(folder)
    return model, processor


def waveforms(rate: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.normal(0, 0.1, int(rate * seconds)).astype(np.float32) for seconds in (4.0, 2.5)]


def compare(name: str, folder: Path, *, true: bool) -> None:
    model, processor = saved(name, folder, true=true)
    loaded = load_model(folder)
    given = next(iter(read_inputs(_folder_of(folder), loaded.preprocess)))
    assert given.name in ("image", "audio")
    if given.name == "image":
        rng = np.random.default_rng(0)
        images = [rng.integers(0, 255, shape, np.uint8) for shape in ((60, 90, 3), (70, 50, 3))]
        pillow = [Image.fromarray(image) for image in images]
        wanted = processor(images=pillow, return_tensors="pt")["pixel_values"]
        ours = torch.stack([given.process(image) for image in images])
    else:
        sounds = waveforms(given.settings.sample_rate)
        assert given.settings.sample_rate == processor.sampling_rate
        found = processor(sounds, sampling_rate=processor.sampling_rate, return_tensors="pt")
        wanted = found["input_features" if "input_features" in found else "input_values"]
        ours = given.batch(sounds, torch.device("cpu"))["audio"]
    torch.testing.assert_close(ours, wanted, atol=0, rtol=0)
    with torch.no_grad():
        feature = loaded.model.embed(**{given.name: ours})[given.name]
        wanted_feature = theirs(name, model, wanted)
    assert feature.dim() == 2
    # CLIP's and CLAP's whole models scale their features to unit length in some versions
    if not torch.allclose(feature, wanted_feature, atol=1e-5):
        feature = torch.nn.functional.normalize(feature, dim=-1)
    torch.testing.assert_close(feature, wanted_feature, atol=1e-5, rtol=1e-5)


def _folder_of(folder: Path) -> Path:
    from avtool.models.foreign import locate

    return locate(folder)


PERCEPTION = ["pe_audio", "pe_audio_frame", "pe_av"]  # at true size, too, with a small tower of text
MEMORY = 6 * 2**30
"""Bytes for two copies of PE-A's 285 million parameters, what one is read from, and activations."""
NAMES = ["ast", "clap", "clip", "siglip", "dinov2", "whisper", *PERCEPTION]


@pytest.mark.parametrize("name", NAMES)
def test_features_and_preprocessing_are_the_library_s(name: str, tmp_path: Path, cache: Path) -> None:
    compare(name, tmp_path / "folder", true=False)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_same_at_the_true_size(name: str, tmp_path: Path, cache: Path) -> None:
    if psutil.virtual_memory().available < MEMORY:
        pytest.skip(f"needs {MEMORY / 2**30:.0f} GiB of free memory")
    compare(name, tmp_path / "folder", true=True)


def frames(count: int, seed: int = 0) -> torch.Tensor:
    """(3, T, 32, 32)"""
    return torch.randn(3, count, 32, 32, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("counts", [(6, 6), (6, 4)], ids=["equally long", "one shorter"])
def test_video_features_of_pe_are_the_library_s(counts: tuple[int, int], tmp_path: Path, cache: Path) -> None:
    model, _ = saved("pe_video", tmp_path / "folder", true=False)
    loaded = load_model(tmp_path / "folder")
    given = read_inputs(_folder_of(tmp_path / "folder"), loaded.preprocess)["video"]
    batch = given.batch([frames(count, count) for count in counts], torch.device("cpu"))
    assert ("video_mask" in batch) == (counts[0] != counts[1])
    with torch.no_grad():
        ours = loaded.model.embed(**batch)["video"]
        wanted = model.video_head(
            model.video_encoder(
                batch["video"].transpose(1, 2).contiguous(), padding_mask_videos=batch.get("video_mask")
            ).pooler_output
        )
        alone = loaded.model.embed(video=frames(counts[1], counts[1])[None])["video"]
    torch.testing.assert_close(ours, wanted, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(ours[1:], alone, atol=1e-5, rtol=1e-5)


def test_joint_features_of_pe_av_are_the_library_s(tmp_path: Path, cache: Path) -> None:
    model, _ = saved("pe_av", tmp_path / "folder", true=False)
    loaded = load_model(tmp_path / "folder")
    inputs = read_inputs(_folder_of(tmp_path / "folder"), loaded.preprocess)
    assert inputs.names == ("audio", "video")
    assert not any("text_model" in name for name in loaded.model.state_dict())
    audio = inputs["audio"].batch(waveforms(48000)[:1], torch.device("cpu"))["audio"]
    video = frames(6)[None]
    with torch.no_grad():
        wanted = model(input_values=audio, pixel_values_videos=video.transpose(1, 2).contiguous())
        ours = loaded.model.embed(audio=audio, video=video)
        alone = {**loaded.model.embed(audio=audio), **loaded.model.embed(video=video)}
    for name, theirs_ in (("audio", wanted.audio_embeds), ("video", wanted.video_embeds)):
        torch.testing.assert_close(ours[name], theirs_, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(alone[name], theirs_, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(ours["both"], wanted.audio_video_embeds, atol=1e-5, rtol=1e-5)


def test_frames_are_preprocessed_by_the_library(tmp_path: Path, cache: Path) -> None:
    _, processor = saved("pe_video", tmp_path / "folder", true=False)
    loaded = load_model(tmp_path / "folder")
    given = read_inputs(_folder_of(tmp_path / "folder"), loaded.preprocess)["video"]
    pixels = np.random.default_rng(0).integers(0, 255, (5, 48, 64, 3), np.uint8)
    wanted = processor(videos=[pixels], do_sample_frames=False, return_tensors="pt")["pixel_values_videos"][0]
    torch.testing.assert_close(given.process(pixels), wanted, atol=0, rtol=0)


def test_a_folder_without_its_processor_is_refused(tmp_path: Path, cache: Path) -> None:
    saved("dinov2", tmp_path / "folder", true=False)
    (tmp_path / "folder" / "preprocessor_config.json").unlink()
    with pytest.raises(BadInputError, match=r"has no preprocessor_config\.json"):
        load_model(tmp_path / "folder")


def test_a_hub_without_a_network_is_one_line(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(MissingError, match="`nobody/nothing` is not in the hub's cache"):
        load_model(Path("hf:nobody/nothing"))
