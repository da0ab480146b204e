"""Every registered model through the same tests."""

from dataclasses import asdict, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
import torch

from avtool.core.errors import BadInputError
from avtool.models.encoder import FUSED, Encoder
from avtool.models.family import DataFact
from avtool.models.load import load_model
from avtool.models.model_folder import ModelDescription, save_model
from avtool.models.registry import MODELS, create, list_models

PARAMETERS = {
    "ast_base": 86_594_063,
    "ast_deit_tiny": 5_723_663,
    "ast_mm_base": 86_688_888,
    "ast_mm_tiny": 21_605,
    "ast_small": 22_063_631,
    "ast_tiny": 88_394,
    "audio_mae_base": 85_659_407,
    "audio_mae_base_pretrain": 136_336_128,
    "audio_mae_large": 303_115_791,
    "audio_mae_large_pretrain": 353_788_672,
    "audio_mae_small": 21_596_303,
    "audio_mae_small_pretrain": 72_278_784,
    "audio_mae_tiny": 117_258,
    "audio_mae_tiny_pretrain": 152_640,
    "avt_base": 45_764_594,
    "avt_classifier_base": 42_573_991,
    "avt_classifier_tiny": 24_644,
    "avt_tiny": 38_405,
    "clip_prompts": 150_758_657,
    "clip_prompts_tiny": 291_905,
    "cnn": 596_562,
    "cnn_tiny": 5_410,
    "i3d": 12_689_984,
    "i3d_tiny": 201_164,
    "mae_base": 86_416_360,
    "mae_base_pretrain": 111_655_680,
    "mae_huge": 631_716_840,
    "mae_huge_pretrain": 656_613_964,
    "mae_large": 304_124_904,
    "mae_large_pretrain": 329_239_296,
    "mae_small": 21_975_016,
    "mae_small_pretrain": 47_401_728,
    "mae_tiny": 113_162,
    "mae_tiny_pretrain": 146_432,
    "masked_lm": 124_697_433,
    "masked_lm_large": 355_412_057,
    "masked_lm_tiny": 35_664,
    "masked_transformer": 21_317_536,
    "masked_transformer_activitynet": 70_326_204,
    "masked_transformer_published_tiny": 339_866,
    "masked_transformer_tiny": 243_674,
    "masked_transformer_youcook2": 67_807_156,
    "mavil_base": 186_477_071,
    "mavil_base_pretrain": 263_152_896,
    "mavil_tiny": 416_394,
    "mavil_tiny_pretrain": 504_128,
    "mbt_base": 174_615_311,
    "mbt_small": 43_937_423,
    "mbt_tiny": 83_914,
    "minotaur_base": 19_139_335,
    "minotaur_small": 10_457_863,
    "minotaur_tiny": 199_367,
    "pvdm_autoencoder": 62_064_399,
    "pvdm_autoencoder_tiny": 397_071,
    "pvdm_unet_l": 528_273_412,
    "pvdm_unet_s": 132_163_588,
    "pvdm_unet_tiny": 926_308,
    "timm": 3_371_008,
    "timm_tiny": 99_196,
    "transformers_audio": 86_187_264,
    "transformers_audio_video": 1_137_509_838,
    "transformers_audio_video_tiny": 141_384,
    "transformers_audio_tiny": 25_824,
    "transformers_image": 21_629_184,
    "transformers_image_tiny": 44_672,
    "transformers_video": 576_625_924,
    "transformers_video_tiny": 15_474,
    "vgg": 140_386,
    "vgg_modulation": 183_700,
    "vgg_modulation_tiny": 1_188,
    "vgg_tiny": 598,
    "video_mae_base": 86_544_016,
    "video_mae_base_pretrain": 94_221_696,
    "video_mae_huge": 632_160_400,
    "video_mae_huge_pretrain": 653_147_776,
    "video_mae_large": 304_295_312,
    "video_mae_large_pretrain": 317_808_640,
    "video_mae_small": 22_038_544,
    "video_mae_small_pretrain": 24_034_752,
    "video_mae_tiny": 199_114,
    "video_mae_tiny_pretrain": 276_704,
    "yamnet": 3_729_481,
    "yamnet_tiny": 1_122,
    "zoo": 5_717_416,
    "zoo_audio": 5_435_762,
    "zoo_audio_tiny": 35_538,
    "zoo_tiny": 83_272,
}
FACTS: dict[DataFact, int] = {
    "num_classes": 7,
    "audio_frames": 128,
    "num_mel_bins": 64,
    "video_frames": 4,
    "image_size": 32,
    "frame_width": 16,
}
TINY = [name for name in PARAMETERS if "tiny" in name]
COMPANIONS = ("_mask", "_present", "_place", "_segments", "_timestep", "_condition")
"""Endings of arguments that belong to another one."""
SETTINGS_OF_DATA = {"num_frames", "clip_dim", *get_args(DataFact)}


@cache
def skeleton(name: str, **overrides: Any) -> torch.nn.Module:
    with torch.device("meta"):
        return create(name, **overrides)


def test_the_listing_is_complete() -> None:
    assert list_models() == sorted(PARAMETERS)
    folders = {path.parent.name for path in Path("avtool/models").glob("*/family.py")}
    assert {type(model.family).__module__.split(".")[2] for _, model in MODELS.items()} == folders


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_are_counted(name: str) -> None:
    assert sum(parameter.numel() for parameter in skeleton(name).parameters()) == PARAMETERS[name]


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_family_has_a_tiny_size(name: str) -> None:
    sizes = MODELS.find(name).family.sizes
    assert any("tiny" in size and PARAMETERS[size] <= 1_000_000 for size in sizes)


@pytest.mark.parametrize("name", PARAMETERS)
def test_what_is_declared_is_what_is_built(name: str) -> None:
    model, network = MODELS.find(name), skeleton(name)
    inputs = [name for name in network.inputs if not name.endswith(COMPANIONS)]
    assert sorted(model.family.inputs) == sorted(inputs)
    assert is_dataclass(network.settings)
    names = {field.name for field in fields(network.settings)}
    assert model.setting_names() == names
    assert model.defaults.keys() <= names
    assert model.family.follows.keys() == names & SETTINGS_OF_DATA
    assert model.summary.endswith(".")
    assert model.family.paper


@pytest.mark.parametrize("name", TINY)
def test_a_model_is_built_for_a_dataset(name: str) -> None:
    model = MODELS.find(name)
    facts = {**FACTS, "audio_frames": model.family.fit_frames(FACTS["audio_frames"])}
    settings = skeleton(name, **model.follow(facts, {})).settings
    for setting, fact in model.family.follows.items():
        assert getattr(settings, setting) == facts[fact]
        with pytest.raises(BadInputError, match=f"model.arguments.{setting} follows from the data"):
            model.follow(facts, {setting: 1})


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_classifier_over_an_encoder_is_registered(name: str) -> None:
    network = skeleton(name)
    classifier = MODELS.find(name).family.classifier_of(name)
    if classifier is None:
        pytest.skip("no classifier")
    assert "num_classes" in MODELS.find(classifier).family.follows.values()
    encoder = {key for key in network.state_dict() if key.startswith("encoder.")}
    shared = encoder & skeleton(classifier).state_dict().keys()
    assert len(shared) >= 0.9 * len(encoder)


@pytest.mark.parametrize("name", TINY)
def test_weights_go_back_into_the_model(name: str) -> None:
    source, target = create(name), create(name)
    report = MODELS.find(name).family.load_weights(target, source.state_dict())
    assert report.missing == report.unexpected == ()
    for key, tensor in source.state_dict().items():
        assert torch.equal(target.state_dict()[key], tensor), key


def batch_of(network: Any) -> dict[str, torch.Tensor]:
    """Two random samples of all that a network takes, of the sizes in its settings."""
    settings = network.settings
    frames = getattr(settings, "num_frames", getattr(settings, "audio_frames", 64))
    side, steps = getattr(settings, "image_size", 32), getattr(settings, "video_frames", 8)
    height, width = getattr(settings, "height", side), getattr(settings, "width", side)
    latents = (getattr(settings, "latent_channels", 0), getattr(getattr(settings, "grid", None), "length", 0))
    waveform = settings.__class__.__name__ == "TransformersSettings" and "video" in network.inputs
    shapes = {
        "audio": (1, 15360) if waveform else (frames, getattr(settings, "num_mel_bins", 32)),
        "image": (3, side, side),
        "video": (3, getattr(settings, "frames", steps), height, width),
        "latents": latents,
        "latents_condition": latents,
        "clip": (getattr(settings, "clip_steps", 0), getattr(settings, "clip_dim", 0)),
        "streams": (
            getattr(settings, "window", 0),
            sum(width for _, width in getattr(settings, "streams", ())),
        ),
    }
    pair = (2,) if hasattr(network, "pretext_tasks") else ()
    batch = {name: torch.randn(2, *pair, *shapes[name]) for name in network.inputs if name in shapes}
    if "query" in network.inputs:
        batch = windows_of(settings)
    if "prompt" in network.inputs:
        batch["prompt"], batch["prompt_place"] = torch.randint(3, 400, (2, 1, 9)), torch.tensor([[4], [2]])
        batch["prompt_mask"] = torch.ones(2, 1, 9, dtype=torch.bool)
        batch["prompt_segments"] = torch.zeros(2, 1, 9, dtype=torch.int64)
    if "latents_timestep" in network.inputs:
        batch["latents_timestep"] = torch.tensor([0, 999])
    for name in getattr(network, "masked_inputs", ()):
        if "_noise" in name:
            batch[name] = torch.rand(2, network.grids[name.partition("_")[0]].num_tokens)
    return batch


def windows_of(settings: Any) -> dict[str, torch.Tensor]:
    """Two windows of six frames of features, each with a query of another kind."""
    rows, columns = settings.grid
    return {
        "visual": torch.randn(2, 6, rows * columns, settings.visual_dim),
        "audio": torch.randn(2, 6, settings.audio_tokens, settings.audio_dim),
        "query": torch.randn(2, 3, max(settings.query_dims.values())),
        "query_mask": torch.ones(2, 3, dtype=torch.bool),
        "kind": torch.tensor([0, 1]),
    }


def tensors_of(output: Any) -> list[torch.Tensor]:
    """All tensors in nested outputs."""
    if isinstance(output, torch.Tensor):
        return [output]
    values = output.values() if isinstance(output, dict) else output
    return [tensor for value in values if value is not None for tensor in tensors_of(value)]


@pytest.mark.parametrize("name", TINY)
def test_a_gradient_reaches_every_part(name: str) -> None:
    torch.manual_seed(0)
    network = create(name)
    floats = [tensor for tensor in tensors_of(network(**batch_of(network))) if tensor.requires_grad]
    sum(tensor.square().sum() for tensor in floats).backward()
    assert all(torch.isfinite(tensor).all() for tensor in floats)
    for part, child in network.named_children():
        parameters = list(child.parameters())
        assert not parameters or any(parameter.grad is not None for parameter in parameters), part


@pytest.mark.parametrize("name", TINY)
def test_a_model_gives_features(name: str) -> None:
    network = create(name).eval()
    if not isinstance(network, Encoder):
        pytest.skip("no encoder")
    inputs = {key: value for key, value in batch_of(network).items() if key in network.inputs}
    if hasattr(network, "pretext_tasks"):
        inputs = {key: value[:, 0] for key, value in inputs.items()}
    with torch.no_grad():
        features = network.embed(**inputs)
    assert features.keys() <= {*MODELS.find(name).family.inputs, FUSED}
    assert all(feature.shape[0] == 2 and feature.dim() == 2 for feature in features.values())


@pytest.mark.parametrize("name", TINY)
def test_a_saved_model_gives_the_same(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = create(name).eval()
    save_model(tmp_path / "model", network.state_dict(), ModelDescription(name))
    loaded, batch = load_model(tmp_path / "model").model, batch_of(network)
    assert asdict(loaded.settings) == asdict(network.settings)
    with torch.no_grad():
        ours, again, theirs = (tensors_of(model(**batch)) for model in (network, network, loaded))
    for one, two, three in zip(ours, again, theirs, strict=True):
        assert torch.equal(one, two)
        assert torch.equal(one, three)
