"""The zoo as a family: rows as `zoo:NAME` and `zoo-audio:NAME`, and as a whole as `zoo-dense:NAME`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from avtool.models.family import Family, Follows, Size, Sizes
from avtool.models.registry import MODELS, Model, register
from avtool.models.source import Foreign
from avtool.models.zoo.catalogue import find_row, need_builder

if TYPE_CHECKING:
    from torch import nn

    from avtool.models.source import Source

PREFIX, AUDIO_PREFIX, DENSE_PREFIX = "zoo", "zoo-audio", "zoo-dense"
_PAPER = "Liu, Zhang, Wang et al.: A Survey of Visual Transformers. TNNLS 2023; each row's own paper"
_TINY = {"embed_dim": 32, "depth": 2, "num_heads": 2}


@register
class ZooFamily(Family):
    """Any row of the zoo, over images."""

    title = "zoo"
    paper = _PAPER
    inputs = ("image",)
    sizes: ClassVar[Sizes] = {
        "zoo": Size("A row of the catalogue (`zoo:NAME`); by default DeiT-Ti."),
        "zoo_tiny": Size("A DeiT of two blocks: for tests.", {"image_size": 32, "options": _TINY}),
    }
    follows: ClassVar[Follows] = {"num_classes": "num_classes", "image_size": "image_size"}
    layouts = ("the row's library (`zoo:NAME`)", "a file (`zoo:NAME=FILE`)")

    def settings_type(self) -> type[Any]:
        from avtool.models.zoo.network import ZooSettings

        return ZooSettings

    def build(self, settings: Any) -> "nn.Module":
        from avtool.models.zoo.network import ZooNetwork

        return ZooNetwork(settings)

    def classifier_of(self, name: str) -> str | None:
        return name

    def adopt(self, source: "Source") -> Foreign | None:
        prefix, mark, rest = source.text.partition(":")
        if prefix != PREFIX or not mark:
            return None
        name, _, file = rest.partition("=")
        return adopt_row(name, Path(file) if file else None)


@register
class ZooAudioFamily(Family):
    """Any row of the zoo, over spectrograms as images of one channel."""

    title = "zoo, spectrograms"
    paper = _PAPER
    inputs = ("audio",)
    sizes: ClassVar[Sizes] = {
        "zoo_audio": Size("A row of the catalogue (`zoo-audio:NAME`); by default DeiT-Ti."),
        "zoo_audio_tiny": Size("A DeiT of two blocks: for tests.", {"side": 32, "options": _TINY}),
    }
    follows: ClassVar[Follows] = {"num_classes": "num_classes"}

    def settings_type(self) -> type[Any]:
        from avtool.models.zoo.network import ZooAudioSettings

        return ZooAudioSettings

    def build(self, settings: Any) -> "nn.Module":
        from avtool.models.zoo.network import ZooAudioNetwork

        return ZooAudioNetwork(settings)


class ZooDenseFamily(Family):
    """Any row for detection or segmentation as a whole, over images: trained, run and scored, no encoder."""

    title = "zoo, detectors and segmenters"
    paper = _PAPER
    inputs = ("image",)
    sizes: ClassVar[Sizes] = {}  # none of its own: `zoo-dense:NAME`
    follows: ClassVar[Follows] = {}

    def settings_type(self) -> type[Any]:
        from avtool.models.zoo.dense_network import DenseRowSettings

        return DenseRowSettings

    def build(self, settings: Any) -> "nn.Module":
        from avtool.models.zoo.dense_network import DenseRow

        return DenseRow(settings)


_DENSE = ZooDenseFamily()


def adopt_row(name: str, file: Path | None) -> Foreign:
    """Published weights of a row as an encoder of images.

    Args:
        name: the row's name or key.
        file: weights; None for the row's own, of its library's hub.

    Raises:
        BadInputError: the row does not exist or has no builder, or the file is absent or of another network.
        MissingError: the hub cannot be reached, or nobody is known to publish weights.
    """
    from avtool.models.zoo.published_weights import check_source, describe_encoder, load_published

    row = need_builder(find_row(name))
    check_source(row, file)
    arguments, preprocess = describe_encoder(row)
    return Foreign(
        PREFIX,
        lambda: load_published(row, file),
        arguments,
        preprocess,
        f"{row.name} of the zoo, without its last layer.",
        [file] if file else [],
    )


def _model(family: Family, name: str, key: str, size: str) -> Model:
    row = need_builder(find_row(name))
    side = {size: row.size[0]} if row.size else {}
    return Model(f"{key}:{row.key}", family, f"{row.name}, {row.library}.", {"row": row.key, **side})


MODELS.add_prefix(PREFIX, lambda name: _model(MODELS.find("zoo").family, name, PREFIX, "image_size"))
MODELS.add_prefix(
    AUDIO_PREFIX, lambda name: _model(MODELS.find("zoo_audio").family, name, AUDIO_PREFIX, "side")
)


def _dense_model(name: str) -> Model:
    row = need_builder(find_row(name))
    return Model(
        f"{DENSE_PREFIX}:{row.key}", _DENSE, f"{row.name}, {row.library}, as a whole.", {"row": row.key}
    )


MODELS.add_prefix(DENSE_PREFIX, _dense_model)
