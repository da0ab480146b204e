"""CNN, VGG and the modulation VGG: sizes and facts."""

from typing import TYPE_CHECKING, Any, ClassVar

from avtool.models.family import Family, Follows, Size, Sizes
from avtool.models.registry import register

if TYPE_CHECKING:
    from torch import nn


@register
class CNNFamily(Family):
    """A small residual network over spectrograms of any length."""

    title = "CNN"
    paper = "after He et al.: Deep Residual Learning for Image Recognition. CVPR 2016"
    inputs = ("audio",)
    sizes: ClassVar[Sizes] = {
        "cnn": Size("Four residual stages, for datasets of hundreds to thousands of clips."),
        "cnn_tiny": Size("Two stages: for tests.", {"widths": (8, 16), "num_classes": 10}),
    }
    follows: ClassVar[Follows] = {"num_classes": "num_classes"}

    def settings_type(self) -> type[Any]:
        from avtool.models.convolutional.cnn import CNNSettings

        return CNNSettings

    def build(self, settings: Any) -> "nn.Module":
        from avtool.models.convolutional.cnn import CNN

        return CNN(settings)


@register
class VGGFamily(Family):
    """Plain convolutions that keep every frame and band in the first stage."""

    title = "VGG"
    paper = "after Kong et al.: PANNs: Large-Scale Pretrained Audio Neural Networks. TASLP 2020"
    inputs = ("audio",)
    sizes: ClassVar[Sizes] = {
        "vgg": Size("Four stages: a quarter of the parameters of `cnn`, and twice its work."),
        "vgg_tiny": Size(
            "Two stages: for tests.", {"widths": (4, 8), "pointwise_stages": 1, "num_classes": 10}
        ),
    }
    follows: ClassVar[Follows] = {"num_classes": "num_classes"}

    def settings_type(self) -> type[Any]:
        from avtool.models.convolutional.vgg import VGGSettings

        return VGGSettings

    def build(self, settings: Any) -> "nn.Module":
        from avtool.models.convolutional.vgg import VGG

        return VGG(settings)


@register
class ModulationVGGFamily(Family):
    """A VGG of a fine spectrogram beside one of its modulation spectrum."""

    title = "Modulation VGG"
    paper = (
        "after Dau, Kollmeier, Kohlrausch: Modeling auditory processing of amplitude modulation. JASA 1997"
    )
    inputs = ("audio",)
    sizes: ClassVar[Sizes] = {
        "vgg_modulation": Size("`vgg` and a narrower one of modulations."),
        "vgg_modulation_tiny": Size(
            "Two stages each: for tests.",
            {
                "num_classes": 10, "widths": (4, 8), "pointwise_stages": 1, "bands": 4, "window": 32,
                "rates": (1, 17), "modulation_widths": (4, 8),
            },
        ),
    }  # fmt: skip
    follows: ClassVar[Follows] = {"num_classes": "num_classes"}

    def settings_type(self) -> type[Any]:
        from avtool.models.convolutional.vgg_modulation import ModulationVGGSettings

        return ModulationVGGSettings

    def build(self, settings: Any) -> "nn.Module":
        from avtool.models.convolutional.vgg_modulation import ModulationVGG

        return ModulationVGG(settings)
