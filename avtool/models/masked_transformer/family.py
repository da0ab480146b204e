"""The masked transformer: sizes and facts."""

from typing import TYPE_CHECKING, Any, ClassVar

from avtool.models.family import Family, Follows, Size, Sizes
from avtool.models.registry import register

if TYPE_CHECKING:
    from torch import nn

    from avtool.models.published.report import LoadReport, State

_PUBLISHED = {
    "streams": (("appearance", 2048), ("motion", 1024)),
    "dim": 1024,
    "mlp_dim": 2048,
    "parity": True,
}
_ACTIVITYNET = (1, 2, 3, 4, 5, 7, 9, 11, 15, 21, 29, 41, 57, 71, 111, 161, 211, 251)
_YOUCOOK2 = (1, 3, 5, 7, 9, 11, 15, 21, 27, 33, 41, 49, 57, 71, 111, 161)
_TINY = {
    "dim": 64, "mlp_dim": 128, "heads": 4, "window": 60, "words": 50,
    "anchors": (1, 2, 3, 4, 5, 7, 9, 11, 15, 21, 29),
}  # fmt: skip


@register
class MaskedTransformerFamily(Family):
    """Proposals and their captions, trained together."""

    title = "Masked Transformer"
    paper = (
        "Zhou, Zhou, Corso, Socher, Xiong: End-to-End Dense Video Captioning with Masked Transformer. "
        "CVPR 2018"
    )
    inputs = ("streams",)
    sizes: ClassVar[Sizes] = {
        "masked_transformer": Size("Any streams of features, windows of 480 steps, width 512."),
        "masked_transformer_activitynet": Size(
            "As published for ActivityNet Captions: 6338 anchors of 1 to 251 steps of 0.5 s, width 1024.",
            {**_PUBLISHED, "anchors": _ACTIVITYNET},
        ),
        "masked_transformer_youcook2": Size(
            "As published for YouCook2: 6171 anchors of 1 to 161 steps.",
            {**_PUBLISHED, "anchors": _YOUCOOK2},
        ),
        "masked_transformer_published_tiny": Size(
            "The published network, width 64, windows of 60 steps: for tests.", {**_PUBLISHED, **_TINY}
        ),
        "masked_transformer_tiny": Size(
            "Width 64, windows of 60 steps: for tests.", {**_TINY, "streams": (("audio", 32),)}
        ),
    }
    follows: ClassVar[Follows] = {}
    layouts = ("the public code (salesforce/densecap), for the published sizes",)

    def settings_type(self) -> type[Any]:
        from avtool.models.masked_transformer.masked_transformer import MaskedTransformerSettings

        return MaskedTransformerSettings

    def build(self, settings: Any) -> "nn.Module":
        from avtool.models.masked_transformer.masked_transformer import MaskedTransformer

        return MaskedTransformer(settings)

    def load_weights(
        self,
        model: Any,
        state: "State",
        *,
        interpolate: bool = False,  # noqa: ARG002 - positions are computed
    ) -> "LoadReport":
        from avtool.models.masked_transformer.weights import load_masked_transformer

        return load_masked_transformer(model, state)
