"""Detectors and segmenters of the zoo as registered networks: one call for outputs and the library's loss."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.models.checkpoint_files import read_tensors
from avtool.models.published.report import unwrap, without_prefix
from avtool.models.zoo.catalogue import find_row, need_builder
from avtool.models.zoo.layers import layers_of
from avtool.models.zoo.networks import build
from avtool.models.zoo.row import Row

IGNORED_PIXEL = 255
"""The class of pixels that no loss counts."""
_UNMASKED = {"Yolos", "RTDetr", "Segformer", "UperNet"}  # take no mask of what is padding
_PIXELWISE = {"Segformer", "UperNet"}
_BACKBONES = ("model.backbone", "backbone", "segformer", "model.pixel_level_module.encoder")
_HOST = "host."
_AUXILIARY = 0.4  # weight of SETR's auxiliary losses, as in its published configurations


@dataclass(frozen=True)
class DenseRowSettings:
    """The settings of a detector or segmenter.

    Attributes:
        row: its name or key in the catalogue.
        num_classes: of objects or pixels.
        side: that images are scaled to; 0 for the row's own.
        options: keyword arguments of the library's builder, over those of the row.
    """

    row: str = "detr-r50"
    num_classes: int = 91
    side: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)


class DenseRow(nn.Module):
    """A row for detection or segmentation, with the loss that its library has.

    Args:
        settings: of the network.

    Raises:
        BadInputError: the row does not exist, has no builder, or classifies images.
        MissingError: its library is absent.
    """

    inputs = ("image",)

    def __init__(self, settings: DenseRowSettings) -> None:
        super().__init__()
        self.settings = settings
        self.row = check_dense(need_builder(find_row(settings.row)))
        options = _lists(dict(settings.options))
        self.host = build_dense(self.row, settings.num_classes, settings.side or None, options)

    def forward(
        self, image: Tensor, image_mask: Tensor | None = None, labels: Mapping[str, Any] | None = None
    ) -> Any:
        """The library's outputs; with labels they have its `loss`.

        Args:
            image: (B, 3, H, W), scaled and normalised by the row's image processor.
            image_mask: (B, H, W), 1 where a pixel is one of the image, 0 where it is padding.
            labels: keyword arguments of the library: `labels`, or `mask_labels` and `class_labels`.
        """
        return forward(self.host, self.row, image, image_mask, labels)

    def backbone(self) -> nn.Module | None:
        """The part that is an encoder of images, where the network has one apart."""
        names = {name for name, _ in self.host.named_modules()}
        return next((self.host.get_submodule(name) for name in _BACKBONES if name in names), None)

    def parameter_layers(self) -> Sequence[Sequence[nn.Module | nn.Parameter]]:
        """The layers of the backbone, for layer-wise decay of the learning rate; all else has the full rate.

        Raises:
            BadInputError: there is no backbone apart, or its blocks have no numbers.
        """
        backbone = self.backbone()
        return layers_of(self.host if backbone is None else backbone, self.row.name)


def check_dense(row: Row) -> Row:
    """The row itself.

    Raises:
        BadInputError: it classifies images.
    """
    if row.task == "classification":
        message = f"`{row.name}` classifies images: it gives no boxes or masks"
        raise BadInputError(message, "avtool zoo list --built --task detection, or segmentation")
    return row


def gives_classes(row: Row) -> bool:
    """Whether a row classifies pixels: no boxes, and no masks of single objects."""
    return row.task == "segmentation" and "instance" not in row.name


def takes_masks(row: Row) -> bool:
    """Whether a segmenter learns a mask a class or an object, and not a class a pixel."""
    return row.task == "segmentation" and row.library != "avtool" and _head(row) not in _PIXELWISE


def build_dense(
    row: Row, num_classes: int | None, side: int | None, options: Mapping[str, Any] | None
) -> nn.Module:
    """The whole network of a row, with random weights.

    Args:
        row: for detection or segmentation.
        num_classes: None for what it was published with.
        side: of its images; only rows of avtool are built for one.
        options: keyword arguments of the library's builder.
    """
    size = (side, side) if side is not None and row.library == "avtool" else None
    return build(row, num_classes=num_classes, image_size=size, options=dict(options or {}))


def forward(
    network: nn.Module,
    row: Row,
    image: Tensor,
    image_mask: Tensor | None = None,
    labels: Mapping[str, Any] | None = None,
) -> Any:
    """The outputs of a row's network on images (B, 3, H, W); see `DenseRow.forward`."""
    if row.library == "avtool":
        return _own_outputs(network, image, labels)
    given = {"pixel_values": image, **(labels or {})}
    if _head(row) not in _UNMASKED and image_mask is not None:
        given["pixel_mask"] = image_mask
    return network(**given)


def _own_outputs(network: Any, image: Tensor, labels: Mapping[str, Any] | None) -> SimpleNamespace:
    """Logits of a segmenter of avtool, and cross-entropy of pixels; in training of auxiliary heads too."""
    auxiliary: Sequence[Tensor] = ()
    if labels is not None and network.training and hasattr(network, "forward_all"):
        logits, *auxiliary = network.forward_all(image)
    else:
        logits = network(image)
    found = SimpleNamespace(logits=logits)
    if labels is not None:
        loss = _pixel_loss(logits, labels["labels"])
        found.loss = sum((_AUXILIARY * _pixel_loss(one, labels["labels"]) for one in auxiliary), loss)
    return found


def _pixel_loss(logits: Tensor, wanted: Tensor) -> Tensor:
    full = functional.interpolate(logits, wanted.shape[-2:], mode="bilinear", align_corners=False)
    return functional.cross_entropy(full, wanted, ignore_index=IGNORED_PIXEL)


def start_dense(network: DenseRow, file: Path, reporter: Reporter) -> None:
    """Loads initial weights; tensors of another shape, as those of other classes are, stay random.

    Args:
        network: changed in place.
        file: of weights of the whole network, under the library's names.
        reporter: gets the tensors that stay as they were.

    Raises:
        BadInputError: most of the network is not there.
    """
    wanted = network.host.state_dict()
    state = without_prefix(without_host(unwrap(read_tensors(file))), wanted)
    fits = {name: state[name] for name in wanted if name in state and state[name].shape == wanted[name].shape}
    if len(fits) < 0.5 * len(wanted):
        message = f"`{file}` has {len(fits)} of the {len(wanted)} tensors of `{network.row.name}`"
        raise BadInputError(message, "start from weights of the same row and options")
    network.host.load_state_dict({**wanted, **fits})
    left = [name for name in wanted if name not in fits]
    more = f"; {len(left)} tensors stay random: {', '.join(left[:4])}" if left else ""
    reporter.info(f"started from `{file}`{more}")


def without_host(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors under the library's names, whether they were saved by a `DenseRow` or not."""
    return {name.removeprefix(_HOST): value for name, value in state.items()}


def _lists(value: Any) -> Any:
    """Settings with lists for tuples, as transformers checks them."""
    if isinstance(value, Mapping):
        return {key: _lists(item) for key, item in value.items()}
    return [_lists(item) for item in value] if isinstance(value, tuple) else value


def _head(row: Row) -> str:
    return row.target.rpartition("For")[0]
