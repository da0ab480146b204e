"""A folder of still images as a dataset: a clip an image."""

from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.core.manifest_columns import checked_table
from avtool.data.manifest import Clip, Manifest, make_table
from avtool.media.still_images import is_image


def is_image_folder(folder: Path) -> bool:
    """Whether there are images in a folder, or in folders in it."""
    return folder.is_dir() and any(is_image(path) for path in folder.rglob("*"))


def image_folder(folder: Path) -> Manifest:
    """The images of a folder, sorted by name.

    An image's label is the folder that it lies in, if that is not `folder` itself.

    Raises:
        BadInputError: there are none.
    """
    paths = sorted(
        path for path in folder.rglob("*") if is_image(path) and path.is_file() and path.name[0] != "."
    )
    if not paths:
        raise BadInputError(f"there are no images in `{folder}`", "give a folder of JPEG or PNG files")
    return Manifest(
        checked_table(make_table(_clip(path, folder) for path in paths), str(folder)), folder, str(folder)
    )


def _clip(path: Path, folder: Path) -> Clip:
    name = path.relative_to(folder).as_posix()
    label = () if path.parent == folder else (path.parent.name,)
    flags = {"has_audio": False, "has_video": True}
    return Clip(name, str(path.absolute()), 0.0, 1.0, labels=label, group=name, extras=flags)
