"""Images in folders `train/CLASS` and `val/CLASS`, as ImageNet is laid out."""

from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.core.manifest_columns import checked_table
from avtool.data.manifest import Clip, Manifest, make_table
from avtool.data.split_names import split_name
from avtool.media.still_images import is_image


def read_image_splits(folder: Path) -> Manifest:
    """Reads `train/CLASS/…` beside `val`, `validation` or `test`, whose images are the split `test`.

    Raises:
        BadInputError: a part is missing or empty, or has a class that `train` has not.
    """
    if not folder.is_dir():
        raise BadInputError(f"there is no folder `{folder}`", "give the folder above `train` and `val`")
    parts = {split_name(path.name): path for path in sorted(folder.iterdir()) if path.is_dir()}
    held_out = parts.get("val") or parts.get("test")
    if "train" not in parts or held_out is None:
        found = ", ".join(sorted(path.name for path in parts.values())) or "no folders"
        message = f"`{folder}` has no `train` and `val` ({found})"
        raise BadInputError(message, "lay images out as train/CLASS/image.jpg")
    train, test = _images(parts["train"], "train"), _images(held_out, "test")
    if foreign := {clip.labels for clip in test} - {clip.labels for clip in train}:
        message = f"`{held_out}` has the class `{min(foreign)[0]}`, which `train` has not"
        raise BadInputError(message, "compare the folders")
    return Manifest(checked_table(make_table([*train, *test]), str(folder)), folder, str(folder))


def _images(folder: Path, split: str) -> list[Clip]:
    names = sorted(
        path.relative_to(folder).as_posix()
        for place in sorted(folder.iterdir())
        if place.is_dir()
        for path in place.rglob("*")
        if is_image(path) and not path.name.startswith(".")
    )
    if not names:
        message = f"`{folder}` has no images in folders of classes"
        raise BadInputError(message, "lay them out as CLASS/image.jpg")
    return [
        Clip(
            f"{folder.name}/{name}",
            str((folder / name).absolute()),
            0.0,
            1.0,
            split=split,
            labels=(name.split("/")[0],),
        )
        for name in names
    ]
