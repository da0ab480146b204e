"""BandNet: its sizes, and its published weights."""

from typing import TYPE_CHECKING, Any, ClassVar

from avtool.models.family import Family, Follows, Size, Sizes
from avtool.models.registry import register

if TYPE_CHECKING:
    from torch import nn

    from avtool.models.published.report import LoadReport, State


@register
class BandNetFamily(Family):
    """Two linear layers over the mean spectrum."""

    title = "BandNet"
    paper = "A and B: Bands are enough. 2026"
    inputs = ("audio",)
    sizes: ClassVar[Sizes] = {"bandnet_tiny": Size("For tests.")}
    follows: ClassVar[Follows] = {"num_classes": "num_classes", "num_mel_bins": "num_mel_bins"}
    layouts = ("the authors' repository: `fc1`, `fc2`",)

    def settings_type(self) -> type[Any]:
        from avtool_plugin.bandnet.network import BandNetSettings

        return BandNetSettings

    def build(self, settings: Any) -> "nn.Module":
        from avtool_plugin.bandnet.network import BandNet

        return BandNet(settings)

    def load_weights(self, model: "nn.Module", state: "State", *, interpolate: bool = False) -> "LoadReport":
        published = {"fc1": "body", "fc2": "head"}
        renamed = {}
        for name, tensor in state.items():
            layer, dot, rest = name.partition(".")
            renamed[published.get(layer, layer) + dot + rest] = tensor
        return super().load_weights(model, renamed, interpolate=interpolate)
