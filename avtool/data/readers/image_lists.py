"""Image datasets with lists of their own: FGVC-Aircraft's variants, and ImageNet with CoOp's class names."""

from collections.abc import Iterator
from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.data.labels import LabelClass
from avtool.data.readers.layouts import reads
from avtool.data.readers.source import ListedClip, ReadOptions, Source
from avtool.data.readers.tables import read_lines
from avtool.media.still_images import is_image

_VARIANTS = "variants.txt"
_NAMES = "classnames.txt"


def recognises_aircraft(path: Path) -> bool:
    """Whether the folder, or its `data`, has the lists of variants."""
    return path.is_dir() and _aircraft(path) is not None


@reads("fgvc-aircraft", "FGVC-Aircraft's variants (Maji et al., 2013).", recognises_aircraft)
def read_aircraft(path: Path, options: ReadOptions) -> Source:  # noqa: ARG001
    """Reads `images_variant_{train,val,test}.txt`; classes are in the order of `variants.txt`.

    Raises:
        BadInputError: a list is missing, or names a variant that is none.
    """
    folder = _aircraft(path)
    if folder is None:
        raise BadInputError(f"there is no `{_VARIANTS}` in `{path}`", "give FGVC-Aircraft's folder")
    names = list(_lines(folder / _VARIANTS))
    clips, inputs = [], [folder / _VARIANTS]
    for split in ("train", "val", "test"):
        file = folder / f"images_variant_{split}.txt"
        inputs.append(file)
        for number, line in enumerate(_lines(file), start=1):
            image, _, name = line.partition(" ")
            if name not in names:
                raise BadInputError(
                    f"`{file}` line {number}: `{name}` is not in `{_VARIANTS}`", "compare the files"
                )
            media = f"images/{image}.jpg"
            clips.append(
                ListedClip(
                    image,
                    media,
                    end=1.0,
                    split=split,
                    labels=(name,),
                    group=image,
                    where=f"{file.name}:{number}",
                )
            )
    classes = {"classes": tuple(LabelClass(name, str(number)) for number, name in enumerate(names))}
    return Source("fgvc-aircraft", clips, media=folder, inputs=tuple(inputs), classes=classes)


def recognises_imagenet(path: Path) -> bool:
    """Whether the folder has class names beside folders of images by WordNet id."""
    return path.is_dir() and _root(path) is not None


@reads("imagenet-names", "ImageNet and its variants with CoOp's `classnames.txt`.", recognises_imagenet)
def read_imagenet(path: Path, options: ReadOptions) -> Source:  # noqa: ARG001
    """Reads `train/WNID/…` and `val/WNID/…`, the test split; or `WNID/…` as the test split alone.

    Folders may also be numbered by class, as ImageNet-V2's are. Classes that no folder has are skipped, as
    the 200 classes of ImageNet-A and -R want it.

    Raises:
        BadInputError: there are no images, or a folder is no class.
    """
    root = _root(path)
    if root is None:
        raise BadInputError(f"there is no `{_NAMES}` beside images in `{path}`", "put CoOp's file there")
    names = _names(path)
    numbered = {str(number): name for number, name in enumerate(names.values())}
    clips = []
    divided = (root / "train").is_dir() or (root / "val").is_dir()
    for split, folder in (
        (("train", root / "train"), ("test", root / "val")) if divided else (("test", root),)
    ):
        for place in sorted(folder.iterdir()) if folder.is_dir() else ():
            if not place.is_dir() or place.name.startswith("."):
                continue
            name = names.get(place.name) or numbered.get(place.name)
            if name is None:
                raise BadInputError(
                    f"`{place}` is no class of `{_NAMES}`", "compare the folders with the file"
                )
            for image in sorted(file for file in place.iterdir() if is_image(file)):
                media = image.relative_to(root).as_posix()
                clips.append(
                    ListedClip(
                        media, media, end=1.0, split=split, labels=(name,), group=media, where=str(image)
                    )
                )
    if not clips:
        raise BadInputError(f"there are no images in `{root}`", "lay them out as train/n01440764/…")
    have = {clip.labels[0] for clip in clips}
    classes = tuple(LabelClass(name, wnid) for wnid, name in names.items() if name in have)
    return Source("imagenet-names", clips, media=root, inputs=(path / _NAMES,), classes={"classes": classes})


def _aircraft(path: Path) -> Path | None:
    return next((each for each in (path, path / "data") if (each / _VARIANTS).is_file()), None)


def _names(path: Path) -> dict[str, str]:
    return dict(line.split(" ", 1) for line in _lines(path / _NAMES) if " " in line)


def _root(path: Path) -> Path | None:
    """The folder with the classes, or with `train` and `val`: `images`, the dataset's own, or one inside it.

    ImageNet-V2, -A and -R are unpacked into a folder of their own name.
    """
    if not (path / _NAMES).is_file():
        return None
    names = _names(path)
    wanted = {"train", "val", *names, *map(str, range(len(names)))}
    inside = sorted(each for each in path.iterdir() if each.is_dir())
    places = (path / "images", path, *inside)
    return next(
        (each for each in places if each.is_dir() and any(one.name in wanted for one in each.iterdir())), None
    )


def _lines(file: Path) -> Iterator[str]:
    """The lines of a plain list; a tab is in none of them."""
    return (line.cells[0].strip() for line in read_lines(file, delimiter="\t"))
