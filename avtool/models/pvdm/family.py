"""PVDM's autoencoder and U-Net: sizes and facts."""

from typing import TYPE_CHECKING, Any, ClassVar

from avtool.models.family import Family, Follows, Size, Sizes
from avtool.models.registry import register

if TYPE_CHECKING:
    from torch import nn

    from avtool.models.published.report import LoadReport, State

_PAPER = "Yu, Sohn, Kim, Shin: Video Probabilistic Diffusion Models in Projected Latent Space. CVPR 2023"
_TINY_UNET = {
    "frames": 8, "rows": 8, "columns": 8, "channels": 32, "multipliers": (1, 2), "blocks": 1, "heads": 4,
}  # fmt: skip


@register
class VideoAutoencoderFamily(Family):
    """Clips as three planes of latents."""

    title = "PVDM autoencoder"
    paper = _PAPER
    inputs = ("video",)
    sizes: ClassVar[Sizes] = {
        "pvdm_autoencoder": Size("The published size: 16 frames of 256 x 256 as latents of 4 x 2048."),
        "pvdm_autoencoder_tiny": Size(
            "Two blocks of width 48 over 8 frames of 64 x 64: for CPUs and tests.",
            {
                "frames": 8, "height": 64, "width": 64, "dim": 48, "depth": 2, "heads": 4, "head_dim": 16,
                "projector_depth": 1,
            },
        ),
    }  # fmt: skip
    follows: ClassVar[Follows] = {}
    layouts = ("the original project",)

    def settings_type(self) -> type[Any]:
        from avtool.models.pvdm.autoencoder import VideoAutoencoderSettings

        return VideoAutoencoderSettings

    def build(self, settings: Any) -> "nn.Module":
        from avtool.models.pvdm.autoencoder import VideoAutoencoder

        return VideoAutoencoder(settings)

    def load_weights(
        self,
        model: Any,
        state: "State",
        *,
        interpolate: bool = False,  # noqa: ARG002 - its positions are rotations, or one an axis
    ) -> "LoadReport":
        from avtool.models.pvdm.weights import load_autoencoder

        return load_autoencoder(model, state)


@register
class PlaneUNetFamily(Family):
    """The noise in three planes of latents."""

    title = "PVDM U-Net"
    paper = _PAPER
    inputs = ("latents",)
    sizes: ClassVar[Sizes] = {
        "pvdm_unet_l": Size("The published large size, over latents of 4 x 2048."),
        "pvdm_unet_s": Size("The published small size, over latents of 4 x 2048.", {"channels": 128}),
        "pvdm_unet_tiny": Size(
            "Two levels of 32 and 64 channels, over latents of 4 x 192: for CPUs and tests.", _TINY_UNET
        ),
    }
    follows: ClassVar[Follows] = {}
    layouts = ("the original project",)

    def settings_type(self) -> type[Any]:
        from avtool.models.pvdm.unet import PlaneUNetSettings

        return PlaneUNetSettings

    def build(self, settings: Any) -> "nn.Module":
        from avtool.models.pvdm.unet import PlaneUNet

        return PlaneUNet(settings)

    def load_weights(
        self,
        model: Any,
        state: "State",
        *,
        interpolate: bool = False,  # noqa: ARG002 - it has no positions
    ) -> "LoadReport":
        from avtool.models.pvdm.weights import load_unet

        return load_unet(model, state)
