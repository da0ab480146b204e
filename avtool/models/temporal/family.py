"""AVT and the classifier over its encoders: sizes and facts."""

from typing import TYPE_CHECKING, Any, ClassVar

from avtool.models.family import Family, Follows, Size, Sizes
from avtool.models.registry import register

if TYPE_CHECKING:
    from torch import nn

    from avtool.models.published.report import LoadReport, State

_TINY = {"video_arch": "tiny", "audio_arch": "tiny"}


class _Encoders(Family):
    """What a pair of encoders and the classifier over them share."""

    paper = (
        "Jenni, Black, Collomosse: Audio-Visual Contrastive Learning with Temporal Self-Supervision. "
        "AAAI 2023"
    )
    inputs = ("video", "audio")
    layouts = ("torchvision's r3d_18, mc3_18 and r2plus1d_18 (video)", "torchvision's resnet18 (audio)")

    def load_weights(self, model: Any, state: "State", *, interpolate: bool = False) -> "LoadReport":
        from avtool.models.temporal.torchvision_names import is_torchvision, load_torchvision

        if is_torchvision(state):
            return load_torchvision(model, state)
        return super().load_weights(model, state, interpolate=interpolate)


@register
class AVTFamily(_Encoders):
    """A video and an audio encoder that learn from each other and from the passing of time."""

    title = "AVT"
    sizes: ClassVar[Sizes] = {
        "avt_base": Size(
            "R(2+1)D-18 over 16 frames of 112 x 112, and ResNet-18 over one second of 128 mel bins."
        ),
        "avt_tiny": Size(
            "Three convolutions each, over 8 frames of 32 x 32: for tests.",
            {**_TINY, "hidden_dim": 32, "projection_dim": 16},
        ),
    }
    follows: ClassVar[Follows] = {"audio_frames": "audio_frames", "num_mel_bins": "num_mel_bins"}

    def settings_type(self) -> type[Any]:
        from avtool.models.temporal.avt import AVTSettings

        return AVTSettings

    def build(self, settings: Any) -> "nn.Module":
        from avtool.models.temporal.avt import AVT

        return AVT(settings)

    def classifier_of(self, name: str) -> str:
        return name.replace("avt_", "avt_classifier_")


@register
class AVTClassifierFamily(_Encoders):
    """A linear layer over each of AVT's encoders."""

    title = "AVT classifier"
    sizes: ClassVar[Sizes] = {
        "avt_classifier_base": Size("R(2+1)D-18 and ResNet-18."),
        "avt_classifier_tiny": Size("Three convolutions each: for tests.", {**_TINY, "num_classes": 10}),
    }
    follows: ClassVar[Follows] = {"num_classes": "num_classes", **AVTFamily.follows}

    def settings_type(self) -> type[Any]:
        from avtool.models.temporal.avt_classifier import AVTClassifierSettings

        return AVTClassifierSettings

    def build(self, settings: Any) -> "nn.Module":
        from avtool.models.temporal.avt_classifier import AVTClassifier

        return AVTClassifier(settings)
