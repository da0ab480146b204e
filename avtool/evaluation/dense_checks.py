"""Checks of COCO-style annotations before they are learned from or scored on."""

import contextlib
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avtool.core.errors import BadInputError
from avtool.evaluation.dense_prediction import CocoAnnotations
from avtool.media.still_images import read_image

_EDGE = 1.0  # pixels that a box may leave its image by rounding
_BOX = "bbox is [left, top, width, height] in pixels"
_MASK = "segmentation is polygons [[x, y, x, y, ...]] in pixels, or run lengths {size, counts}"
_MOST = 1e9  # pixels


def check_annotations(file: Path, found: CocoAnnotations) -> None:
    """Refuses annotations that cannot be learned from, or would give a wrong score.

    A missing `area` becomes that of the box, a missing `iscrowd` 0; an annotation 0 gets a free number, for
    COCO's evaluation takes 0 for none.

    Args:
        file: of the annotations, for messages.
        found: what it holds.

    Raises:
        BadInputError: an image is missing or has no size, an id is no number or not its own, a category has
            the name of another, or an annotation is wrong.
    """
    content: Mapping[str, Any] = found.api.dataset
    for kind, one_of in (("images", "image"), ("categories", "category"), ("annotations", "annotation")):
        _check_ids(file, one_of, [one["id"] for one in content.get(kind, ())])
    names = list(found.categories.values())
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise BadInputError(f"`{file}` has two categories `{twice}`", "give each a name of its own")
    missing = [path for _, path in found.images if not path.is_file()]
    if missing:
        message = f"{len(missing)} of {len(found.images)} images of `{file}` are missing: `{missing[0]}`"
        raise BadInputError(message, "put them back, or give their folder by --images")
    for image in found.api.imgs.values():
        if not all(_is_whole(image.get(side)) and image[side] > 0 for side in ("width", "height")):
            raise BadInputError(f"`{file}`: image {image['id']} has no width and height", "add them")
    for one in found.api.anns.values():
        _check_object(f"`{file}`: annotation {one['id']}", found, one)
    if 0 in found.api.anns:
        found.api.anns[0]["id"] = max(found.api.anns) + 1
        _index(found)


def without_empty_boxes(found: CocoAnnotations) -> int:
    """Takes out the annotations whose box has no area, as no box can meet them; how many these are."""
    annotations = found.api.dataset.get("annotations", [])
    kept = [one for one in annotations if min(one["bbox"][2:]) > 0]
    if len(kept) < len(annotations):
        found.api.dataset["annotations"] = kept
        _index(found)
    return len(annotations) - len(kept)


def read_annotated(found: CocoAnnotations, number: int, path: Path) -> NDArray[np.uint8]:
    """The pixels (height, width, 3) of an annotated image.

    Raises:
        BadInputError: it cannot be read, or is of another size than its annotations.
    """
    image, declared = read_image(path), found.api.imgs[number]
    if image.shape[:2] != (declared["height"], declared["width"]):
        sizes = [f"{one[0]}x{one[1]}" for one in (image.shape, (declared["height"], declared["width"]))]
        message = f"`{path}` has {sizes[0]} pixels, and its annotations {sizes[1]}"
        raise BadInputError(message, "correct height and width, or the image's orientation")
    return image


def _index(found: CocoAnnotations) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        found.api.createIndex()


def _check_ids(file: Path, kind: str, ids: Sequence[object]) -> None:
    seen: set[object] = set()
    for one in ids:
        if not _is_whole(one):
            raise BadInputError(f"`{file}`: the {kind} id {one!r:.40} is no whole number", "number them")
        if one in seen:
            raise BadInputError(f"`{file}` has two of the {kind} id {one}", "give each an id of its own")
        seen.add(one)


def _check_object(where: str, found: CocoAnnotations, one: dict[str, Any]) -> None:
    image = found.api.imgs.get(one["image_id"])
    if image is None:
        raise BadInputError(f"{where} is of no listed image ({one['image_id']!r:.40})", "correct image_id")
    if one["category_id"] not in found.categories:
        message = f"{where} is of no listed category ({one['category_id']!r:.40})"
        raise BadInputError(message, f"categories are {_some(found.categories)}")
    box = one.get("bbox")
    if not isinstance(box, list) or len(box) != 4 or not all(map(_is_number, box)):
        raise BadInputError(f"{where} has no box", _BOX)
    left, top, width, height = box
    if min(width, height) < 0:
        raise BadInputError(f"{where}: the box {box} has a negative size", _BOX)
    inside = left >= -_EDGE and top >= -_EDGE
    if not (inside and left + width <= image["width"] + _EDGE and top + height <= image["height"] + _EDGE):
        message = f"{where}: the box {box} leaves its image of {image['width']}x{image['height']}"
        raise BadInputError(message, _BOX)
    area = one.setdefault("area", width * height)
    if not _is_number(area) or area < 0:
        raise BadInputError(f"{where}: the area {area!r:.40} is none", "area is a number of pixels")
    if one.setdefault("iscrowd", 0) not in (0, 1):
        raise BadInputError(f"{where}: iscrowd is {one['iscrowd']!r:.40}", "iscrowd is 0 or 1")
    if (wrong := _wrong_mask(one.get("segmentation") or [], image["height"], image["width"])) is not None:
        raise BadInputError(f"{where}: the segmentation {wrong}", _MASK)


def _wrong_mask(value: object, height: int, width: int) -> str | None:
    """What is wrong with a segmentation; None where nothing is.

    pycocotools raises bare exceptions for some of these, and ends the process for others.
    """
    if isinstance(value, list):
        return next(filter(None, (_wrong_polygon(one, height, width) for one in value)), None)
    if not isinstance(value, dict):
        return f"is {value!r:.40}"
    size, counts = value.get("size"), value.get("counts")
    if size != [height, width]:
        return f"is of size {size!r:.40}, its image of {[height, width]}"
    if isinstance(counts, str) and counts.isascii():
        return None
    if not isinstance(counts, list) or not all(_is_whole(one) and one >= 0 for one in counts):
        return "has no run lengths"
    return "has more run lengths than pixels" if sum(counts) > height * width else None


def _wrong_polygon(value: object, height: int, width: int) -> str | None:
    if not isinstance(value, list):
        return f"has {value!r:.40} in the place of a polygon"
    try:
        points = np.asarray(value)
    except ValueError:  # lists of several lengths
        return "has a polygon of lists"
    if points.ndim != 1 or points.dtype.kind not in "iuf":
        return "has a polygon of something else than numbers"
    if len(points) < 4 or len(points) % 2:
        return f"has a polygon of {len(points)} numbers"
    limit = np.resize([width, height], len(points))
    if not np.all((points >= -limit) & (points <= 2 * limit)):  # false for NaN too
        return (
            f"has a polygon that is far outside its image of {width}x{height}, or has a number that is none"
        )
    return None


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53


def _is_number(value: object) -> bool:
    """Whether it is a number that can be one of pixels: no truth value, and not infinite."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= _MOST and not math.isnan(value)


def _some(categories: Mapping[int, str]) -> str:
    return ", ".join(f"{number} {name}" for number, name in list(categories.items())[:5])
