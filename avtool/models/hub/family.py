"""Encoders of timm and transformers: facts, and what names them on a command line."""

import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from avtool.core.artifact import CARD
from avtool.core.errors import BadInputError
from avtool.models.catalogue import entry_of_file
from avtool.models.family import Family, Follows, Size, Sizes
from avtool.models.hub.kinds import KINDS, NO_TEXTS, Kind, kind_of
from avtool.models.registry import register
from avtool.models.source import Foreign

if TYPE_CHECKING:
    from torch import nn

    from avtool.models.source import Source

_TIMM, _HUB = "timm:", "hf:"
_PROCESSORS = (
    "config.json", "preprocessor_config.json", "processor_config.json", "video_preprocessor_config.json"
)  # fmt: skip
_FILES = (".safetensors", ".pth", ".pt", ".bin")


@register
class TimmFamily(Family):
    """Any image backbone of timm."""

    title = "timm backbone"
    paper = "Wightman: PyTorch Image Models. 2019"
    inputs = ("image",)
    sizes: ClassVar[Sizes] = {
        "timm": Size("Of any name (`timm:NAME`); by default EfficientNet-Lite0."),
        "timm_tiny": Size("timm's own network for tests.", {"architecture": "test_efficientnet"}),
    }
    follows: ClassVar[Follows] = {}
    layouts = ("timm's hub (`timm:NAME`)", "a folder of timm", "a file (`timm:NAME=FILE`)")

    def settings_type(self) -> type[Any]:
        from avtool.models.hub.timm_encoder import TimmSettings

        return TimmSettings

    def build(self, settings: Any) -> "nn.Module":
        from avtool.models.hub.timm_encoder import TimmEncoder

        return TimmEncoder(settings)

    def adopt(self, source: "Source") -> Foreign | None:
        if source.text.startswith(_TIMM):
            name, _, file = source.text.removeprefix(_TIMM).partition("=")
            return _of_file(name, Path(file)) if file else _of_hub(name)
        if source.path is None:
            return None
        if source.path.is_dir():
            return _of_folder(source.path)
        entry = entry_of_file(source.path) if source.path.suffix in _FILES else None
        return _of_file(entry.timm, source.path) if entry and entry.timm else None


class _Transformers(Family):
    """What encoders of transformers share."""

    paper = "Wolf et al.: Transformers: State-of-the-Art Natural Language Processing. EMNLP 2020 (demos)"
    follows: ClassVar[Follows] = {}
    layouts = ("a folder of transformers", "the Hugging Face hub (`hf:OWNER/NAME`)")

    def settings_type(self) -> type[Any]:
        from avtool.models.hub.transformers_encoder import TransformersSettings

        return TransformersSettings

    def build(self, settings: Any) -> "nn.Module":
        from avtool.models.hub.transformers_encoder import TransformersEncoder

        return TransformersEncoder(settings)

    def adopt(self, source: "Source") -> Foreign | None:
        folder = hub_folder(source.path or Path(source.text))
        if folder is None:
            return None
        config = config_of(folder)
        kind = kind_of(config)
        if kind is None and source.text.startswith(_HUB):
            message = f"`{source.text}` is a `{config.get('model_type')}`, and no encoder that is known here"
            raise BadInputError(message, f"known are {', '.join(sorted(KINDS))}")
        return _of_transformers(folder, kind) if kind and kind.inputs == self.inputs else None


@register
class TransformersImageFamily(_Transformers):
    """CLIP, SigLIP and DINOv2."""

    title = "transformers image encoder"
    inputs = ("image",)
    sizes: ClassVar[Sizes] = {
        "transformers_image": Size(
            "CLIP, SigLIP or DINOv2, of a folder or the hub (`hf:OWNER/NAME`); by default DINOv2-small.",
            {"architecture": {"model_type": "dinov2", "hidden_size": 384, "num_attention_heads": 6}},
        ),
        "transformers_image_tiny": Size(
            "A DINOv2 of two layers: for tests.",
            {
                "architecture": {
                    "model_type": "dinov2", "hidden_size": 32, "num_attention_heads": 2,
                    "num_hidden_layers": 2, "image_size": 28, "patch_size": 14,
                }
            },
        ),
    }  # fmt: skip


@register
class TransformersAudioFamily(_Transformers):
    """AST, CLAP, Whisper's encoder, PE-A and PE-A-Frame."""

    title = "transformers audio encoder"
    inputs = ("audio",)
    sizes: ClassVar[Sizes] = {
        "transformers_audio": Size(
            "AST, CLAP, Whisper, PE-A, PE-A-Frame, of a folder or the hub (`hf:OWNER/NAME`); by default AST.",
            {"architecture": {"model_type": "audio-spectrogram-transformer"}},
        ),
        "transformers_audio_tiny": Size(
            "An AST of two layers: for tests.",
            {
                "architecture": {
                    "model_type": "audio-spectrogram-transformer", "hidden_size": 32,
                    "num_attention_heads": 2, "num_hidden_layers": 2, "intermediate_size": 64,
                    "max_length": 64, "num_mel_bins": 32,
                }
            },
        ),
    }  # fmt: skip


_PE_PART = {
    "hidden_size": 16, "num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 8,
    "num_hidden_layers": 2, "intermediate_size": 32,
}  # fmt: skip
_PE_VIDEO_TINY = {
    **_PE_PART,
    "vision_config": {
        "model_type": "timm_wrapper", "architecture": "vit_tiny_patch16_224", "num_labels": 16,
        "model_args": {"img_size": 32, "depth": 1, "embed_dim": 8, "num_heads": 2},
    },
}  # fmt: skip
_PE_AUDIO_TINY = {
    **_PE_PART,
    "model_type": "pe_audio_encoder",
    "dac_config": {"encoder_hidden_size": 4, "hidden_size": 64, "codebook_dim": 8},
}


@register
class TransformersVideoFamily(_Transformers):
    """PE-AV's video encoder alone."""

    title = "transformers video encoder"
    inputs = ("video",)
    sizes: ClassVar[Sizes] = {
        "transformers_video": Size(
            "PE-V, PE-AV's video encoder, of a folder of transformers (`PeVideoModel`).",
            {"architecture": {"model_type": "pe_video", "text_config": {**NO_TEXTS, "hidden_size": 1024}}},
        ),
        "transformers_video_tiny": Size(
            "A PE-V of two layers: for tests.",
            {
                "architecture": {
                    "model_type": "pe_video", "text_config": {**NO_TEXTS, "hidden_size": 16},
                    "video_config": _PE_VIDEO_TINY,
                }
            },
        ),
    }  # fmt: skip


@register
class TransformersAudioVideoFamily(_Transformers):
    """PE-AV: audio, video, and both together."""

    title = "transformers audio-visual encoder"
    inputs = ("audio", "video")
    sizes: ClassVar[Sizes] = {
        "transformers_audio_video": Size(
            "PE-AV, of a folder or the hub (`hf:OWNER/NAME`).",
            {
                "architecture": {
                    "model_type": "pe_audio_video", "text_config": {**NO_TEXTS, "hidden_size": 1024}
                }
            },
        ),
        "transformers_audio_video_tiny": Size(
            "A PE-AV of two layers an encoder: for tests.",
            {
                "architecture": {
                    "model_type": "pe_audio_video", "text_config": {**NO_TEXTS, "hidden_size": 16},
                    "audio_video_config": {
                        **_PE_PART, "audio_config": _PE_AUDIO_TINY, "video_config": _PE_VIDEO_TINY
                    },
                }
            },
        ),
    }  # fmt: skip


def hub_folder(path: Path) -> Path | None:
    """The folder of transformers that a user means, downloaded where he gives an id; None for other things.

    Raises:
        MissingError: it cannot be downloaded.
    """
    if str(path).startswith(_HUB):
        return _downloaded(str(path).removeprefix(_HUB))
    return path if path.is_dir() and not (path / CARD).exists() else None


@lru_cache
def _downloaded(name: str) -> Path:
    from avtool.models.hub_access import download

    return download(name)


def config_of(folder: Path) -> dict[str, Any]:
    """`config.json` of a folder; empty where there is none."""
    try:
        values = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}


def _of_transformers(folder: Path, kind: Kind) -> Foreign:
    """A folder of transformers, with the files of its processor."""
    processors = [folder / name for name in _PROCESSORS if (folder / name).is_file()]
    if len(processors) < 2:
        message = f"`{folder}` has no preprocessor_config.json, which {kind.title} is fed by"
        raise BadInputError(message, "save its processor there: processor.save_pretrained")

    def build() -> "nn.Module":
        from avtool.models.hub.transformers_encoder import load_encoder

        return load_encoder(folder, kind)

    from avtool.models.hub.transformers_encoder import (
        describe_inputs,
        describe_outputs,
        encoder_architecture,
    )

    architecture = encoder_architecture(folder, kind)
    return Foreign(
        f"transformers_{'_'.join(kind.inputs)}",
        build,
        {"architecture": architecture},
        {"inputs": describe_inputs(processors, kind), **describe_outputs(architecture, kind)},
        f"{kind.title} of transformers; the feature is its {kind.feature}.",
        sorted(file for file in folder.iterdir() if file.is_file()),
        {f"processor/{file.name}": file for file in processors},
    )


def _of_file(name: str, path: Path) -> Foreign:
    """Weights of a file, whose network the user, or the catalogue, names."""
    if not path.is_file():
        raise BadInputError(f"the weights `{path}` do not exist", f"write {_TIMM}{name}=FILE")

    def build() -> "nn.Module":
        from avtool.models.hub.timm_encoder import TimmEncoder, TimmSettings, load_host
        from avtool.models.source import Source

        network = TimmEncoder(TimmSettings(name))
        load_host(network.host, name, Source(str(path), path).state, path)
        return network

    return _foreign(name, name, build, [path])


def _of_hub(name: str) -> Foreign:
    """timm's own weights of a name, downloaded on first use; of its hub where the name has an owner."""
    place = f"hf-hub:{name}" if "/" in name and ":" not in name else name

    def build() -> "nn.Module":
        from avtool.models.hub.timm_encoder import TimmEncoder, TimmSettings, build_host

        trained = build_host(place, pretrained=True)
        network = TimmEncoder(TimmSettings(_architecture(place)))
        network.host.load_state_dict(trained.state_dict())
        return network

    return _foreign(_architecture(place), place, build, [])


def _of_folder(path: Path) -> Foreign | None:
    """A folder that timm saved: `config.json` with an architecture, beside weights."""
    config = path / "config.json"
    if (path / CARD).exists() or not config.is_file():
        return None
    try:
        values = json.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    name = values.get("architecture") if isinstance(values, dict) else None
    if not isinstance(name, str) or "pretrained_cfg" not in values:
        return None
    place = f"local-dir:{path}"

    def build() -> "nn.Module":
        from avtool.models.hub.timm_encoder import TimmEncoder, TimmSettings, build_host

        network = TimmEncoder(TimmSettings(name))
        network.host.load_state_dict(build_host(place, pretrained=True).state_dict())
        return network

    return _foreign(name, place, build, sorted(file for file in path.iterdir() if file.is_file()))


def _foreign(name: str, place: str, build: Any, files: list[Path]) -> Foreign:
    import torch

    from avtool.models.hub.timm_encoder import build_host, preprocess_of

    with torch.device("meta"):
        config = preprocess_of(build_host(place))
    return Foreign(
        "timm",
        build,
        {"architecture": name},
        {"inputs": {"image": {"processor": "timm", "seconds": 1.0, "config": config}}},
        f"The image backbone `{name}` of timm, without its last layer.",
        files,
    )


def _architecture(place: str) -> str:
    """The network of a name with the tag of its weights (`vit_base_patch16_224.mae`), or of a hub's entry."""
    if ":" not in place:
        return place.partition(".")[0]
    from avtool.models.hub.timm_encoder import architecture_of

    return architecture_of(place)
