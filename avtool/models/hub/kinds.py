"""The models of transformers that serve as encoders: their classes, inputs and features."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Kind:
    """A kind of encoder.

    Attributes:
        title: for people.
        input: of the network; "both" for audio and video.
        loaded_class: of transformers, which reads the published folder.
        part_class: of the encoder alone.
        feature: which of its outputs is the feature.
        part: the encoder within what is loaded; empty for all of it.
        seconds: of an audio window.
        part_config: the encoder's configuration within that of what is loaded; empty for the same one.
        unread: parts of the network that its features do not read, and that are removed: towers of text, and
            encoders that it has twice.
        classifies: whether it has a head of its own, so that it is a classifier too.
        has_frames: whether it has a feature every few milliseconds, of which its own is the mean.
    """

    title: str
    input: Literal["image", "audio", "video", "both"]
    loaded_class: str
    part_class: str
    feature: str
    part: str = ""
    seconds: float = 0.0
    part_config: str = ""
    unread: tuple[str, ...] = ()
    classifies: bool = False
    has_frames: bool = False

    @property
    def inputs(self) -> tuple[str, ...]:
        """The modalities of the network."""
        return ("audio", "video") if self.input == "both" else (self.input,)


def _image(title: str, name: str, feature: str = "pooler_output") -> Kind:
    return Kind(title, "image", name, name, feature)


_PE_FRAME = "PeAudioFrameLevelModel"
_AST = "audio-spectrogram-transformer"
_AST_CLASSIFIER = "ASTForAudioClassification"
_CLAP = Kind(
    "CLAP", "audio", "ClapAudioModelWithProjection", "ClapAudioModelWithProjection", "audio_embeds", "", 10.0
)
_CLIP = _image("CLIP", "CLIPVisionModelWithProjection", "image_embeds")
_SIGLIP = _image("SigLIP", "SiglipVisionModel")
_WHISPER = Kind(
    "Whisper's encoder",
    "audio",
    "WhisperModel",
    "WhisperEncoder",
    "mean of last_hidden_state",
    "encoder",
    30.0,
)
_SHARED = {
    _AST: Kind("AST", "audio", "ASTModel", "ASTModel", "pooler_output", "", 10.24),
    _AST_CLASSIFIER: Kind(
        "AST", "audio", _AST_CLASSIFIER, _AST_CLASSIFIER, "pooler_output of AST", "", 10.24, classifies=True
    ),
    "whisper": _WHISPER,
    "dinov2": _image("DINOv2", "Dinov2Model"),
    "dinov2_with_registers": _image("DINOv2 with registers", "Dinov2WithRegistersModel"),
    "dinov3_vit": _image("DINOv3", "DINOv3ViTModel"),
    "pe_audio": Kind("PE-A", "audio", "PeAudioModel", "PeAudioModel", "get_audio_embeds", "", 10.0),
    _PE_FRAME: Kind(
        "PE-A-Frame", "audio", _PE_FRAME, _PE_FRAME, "mean of get_audio_embeds", "", 10.0, has_frames=True
    ),
    "pe_video": Kind(
        "PE-V", "video", "PeVideoModel", "PeVideoModel", "video_head", "", 10.0, unread=("text_model",)
    ),
    "pe_audio_video": Kind(
        "PE-AV",
        "both",
        "PeAudioVideoModel",
        "PeAudioVideoModel",
        "get_audio_video_embeds",
        "",
        10.0,
        unread=(
            "text_model",
            "audio_model.text_model",
            "audio_model.audio_encoder",
            "video_model.text_model",
            "video_model.video_encoder",
        ),
    ),
}
KINDS: Mapping[str, Kind] = {
    **_SHARED, "clap": _CLAP, "clip": _CLIP, "siglip": _SIGLIP
}  # fmt: skip
"""`model_type` of a published folder, or its class where that alone decides → its kind."""

PARTS: Mapping[str, Kind] = {
    **_SHARED, "clap_audio_model": _CLAP, "clip_vision_model": _CLIP, "siglip_vision_model": _SIGLIP
}  # fmt: skip
"""`model_type` of the encoder's own configuration → its kind."""

NO_TEXTS: Mapping[str, Any] = {
    "model_type": "modernbert", "vocab_size": 8, "num_hidden_layers": 1, "intermediate_size": 8,
    "num_attention_heads": 1, "pad_token_id": 0, "bos_token_id": 0, "eos_token_id": 0, "cls_token_id": 0,
    "sep_token_id": 0,
}  # fmt: skip
"""The configuration of a text tower that is removed; its width, that of the features, is to be added."""


def kind_of(config: Mapping[str, Any], known: Mapping[str, Kind] = KINDS) -> Kind | None:
    """The kind of a configuration, by its class or else by its `model_type`."""
    names = [*(config.get("architectures") or []), config.get("model_type", "")]
    return next((known[name] for name in names if name in known), None)
