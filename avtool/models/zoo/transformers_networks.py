"""Networks of transformers that rows of the zoo name by class, configuration and backbone."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from avtool.core.errors import BadInputError
from avtool.core.registry import nearest_hint
from avtool.core.requirements import require
from avtool.models.zoo.row import Row

LABELS: Mapping[str, int] = {
    "PvtForImageClassification": 1000,
    "CvtForImageClassification": 1000,
    "ImageGPTForImageClassification": 1000,
    "RTDetrForObjectDetection": 80,
    "Mask2FormerForUniversalSegmentation": 80,
    "MaskFormerForInstanceSegmentation": 150,
    "SegformerForSemanticSegmentation": 150,
    "UperNetForSemanticSegmentation": 150,
}
"""Classes that a network was published with: ImageNet's, COCO's things, ADE20K's."""
_COCO_IDS = 91  # of the other detectors: COCO's ids have gaps
_CONVOLUTIONAL_DETRS = ("Detr", "ConditionalDetr", "DabDetr", "DeformableDetr")
_OF_BACKBONES = (
    "backbone", "use_timm_backbone", "use_pretrained_backbone", "backbone_kwargs", "num_channels", "dilation",
    "num_labels",
)  # fmt: skip
_STAGES = ("stage1", "stage2", "stage3", "stage4")
_SWIN: Mapping[str, dict[str, Any]] = {
    "swin-t": {"embed_dim": 96, "depths": [2, 2, 6, 2], "num_heads": [3, 6, 12, 24], "window_size": 7},
    "swin-s": {"embed_dim": 96, "depths": [2, 2, 18, 2], "num_heads": [3, 6, 12, 24], "window_size": 7},
    "swin-b": {"embed_dim": 128, "depths": [2, 2, 18, 2], "num_heads": [4, 8, 16, 32], "window_size": 12},
    "swin-l": {"embed_dim": 192, "depths": [2, 2, 18, 2], "num_heads": [6, 12, 24, 48], "window_size": 12},
}
_AUXILIARY_STAGE = 2  # of the four, whose maps UPerNet's auxiliary head reads


def build_class(
    row: Row, num_classes: int | None, in_channels: int, size: tuple[int, int] | None, options: dict[str, Any]
) -> nn.Module:
    """The network of a row, with random weights; attention is fused where the library has that.

    Args:
        row: whose builder names a class of transformers.
        num_classes: labels; None for what it was published with.
        in_channels: of images.
        size: another image size than the row's; None for that.
        options: of the configuration, over those of the row.

    Raises:
        BadInputError: the row's backbone is none of those that are known here.
    """
    with torch.device("cpu"):
        library = require("transformers", "hub")
        cls = getattr(library, row.target)
    given = dict(row.argument) if isinstance(row.argument, dict) else {}
    if isinstance(row.argument, str) and row.argument:
        given = _backbone(row, row.argument, in_channels)
    if in_channels != 3 and "backbone_config" not in given:
        given["num_channels"] = in_channels
    if "Yolos" not in row.target and size is not None:  # YOLOS interpolates its positions
        given |= _size_of(cls.config_class, size)
    if row.target != "ViTMAEForPreTraining":
        given["num_labels"] = given.get("num_labels") or LABELS.get(row.target, _COCO_IDS)
        if num_classes is not None:
            given["num_labels"] = num_classes
    _check_options(row, cls.config_class, options)
    config = cls.config_class(**given | options)
    if in_channels != 3 and hasattr(getattr(config, "backbone_config", None), "num_channels"):
        config.backbone_config.num_channels = in_channels
    return cls._from_config(config, dtype=torch.float32)  # type: ignore[no-any-return]


def _check_options(row: Row, config_class: Any, options: Mapping[str, Any]) -> None:
    """Refuses options that a configuration would keep without a use for them.

    Raises:
        BadInputError: there is one.
    """
    known = {*config_class().to_dict(), *config_class.attribute_map, *_OF_BACKBONES}
    if unknown := sorted(options.keys() - known):
        message = f"{config_class.__name__} of `{row.name}` has no option `{unknown[0]}`"
        raise BadInputError(message, nearest_hint(unknown[0], sorted(known), f"avtool zoo show {row.key}"))


def _size_of(config_class: Any, size: tuple[int, int]) -> dict[str, Any]:
    """The image size as a configuration has it, where it has one: a side, for squares alone."""
    if "image_size" not in getattr(config_class(), "__dict__", {}):
        return {}
    if size[0] != size[1]:
        raise BadInputError(f"{config_class.__name__} takes squares alone", "give one side")
    return {"image_size": size[0]}


def _backbone(row: Row, word: str, in_channels: int) -> dict[str, Any]:
    """The configuration of a backbone's word: `resnet50`, `resnet50-dc5`, `swin-t`.

    Raises:
        BadInputError: there is no such backbone.
    """
    name, _, dilation = word.partition("-dc5") if word.startswith("resnet") else (word, "", "")
    head = row.target.partition("For")[0]
    if head in _CONVOLUTIONAL_DETRS and word.startswith("resnet"):
        return {
            "backbone": name, "use_timm_backbone": True, "dilation": word.endswith("-dc5"),
            "num_channels": in_channels,
        }  # fmt: skip
    if name in _SWIN:
        kind = "swin"
        window = {"window_size": 7} if head == "UperNet" else {}
        config = {
            **_SWIN[name],
            **window,
            "model_type": kind,
            "out_features": list(_STAGES),
            "num_channels": in_channels,
        }
        widths = [config["embed_dim"] * 2**stage for stage in range(4)]
        auxiliary = {"auxiliary_in_channels": widths[_AUXILIARY_STAGE]} if head == "UperNet" else {}
        return {"backbone_config": config, **auxiliary}
    if name == "resnet50" and not dilation:
        config = {"model_type": "resnet", "out_features": list(_STAGES), "num_channels": in_channels}
        return {"backbone_config": config}
    raise BadInputError(
        f"`{row.name}`: no backbone is called `{word}`", f"known are {', '.join(_SWIN)}, resnet50"
    )
