"""Annotated images to learn from: where they lie, their classes, and their objects, checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from avtool.core.artifact import Input, settings_hash
from avtool.core.errors import BadInputError
from avtool.core.files import sha256_of
from avtool.data.clip_filter import Skipped
from avtool.evaluation.dense_checks import check_annotations
from avtool.evaluation.dense_prediction import BACKGROUND, CocoAnnotations
from avtool.tasks.dense_prediction.recipe import AnnotatedImagesRecipe

_LAYOUTS = (
    ("annotations.json", ""),
    ("train.json", "val.json"),
    ("annotations/instances_train*.json", "annotations/instances_val*.json"),
    ("train/_annotations.coco.json", "valid/_annotations.coco.json"),
)
"""Annotations of training and validation in a folder."""


@dataclass(frozen=True)
class AnnotatedImages:
    """The images of a file of annotations.

    Attributes:
        file: COCO-style annotations of instances.
        folder: of the images; None to look beside the file.
        masks: folder of PNGs; None for the masks of the annotations.
    """

    file: Path
    folder: Path | None = None
    masks: Path | None = None

    @cached_property
    def annotations(self) -> CocoAnnotations:
        """What is annotated.

        Raises:
            BadInputError: images are missing, or an annotation is wrong.
            MissingError: pycocotools is absent.
        """
        found = CocoAnnotations(self.file, self.folder, self.masks)
        check_annotations(self.file, found)
        return found

    @cached_property
    def objects(self) -> Mapping[int, Sequence[Mapping[str, Any]]]:
        """Annotations to learn from by image: groups, and boxes without an area in it, are skipped."""
        api = self.annotations.api
        return {
            number: [one for one in api.imgToAnns[number] if not _reason(one, api.imgs[number])]
            for number, _ in self.annotations.images
        }

    @property
    def skipped(self) -> list[Skipped]:
        """Annotations that are skipped, each with its reason."""
        name = {number: str(path) for number, path in self.annotations.images}
        api = self.annotations.api
        return [
            Skipped(f"annotation {one['id']}", name[one["image_id"]], reason)
            for one in api.anns.values()
            if (reason := _reason(one, api.imgs[one["image_id"]]))
        ]

    @property
    def inputs(self) -> list[Input]:
        """The annotations by content, the images and masks by name and size."""
        sizes = [[path.name, path.stat().st_size] for _, path in self.annotations.images]
        masks = (
            sorted([path.name, path.stat().st_size] for path in self.masks.glob("*.png"))
            if self.masks
            else []
        )
        kept = Input(str(self.annotations.images[0][1].parent), "images", settings_hash([sizes, masks]))
        return [Input(str(self.file), "annotations", sha256_of(self.file)), kept]

    def names(self, *, pixels: bool, background: bool) -> list[str]:
        """The classes of a network that learns from them, in its order.

        Args:
            pixels: whether it classifies pixels.
            background: whether those without an annotation are a class, the first one.
        """
        names = [self.annotations.categories[number] for number in sorted(self.annotations.categories)]
        return [BACKGROUND, *names] if pixels and background and BACKGROUND not in names else names


def find_annotated(
    source: Path, recipe: AnnotatedImagesRecipe
) -> tuple[AnnotatedImages, AnnotatedImages | None]:
    """The images of training, and those of validation.

    Args:
        source: a file of annotations, or a folder with some.
        recipe: names other places.

    Raises:
        BadInputError: there are none.
    """
    if source.is_file():
        train, val = source, None
    else:
        pairs = [[_first(source, pattern) for pattern in layout] for layout in _LAYOUTS]
        chosen = next((pair for pair in pairs if pair[0] is not None), None)
        if chosen is None or chosen[0] is None:
            message = f"`{source}` has no annotations" if source.is_dir() else f"`{source}` does not exist"
            raise BadInputError(message, "give COCO's JSON of instances, or a folder with annotations.json")
        train, val = chosen[0], chosen[1]
    held_out = recipe.val or val
    if held_out is None:
        return AnnotatedImages(train, recipe.images, recipe.masks), None
    return (
        AnnotatedImages(train, recipe.images, recipe.masks),
        AnnotatedImages(held_out, recipe.val_images or recipe.images, recipe.val_masks or recipe.masks),
    )


def _first(folder: Path, pattern: str) -> Path | None:
    return min(folder.glob(pattern), default=None) if pattern else None


def _reason(one: Mapping[str, Any], image: Mapping[str, Any]) -> str:
    """Why an annotation is skipped; empty where it is learned from."""
    if one.get("iscrowd"):
        return "a group (iscrowd)"
    left, top, width, height = one["bbox"]
    inside = (
        min(left + width, image["width"]) - max(left, 0),
        min(top + height, image["height"]) - max(top, 0),
    )
    return "" if min(inside) > 0 else f"a box without an area in its image: {one['bbox']}"
