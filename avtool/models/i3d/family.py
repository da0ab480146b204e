"""I3D: sizes and facts."""

from typing import TYPE_CHECKING, Any, ClassVar

from avtool.models.family import Family, Follows, Size, Sizes
from avtool.models.registry import register

if TYPE_CHECKING:
    from torch import nn

    from avtool.models.published.report import LoadReport, State


@register
class I3DFamily(Family):
    """Three-dimensional convolutions over frames."""

    title = "I3D"
    paper = (
        "Carreira, Zisserman: Quo Vadis, Action Recognition? A New Model and the Kinetics Dataset. CVPR 2017"
    )
    inputs = ("video",)
    sizes: ClassVar[Sizes] = {
        "i3d": Size("The published size, for 400 actions of Kinetics: 224 x 224 pixels, any length."),
        "i3d_tiny": Size("An eighth of the channels: for tests.", {"narrowing": 8, "num_classes": 10}),
    }
    follows: ClassVar[Follows] = {"num_classes": "num_classes"}
    layouts = ("the JAX port of the original project",)

    def settings_type(self) -> type[Any]:
        from avtool.models.i3d.i3d import I3DSettings

        return I3DSettings

    def build(self, settings: Any) -> "nn.Module":
        from avtool.models.i3d.i3d import I3D

        return I3D(settings)

    def load_weights(
        self,
        model: Any,
        state: "State",
        *,
        interpolate: bool = False,  # noqa: ARG002 - it has no positions
    ) -> "LoadReport":
        from avtool.models.i3d.weights import load_i3d

        return load_i3d(model, state)
