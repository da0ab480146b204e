"""The codec of spectra: its sizes."""

from typing import TYPE_CHECKING, Any, ClassVar

from avtool.models.family import Family, Follows, Size, Sizes
from avtool.models.registry import register

if TYPE_CHECKING:
    from torch import nn


@register
class CodecFamily(Family):
    """An autoencoder of single spectra."""

    title = "Spectral codec"
    paper = "C: Spectra against a critic. 2026"
    inputs = ("audio",)
    sizes: ClassVar[Sizes] = {"spectral_codec_tiny": Size("For tests.")}
    follows: ClassVar[Follows] = {"num_mel_bins": "num_mel_bins"}

    def settings_type(self) -> type[Any]:
        from avtool_plugin.codec_game.networks import CodecSettings

        return CodecSettings

    def build(self, settings: Any) -> "nn.Module":
        from avtool_plugin.codec_game.networks import Codec

        return Codec(settings)
