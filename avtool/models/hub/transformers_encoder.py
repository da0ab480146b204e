"""An image, audio or video model of transformers as a frozen encoder: its class and its feature."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from avtool.core.errors import BadInputError, MissingError
from avtool.core.requirements import quiet_transformers
from avtool.models.encoder import FUSED
from avtool.models.hub.kinds import KINDS, NO_TEXTS, PARTS, Kind, kind_of
from avtool.models.layers.output import ClassifierOutput
from avtool.models.model_folder import one_line

VIDEO_PROCESSOR = "video_preprocessor_config.json"
_FRAMES_A_SECOND = 100  # of AST's extractor
_AUDIOSET = 527
_OF_FILES = {"architectures", "dtype", "torch_dtype", "transformers_version", "_name_or_path"}


@dataclass(frozen=True)
class TransformersSettings:
    """The settings of an encoder.

    Attributes:
        architecture: `config.json` of transformers, of the part that is the encoder.
    """

    architecture: Mapping[str, Any] = field(default_factory=dict)


class TransformersEncoder(nn.Module):
    """A network of transformers; its feature is the one that its authors compare or classify.

    Args:
        settings: of the network.
        host: the network, where it is there already.

    Raises:
        BadInputError: the architecture is none of those that are known here.
        MissingError: transformers is not installed.
    """

    def __init__(self, settings: TransformersSettings, host: nn.Module | None = None) -> None:
        super().__init__()
        self.settings = settings
        self.kind = kind_of_part(settings.architecture)
        masks = ("video_mask",) if "video" in self.kind.inputs else ()
        self.inputs = (*self.kind.inputs, *masks)
        self.host: Any = build_host(settings.architecture) if host is None else host

    def forward(self, **inputs: Tensor) -> "dict[str, Tensor] | ClassifierOutput":
        """The features of a batch, as `embed` gives them; of a classifier its logits (B, C)."""
        features = self.embed(**inputs)
        if not self.kind.classifies:
            return features
        return ClassifierOutput(self.host.classifier(features[self.kind.input]), {})

    def embed(self, **inputs: Tensor) -> dict[str, Tensor]:
        """What the library's processor makes of images, audio or video → the feature (B, D).

        Video is (B, 3, T, H, W); `video_mask` (B, T) is False where shorter videos are padded. Of audio and
        video together there is one feature more, `both`.
        """
        if self.kind.input == "both":
            return _audio_and_video(self.host, **inputs)
        if self.kind.input == "video":
            encoded = _encode_video(self.host.video_encoder, inputs["video"], inputs.get("video_mask"))
            host: Any = self.host
            return {"video": host.video_head(encoded)}
        name = self.kind.input
        feature: Tensor = _FEATURES[self.kind.feature](self.host, inputs[name])
        return {name: feature}

    def embed_frames(self, **inputs: Tensor) -> Tensor:
        """The features of the frames of a batch (B, T, D), of a kind that has such."""
        assert self.kind.has_frames, f"{self.kind.title} has no frames"
        frames: Tensor = self.host.get_audio_embeds(inputs[self.kind.input])
        return frames


def _pooled(host: Any, values: Tensor) -> Tensor:
    found: Tensor = host(values).pooler_output
    return found


def _pooled_of_ast(host: Any, values: Tensor) -> Tensor:
    return _pooled(host.audio_spectrogram_transformer, values)


def _image_embeds(host: Any, values: Tensor) -> Tensor:
    found: Tensor = host(pixel_values=values).image_embeds
    return found


def _clap(host: Any, values: Tensor) -> Tensor:
    """No window is longer than what CLAP takes at once."""
    longer = torch.zeros(len(values), 1, dtype=torch.bool, device=values.device)
    found: Tensor = host(input_features=values, is_longer=longer).audio_embeds
    return found


def _mean_state(host: Any, values: Tensor) -> Tensor:
    found: Tensor = host(values).last_hidden_state.mean(dim=1)
    return found


def _audio_head(host: Any, values: Tensor) -> Tensor:
    found: Tensor = host.get_audio_embeds(values)
    return found


def _mean_of_frames(host: Any, values: Tensor) -> Tensor:
    found: Tensor = host.get_audio_embeds(values).mean(dim=1)
    return found


def _encode_video(encoder: Any, video: Tensor, mask: Tensor | None) -> Tensor:
    found: Tensor = encoder(video.transpose(1, 2).contiguous(), padding_mask_videos=mask).pooler_output
    return found


def _audio_and_video(
    host: Any, audio: Tensor | None = None, video: Tensor | None = None, video_mask: Tensor | None = None
) -> dict[str, Tensor]:
    """Features of what is given of the two, and of both together."""
    heads = {"audio": host.audio_model.audio_head, "video": host.video_model.video_head}
    encoders = host.audio_video_encoder.embedder
    if video is None:
        assert audio is not None, "audio or video is given"
        return {"audio": heads["audio"](encoders.audio_encoder(audio).pooler_output)}
    if audio is None:
        return {"video": heads["video"](_encode_video(encoders.video_encoder, video, video_mask))}
    frames = video.transpose(1, 2).contiguous()
    found = host.audio_video_encoder(audio, frames, padding_mask_videos=video_mask)
    return {
        "audio": heads["audio"](found.audio_model_output.pooler_output),
        "video": heads["video"](found.video_model_output.pooler_output),
        FUSED: host.audio_video_head(found.pooler_output),
    }


_FEATURES: Mapping[str, Callable[[Any, Tensor], Tensor]] = {
    "pooler_output": _pooled,
    "pooler_output of AST": _pooled_of_ast,
    "image_embeds": _image_embeds,
    "audio_embeds": _clap,
    "mean of last_hidden_state": _mean_state,
    "get_audio_embeds": _audio_head,
    "mean of get_audio_embeds": _mean_of_frames,
}


def kind_of_part(architecture: Mapping[str, Any]) -> Kind:
    """The kind of an encoder's own configuration.

    Raises:
        BadInputError: it is none that is known here.
    """
    kind = kind_of(architecture, PARTS)
    if kind is None:
        message = f"`{architecture.get('model_type')}` of transformers is no encoder that is known here"
        raise BadInputError(message, f"known are {', '.join(sorted(KINDS))}")
    return kind


def build_host(architecture: Mapping[str, Any]) -> Any:
    """The network of a configuration, with random weights.

    Raises:
        BadInputError: transformers cannot build it.
        MissingError: transformers is not installed.
    """
    kind = kind_of_part(architecture)
    cls = class_of(kind.part_class)
    try:
        with quiet_transformers():
            host = cls._from_config(cls.config_class.from_dict(_lists(architecture)), dtype=torch.float32)
        return _without(host, kind.unread)
    except (ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        message = f"transformers cannot build a `{architecture['model_type']}` ({one_line(error)})"
        raise BadInputError(message, "give the config.json of a model") from error


def load_encoder(folder: Path, kind: Kind) -> TransformersEncoder:
    """The encoder of a folder that transformers saved, with its weights.

    Raises:
        BadInputError: the folder's weights cannot be read.
        MissingError: transformers is not installed.
    """
    try:
        with quiet_transformers():
            whole = class_of(kind.loaded_class).from_pretrained(
                str(folder.absolute()), local_files_only=True, use_safetensors=True, dtype=torch.float32
            )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        message = f"transformers cannot load `{folder}` ({one_line(error)})"
        raise BadInputError(message, "give a folder with config.json and model.safetensors") from error
    host = _without(whole.get_submodule(kind.part) if kind.part else whole, kind.unread)
    settings = TransformersSettings(part_architecture(host.config))
    return TransformersEncoder(settings, host)


def _without(host: Any, parts: Sequence[str]) -> Any:
    """A network without some of its parts."""
    for part in parts:
        place, _, name = part.rpartition(".")
        delattr(host.get_submodule(place), name)
    return host


def encoder_architecture(folder: Path, kind: Kind) -> dict[str, Any]:
    """The configuration of a folder's encoder, without reading its weights.

    Raises:
        BadInputError: the configuration cannot be read.
    """
    cls = class_of(kind.loaded_class if kind.part_config else kind.part_class)
    try:
        with quiet_transformers():
            config = cls.config_class.from_pretrained(str(folder.absolute()), local_files_only=True)
        found = part_architecture(getattr(config, kind.part_config) if kind.part_config else config)
        return {**found, "text_config": _short_texts(found)} if kind.unread else found
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"the configuration of `{folder}` cannot be read ({one_line(error)})"
        raise BadInputError(message, "get its config.json again") from error


def _short_texts(architecture: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration of a text tower that is removed: its width alone decides what remains."""
    return {**NO_TEXTS, "hidden_size": architecture.get("text_config", {}).get("hidden_size", 1024)}


def describe_inputs(processors: Sequence[Path], kind: Kind) -> dict[str, dict[str, Any]]:
    """The inputs of an encoder, as `preprocess.json` has them: by their names."""
    return {name: _describe_input(processors, kind, name) for name in kind.inputs}


def _describe_input(processors: Sequence[Path], kind: Kind, name: str) -> dict[str, Any]:
    """A window of audio or video, or one image a second."""
    if name == "image":
        return {"processor": "transformers", "seconds": 1.0}
    values: dict[str, Any] = {}
    part = "video_processor" if name == "video" else "feature_extractor"
    for file in processors[1:]:
        found = json.loads(file.read_text(encoding="utf-8"))
        if part in found or (name == "video") == (file.name == VIDEO_PROCESSOR):
            values |= found.get(part, found)
    if name == "video":
        sampled = int(values.get("num_frames") or 0) if values.get("do_sample_frames") else 0
        return {"processor": "transformers", "seconds": kind.seconds, "num_frames": sampled}
    rate = int(values.get("sampling_rate", 16000))
    frames = int(values.get("max_length") or 0) if kind.title == "AST" else 0
    samples = values.get("nb_max_samples") or values.get("n_samples") or frames * rate // _FRAMES_A_SECOND
    num_samples = int(samples or round(kind.seconds * rate))
    return {"processor": "transformers", "sample_rate": rate, "num_samples": num_samples}


def describe_outputs(architecture: Mapping[str, Any], kind: Kind) -> dict[str, Any]:
    """The classes of a classifier, as `preprocess.json` has them; empty for an encoder alone.

    Where the configuration is silent on whether classes exclude each other, AudioSet's do not.
    """
    if not kind.classifies:
        return {}
    names = {int(number): str(name) for number, name in architecture.get("id2label", {}).items()}
    labels = [names[number] for number in sorted(names)]
    single = architecture.get("problem_type") == "single_label_classification"
    several = architecture.get("problem_type") == "multi_label_classification"
    task = "multi-label" if several or (not single and len(labels) == _AUDIOSET) else "single-label"
    return {"task": task, "labels": labels, "sizes": [len(labels)], "rolls": 1}


def part_architecture(config: Any) -> dict[str, Any]:
    """A configuration without what concerns files; with its class where that decides what it computes."""
    values = config.to_dict()
    deciding = [name for name in values.get("architectures") or [] if name in PARTS]
    kept = {key: value for key, value in values.items() if key not in _OF_FILES}
    return {**kept, "architectures": deciding} if deciding else kept


def class_of(name: str) -> Any:
    """A class of transformers; its modules are imported on the CPU, as some make tensors on import."""
    try:
        with torch.device("cpu"):
            import transformers
            from transformers.models.whisper import modeling_whisper

            found = getattr(transformers, name, None) or getattr(modeling_whisper, name, None)
    except ImportError as error:
        raise MissingError("this encoder needs transformers", "pip install 'avtool[hub]'") from error
    if found is None:
        message = f"transformers {transformers.__version__} has no {name}"
        raise MissingError(message, "pip install -U 'avtool[hub]'")
    return found


def _lists(value: Any) -> Any:
    """Tuples as the lists that `config.json` has."""
    if isinstance(value, Mapping):
        return {key: _lists(item) for key, item in value.items()}
    return [_lists(item) for item in value] if isinstance(value, tuple | list) else value
