"""Detection and segmentation by rows of the zoo: images in, boxes and masks out, by the library's steps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from avtool.core.errors import BadInputError, MissingError
from avtool.core.requirements import require
from avtool.models.checkpoint_files import read_tensors
from avtool.models.hub_access import hub_access
from avtool.models.published.report import unwrap, without_prefix
from avtool.models.zoo.dense_network import build_dense, check_dense, forward, gives_classes, without_host
from avtool.models.zoo.latency import is_out_of_memory
from avtool.models.zoo.row import Row

_PROCESSORS: Mapping[str, str] = {
    "Detr": "DetrImageProcessor", "ConditionalDetr": "ConditionalDetrImageProcessor",
    "DabDetr": "ConditionalDetrImageProcessor", "DeformableDetr": "DeformableDetrImageProcessor",
    "Yolos": "YolosImageProcessor", "RTDetr": "RTDetrImageProcessor", "Segformer": "SegformerImageProcessor",
    "UperNet": "SegformerImageProcessor", "MaskFormer": "MaskFormerImageProcessor",
    "Mask2Former": "Mask2FormerImageProcessor",
}  # fmt: skip
"""The class of transformers that scales images for a network, and turns its outputs into boxes or masks."""
HUB: Mapping[str, str] = {
    "detr-r50": "facebook/detr-resnet-50", "detr-dc5-r50": "facebook/detr-resnet-50-dc5",
    "detr-r101": "facebook/detr-resnet-101", "detr-dc5-r101": "facebook/detr-resnet-101-dc5",
    "conditional-detr-r50": "microsoft/conditional-detr-resnet-50",
    "deformable-detr-r50": "SenseTime/deformable-detr",
    "dab-detr-r50": "IDEA-Research/dab-detr-resnet-50",
    "yolos-ti": "hustvl/yolos-tiny", "yolos-s": "hustvl/yolos-small", "yolos-b": "hustvl/yolos-base",
    "rt-detr-r50": "PekingU/rtdetr_r50vd",
    **{f"segformer-b{n}": f"nvidia/segformer-b{n}-finetuned-ade-512-512" for n in range(5)},
    "segformer-b5": "nvidia/segformer-b5-finetuned-ade-640-640",
    "maskformer-swin-t-ade20k": "facebook/maskformer-swin-tiny-ade",
    "upernet-swin-t-ade20k": "openmmlab/upernet-swin-tiny",
    "mask2former-swin-t-coco-instance": "facebook/mask2former-swin-tiny-coco-instance",
}  # fmt: skip
"""Where weights of whole detectors and segmenters are published."""
_LONGEST = 1333 / 800  # of DETR's sides


@dataclass(frozen=True)
class Box:
    """An object: its class, its score from 0 to 1, and its corners in pixels of the image."""

    label: str
    score: float
    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True)
class Segment:
    """The pixels of a class or an object.

    Attributes:
        label: its class.
        mask: (height, width) of the image.
        score: from 0 to 1; None where each pixel is classified.
    """

    label: str
    mask: NDArray[np.bool_] = field(repr=False)
    score: float | None = None


@dataclass(frozen=True)
class Found:
    """What was found in an image."""

    boxes: Sequence[Box] = ()
    segments: Sequence[Segment] = ()


class DensePredictor:
    """A row for detection or segmentation, over images of any size.

    Args:
        row: with a builder, for detection or segmentation.
        weights: file of weights; None for random or published ones.
        pretrained: take the published weights.
        side: shorter side (detection) or side that images are scaled to; None for the row's own.
        options: keyword arguments of the library's builder, over those of the row.
        classes: their names; empty for those of the weights.
        device: where it runs.
        network: of the row, built and on its device, such as one in training; None builds it.

    Attributes:
        row: of the catalogue.
        names: of the classes, in the network's order.

    Raises:
        BadInputError: the row classifies, does not take the size, or the weights are of another network.
        MissingError: the library is absent, or the hub cannot be reached.
    """

    def __init__(
        self,
        row: Row,
        *,
        weights: Path | None = None,
        pretrained: bool = False,
        side: int | None = None,
        options: Mapping[str, Any] | None = None,
        classes: Sequence[str] = (),
        device: torch.device | None = None,
        network: nn.Module | None = None,
    ) -> None:
        check_dense(row)
        self.row = row
        self.device = device or torch.device("cpu")
        if network is None:
            made = _published(row) if pretrained else build_dense(row, len(classes) or None, side, options)
            if weights is not None:
                _load(made, row, weights)
            network = made.eval().to(self.device)
        self.network: Any = network
        self.processor = processor_of(row, side)
        self.names = list(classes) or _names_of(network)

    @property
    def gives_classes(self) -> bool:
        """Whether it classifies pixels: no boxes, and no masks of single objects."""
        return gives_classes(self.row)

    def label(self, number: int) -> str:
        """The name of a class."""
        return self.names[number] if number < len(self.names) else str(number)

    def predict(self, images: Sequence[NDArray[np.uint8]], threshold: float = 0.5) -> list[Found]:
        """Finds objects in images, (height, width, 3) RGB, or classes of their pixels.

        Args:
            images: of any sizes.
            threshold: smallest score of an object, from 0 to 1.

        Raises:
            BadInputError: the network does not take their size, or they do not fit into memory.
        """
        batch = scale(self.processor, images)
        inputs = {name: batch[name].to(self.device) for name in batch if isinstance(batch[name], Tensor)}
        height, width = inputs["pixel_values"].shape[-2:]
        try:
            with torch.inference_mode():
                outputs = forward(self.network, self.row, inputs["pixel_values"], inputs.get("pixel_mask"))
        except (RuntimeError, ValueError) as error:
            if is_out_of_memory(error):
                raise BadInputError("out of memory", "lower --batch or --image-size") from error
            reason = " ".join(str(error).split())[:120]
            message = f"`{self.row.name}` does not take images of {height}x{width} ({reason})"
            raise BadInputError(message, f"its own size is {self.row.image_size}") from error
        sizes = [image.shape[:2] for image in images]
        if self.row.task == "detection":
            found = self.processor.post_process_object_detection(outputs, threshold, target_sizes=sizes)
            return [Found(boxes=self._boxes(one)) for one in found]
        if not self.gives_classes:
            found = self.processor.post_process_instance_segmentation(
                outputs, threshold=threshold, target_sizes=sizes, return_binary_maps=True
            )
            return [Found(segments=self._instances(one)) for one in found]
        found = self.processor.post_process_semantic_segmentation(outputs, target_sizes=sizes)
        return [Found(segments=self._classes(one)) for one in found]

    def _boxes(self, found: Mapping[str, Tensor]) -> list[Box]:
        rows = zip(found["labels"].tolist(), found["scores"].tolist(), found["boxes"].tolist(), strict=True)
        return [Box(self.label(label), score, *corners) for label, score, corners in rows]

    def _classes(self, classes: Tensor) -> list[Segment]:
        values = classes.cpu().numpy()
        return [Segment(self.label(int(one)), values == one) for one in np.unique(values)]

    def _instances(self, found: Mapping[str, Any]) -> list[Segment]:
        """Objects, whose masks may overlap: those of high scores are not painted over by others."""
        return [
            Segment(self.label(one["label_id"]), mask.cpu().numpy() > 0, float(one["score"]))
            for one, mask in zip(found["segments_info"], found["segmentation"], strict=False)
        ]


def processor_of(row: Row, side: int | None, longest: int | None = None) -> Any:
    """The library's scaling of images, for a row's own size or another.

    Args:
        row: for detection or segmentation.
        side: shorter side, or side of the square, in pixels; None for the row's own.
        longest: longest side, where it is no square; None for 5/3 of `side`.

    Raises:
        BadInputError: the library has none for the row.
    """
    library = require("transformers", "hub")
    if row.library == "avtool":
        edge = side or (row.size[0] if row.size else 512)
        values = [0.5] * 3 if row.target == "segmenter" else None
        own = {"image_mean": values, "image_std": values} if values else {}
        return library.SegformerImageProcessor(size={"height": edge, "width": edge}, **own)
    head = row.target.rpartition("For")[0]
    if head not in _PROCESSORS:
        raise BadInputError(f"`{row.name}` has no post-processing here", f"its builder is {row.builder}")
    cls = getattr(library, _PROCESSORS[head])
    if side is None:
        return cls()
    if head in {"RTDetr", "Segformer", "UperNet"}:
        return cls(size={"height": side, "width": side})
    return cls(size={"shortest_edge": side, "longest_edge": longest or round(side * _LONGEST)})


def scale(processor: Any, images: Sequence[NDArray[np.uint8]]) -> Any:
    """A batch of images (height, width, 3), as an image processor of the library scales and pads them.

    Raises:
        BadInputError: a side of an image would have no pixel.
    """
    sizes = [(image.shape[0], image.shape[1]) for image in images]
    thinnest = min(sizes, key=lambda size: min(size) / max(size))
    message = f"an image of {thinnest[0]}x{thinnest[1]} (height x width) has no pixels when it is scaled"
    error = BadInputError(message, "crop it, or raise --image-size")
    if min(scaled_size(processor, thinnest)) < 1:
        raise error
    pixels = [np.array(image) for image in images]
    try:
        return processor(images=pixels, return_tensors="pt", input_data_format="channels_last")
    except ValueError as problem:  # of a side that is rounded down to none
        if "Size must contain" not in str(problem):
            raise
        raise error from problem


def scaled_size(processor: Any, size: tuple[int, int]) -> tuple[int, int]:
    """Height and width of an image of a size, as an image processor scales it."""
    wanted, step = processor.size, getattr(processor, "size_divisor", None) or 1
    shortest, longest = getattr(wanted, "shortest_edge", None), getattr(wanted, "longest_edge", None)
    if shortest is None:
        return wanted.height, wanted.width
    scale = shortest / min(size)
    if longest is not None:
        scale = min(scale, longest / max(size))
    height, width = (-(-round(side * scale) // step) * step for side in size)
    return height, width


def _names_of(network: nn.Module) -> list[str]:
    config = getattr(network, "config", None)
    names = getattr(config, "id2label", None) or {}
    return [str(names[number]) for number in sorted(names)]


def _published(row: Row) -> nn.Module:
    """The whole network with the weights that its hub has.

    Raises:
        MissingError: none are known, or the hub cannot be reached.
    """
    if row.key not in HUB:
        message = f"no hub is known that has weights of `{row.name}` as a whole"
        raise MissingError(message, "give them as a file: --weights FILE")
    library = require("transformers", "hub")
    try:
        with hub_access():
            network: nn.Module = getattr(library, row.target).from_pretrained(HUB[row.key])
    except OSError as error:
        message = (
            f"the weights of `{row.name}` cannot be downloaded (`{HUB[row.key]}`: {type(error).__name__})"
        )
        raise MissingError(message, "give them as a file: --weights FILE") from error
    return network


def _load(network: nn.Module, row: Row, file: Path) -> None:
    """Loads a whole network's tensors by name.

    Raises:
        BadInputError: the file is absent, or of another network.
    """
    if not file.is_file():
        raise BadInputError(f"the weights `{file}` do not exist", "give a file of weights")
    wanted = network.state_dict()
    state = without_prefix(without_host(unwrap(read_tensors(file))), wanted)
    missing = [name for name in wanted if name not in state and not name.endswith("num_batches_tracked")]
    if missing:
        message = (
            f"`{file}` lacks {len(missing)} of the {len(wanted)} tensors of `{row.name}`: `{missing[0]}`"
        )
        raise BadInputError(message, "give weights of the same network, and its classes by --classes")
    wrong = next((name for name in wanted if name in state and state[name].shape != wanted[name].shape), None)
    if wrong:
        shapes = ["x".join(map(str, one[wrong].shape)) for one in (state, wanted)]
        message = f"`{wrong}` is {shapes[0]} in `{file}` and {shapes[1]} in `{row.name}`"
        raise BadInputError(message, "give weights of the same network, and its classes by --classes")
    network.load_state_dict({name: state.get(name, tensor) for name, tensor in wanted.items()})
