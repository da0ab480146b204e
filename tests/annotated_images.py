"""Four images of a coloured box on noise each, with COCO-style annotations."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SIDE = 64
BOXES = ((6, 8, 30, 28), (30, 4, 60, 40), (10, 34, 34, 60), (24, 22, 44, 56))  # left, top, right, bottom
COLOURS = ((230, 40, 40), (40, 200, 60), (40, 60, 230), (220, 210, 40))
NAMES = ("red", "green", "blue", "yellow")
IDS = (3, 7, 20, 90)
"""Of the categories: with gaps, as COCO's have them."""


def write_annotated(folder: Path, *, val: bool = False, masks: bool = False) -> Path:
    """Writes `train.json` (and an equal `val.json`), `images`, and `masks` as PNGs; the folder."""
    rng = np.random.default_rng(0)
    (folder / "images").mkdir(parents=True)
    (folder / "masks").mkdir()
    for number, (left, top, right, bottom) in enumerate(BOXES):
        image = rng.integers(0, 60, (SIDE, SIDE, 3), np.uint8)
        image[top:bottom, left:right] = COLOURS[number]
        Image.fromarray(image).save(folder / f"images/{number}.png")
        if masks:
            values = np.zeros((SIDE, SIDE), np.uint8)
            values[top:bottom, left:right] = IDS[number]
            Image.fromarray(values).save(folder / f"masks/{number}.png")
    for split in ("train", *(["val"] if val else [])):
        (folder / f"{split}.json").write_text(json.dumps(annotations()))
    return folder


def annotations() -> dict[str, Any]:
    """Of the four images."""
    return {
        "images": [
            {"id": 10 + number, "file_name": f"{number}.png", "width": SIDE, "height": SIDE}
            for number in range(4)
        ],
        "categories": [{"id": number, "name": name} for number, name in zip(IDS, NAMES, strict=True)],
        "annotations": [
            {
                "id": 1 + number, "image_id": 10 + number, "category_id": IDS[number], "iscrowd": 0,
                "bbox": [left, top, right - left, bottom - top],
                "area": (right - left) * (bottom - top),
                "segmentation": [[left, top, right, top, right, bottom, left, bottom]],
            }
            for number, (left, top, right, bottom) in enumerate(BOXES)
        ],
    }  # fmt: skip
