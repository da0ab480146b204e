"""MINOTAUR: sizes and facts."""

from typing import TYPE_CHECKING, Any, ClassVar

from avtool.models.family import Family, Follows, Size, Sizes
from avtool.models.registry import register

if TYPE_CHECKING:
    from torch import nn

    from avtool.models.published.report import LoadReport, State

_LIGHT = {"encoder_depth": 3, "decoder_depth": 3}


@register
class MinotaurFamily(Family):
    """Grounding of image, text, label and audio queries in films."""

    title = "MINOTAUR"
    paper = (
        "Goyal et al.: MINOTAUR: Multi-task Video Grounding From Multimodal Queries. arXiv 2302.08063, 2023"
    )
    inputs = ("visual", "audio", "query")
    sizes: ClassVar[Sizes] = {
        "minotaur_base": Size(
            "The published size over ResNet-101 and RoBERTa features: width 256, 6 + 6 layers."
        ),
        "minotaur_small": Size("Width 256, 3 + 3 layers.", _LIGHT),
        "minotaur_tiny": Size(
            "Width 64, 2 + 2 layers over narrow features of video and audio: for tests and short films.",
            {
                "visual_dim": 32, "grid": (2, 2), "audio_dim": 16, "dim": 64, "heads": 4, "mlp_dim": 128,
                "query_dims": {"image": 32, "text": 24, "label": 24, "audio": 16},
                "encoder_depth": 2, "decoder_depth": 2,
            },
        ),
    }  # fmt: skip
    follows: ClassVar[Follows] = {}
    layouts = ("TubeDETR or MDETR (their transformer and heads)",)

    def settings_type(self) -> type[Any]:
        from avtool.models.minotaur.settings import MinotaurSettings

        return MinotaurSettings

    def build(self, settings: Any) -> "nn.Module":
        from avtool.models.minotaur.minotaur import Minotaur

        return Minotaur(settings)

    def load_weights(self, model: Any, state: "State", *, interpolate: bool = False) -> "LoadReport":
        from avtool.models.minotaur.published import is_published, load_published

        if is_published(state):
            return load_published(model, state)
        return super().load_weights(model, state, interpolate=interpolate)
