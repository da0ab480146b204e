"""The images of a prompt tuning: read, drawn and divided as CoOp's protocols have it."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

from avtool.core.artifact import CARD, settings_hash
from avtool.core.errors import BadInputError
from avtool.core.manifest_columns import checked_table
from avtool.core.reporter import Reporter
from avtool.data.clip_filter import Skipped
from avtool.data.image_folder import image_folder, is_image_folder
from avtool.data.image_sets import DEFAULT_TEMPLATE, IMAGE_SETS
from avtool.data.image_shots import class_split, draw_shots, shots_of
from avtool.data.labels import class_lists
from avtool.data.manifest import MANIFEST, Clip, Manifest, make_table, read_manifest
from avtool.data.readers.layouts import AUTO, detect_layout, read_source
from avtool.data.readers.source import Source
from avtool.data.split_names import SPLIT_NAMES, split_name
from avtool.media.still_images import is_image, read_image
from avtool.tasks.clip_prompts.recipe import ImagesRecipe

_SHOWN = 5
_SMALL = 16
_FLAGS = {"has_audio": False, "has_video": True}


@dataclass(frozen=True)
class FewShotImages:
    """The images of a training.

    Attributes:
        classes: names, in the order of their numbers.
        texts: these names as class texts have them.
        template: of the dataset's hand-written class texts.
        train: drawn images, class by class.
        test: what is scored; None where there is nothing.
        drawn: the exact files, as `fewshot.json` lists them.
        protocol: what was drawn and scored, in words.
        skipped: images that could not be used.
    """

    classes: tuple[str, ...]
    texts: tuple[str, ...]
    template: str
    train: Manifest
    test: Manifest | None
    drawn: Mapping[str, Any]
    protocol: str
    skipped: tuple[Skipped, ...] = ()

    def labels(self, images: Manifest) -> list[int]:
        """The class numbers of images."""
        numbers = {name: number for number, name in enumerate(self.classes)}
        return [numbers[labels[0]] for labels in images.column("labels")]

    @property
    def content(self) -> str:
        """A hash of the classes, and of the drawn and scored images' names."""
        scored = self.test.column("clip_id") if self.test is not None else []
        return settings_hash([self.classes, self.texts, self.train.column("clip_id"), scored])


def find_images(source: Path, recipe: ImagesRecipe, seed: int, reporter: Reporter) -> FewShotImages:
    """Reads a dataset and draws its shots.

    The draw is made over all classes, then the base or new ones are kept, as in the published code.

    Args:
        source: a split file, a table, a folder of images, or a dataset of `avtool prepare`.
        recipe: which images.
        seed: of the draw.
        reporter: warned of classes with too few images.

    Raises:
        BadInputError: it cannot be read, has no labels, or images are missing.
    """
    images, classes = read_images(source, recipe.images)
    train, val, test = _divide(images)
    _refuse_leaks(source, train, test)
    draw = draw_shots(_labels(train), _labels(val), recipe.shots, seed)
    _check_shots(draw.short, recipe, reporter)
    kept = [classes[number] for number in class_split(len(classes), recipe.classes)]
    drawn = _of_classes(train.take(draw.train), kept)
    drawn_val = _of_classes(val.take(draw.val), kept)
    scored = (val if len(val) else test) if recipe.score == "val" else (test if len(test) else val)
    words = f"{'all' if recipe.score == 'test' else 'validation'} images of the {_name_of(scored)} split"
    if not len(scored) and recipe.shots:
        left = sorted(set(range(len(train))) - set(draw.train))
        scored, words = train.take(left), "the images that were not drawn"
    scored = _of_classes(scored, kept)
    skipped: list[Skipped] = []
    drawn, scored = (_usable(part, recipe, skipped, reporter) for part in (drawn, scored))
    if len(kept) < 2:
        raise BadInputError(f"`{source}` has {len(kept)} {recipe.classes} classes", "at least two are needed")
    if not len(drawn) and recipe.shots:
        raise BadInputError(f"`{source}` has no training image of the {recipe.classes} classes")
    facts = IMAGE_SETS.of_source(source)
    names = facts.names if facts else {}
    record = {
        "source": str(source),
        "seed": seed,
        "shots": recipe.shots,
        "classes": recipe.classes,
        **{key: _rows(part, kept) for key, part in (("train", drawn), ("val", drawn_val))},
    }
    return FewShotImages(
        tuple(kept),
        tuple(names.get(name, name).replace("_", " ") for name in kept),
        facts.template if facts else DEFAULT_TEMPLATE,
        drawn,
        scored if len(scored) else None,
        record,
        f"{recipe.classes} classes ({len(kept)}), {shots_of(recipe.shots)}, seed {seed}; scored: {words}",
        tuple(skipped),
    )


def read_images(source: Path, root: Path | None = None) -> tuple[Manifest, tuple[str, ...]]:
    """The images of a dataset with one label each, and its classes in their order.

    Args:
        source: as for `find_images`.
        root: the folder of the images, where it is not the dataset's own.

    Raises:
        BadInputError: it cannot be read, or an image has not one label.
    """
    if source.is_dir() and ((source / CARD).is_file() or (source / MANIFEST).is_file()):
        images = read_manifest(source)
        listed = (source / "labels" / "classes.csv").is_file()
        classes = class_lists(source, "single-label")[0] if listed else ()
    elif source.is_dir() and _is_plain_folder(source):
        images, classes = _split_folders(image_folder(source)), ()
    else:
        # a JSON file is a split file, and what is wrong with it is named; recognition would only pass it by
        listing = read_source(source, "coop-split" if source.suffix == ".json" else AUTO)
        images, classes = (
            _as_manifest(listing, root),
            tuple(one.label for one in listing.classes.get("classes", ())),
        )
    wrong = [clip for clip in images if len(clip.labels) != 1]
    if wrong:
        have = ", ".join(wrong[0].labels) or "none"
        message = f"{len(wrong)} images of `{source}` have not one label: `{wrong[0].clip_id}` has {have}"
        raise BadInputError(message, "give each image one class")
    occurring = sorted({clip.labels[0] for clip in images})
    return images, classes or tuple(occurring)


def fill(template: str, name: str) -> str:
    """A class text; braces around anything else stay as they are."""
    return template.replace("{}", name)


def _is_plain_folder(source: Path) -> bool:
    """Whether a folder of images has no list of them."""
    try:
        detect_layout(source)
    except BadInputError:
        return is_image_folder(source)
    return False


def _split_folders(images: Manifest) -> Manifest:
    """The images of `CLASS/…`, or `train/CLASS/…` beside `val` and `test`."""
    tops = {name.split("/")[0] for name in images.column("clip_id") if "/" in name}
    divided = bool(tops) and all(top.lower() in SPLIT_NAMES for top in tops)
    clips = []
    for clip in images:
        *folders, _ = clip.clip_id.split("/")
        split = split_name(folders.pop(0)) if divided and folders else ""
        clips.append(_clip(clip.clip_id, Path(clip.media), split, tuple(folders[:1])))
    return _manifest(clips, images.folder)


def _as_manifest(source: Source, root: Path | None) -> Manifest:
    folder = root or source.media
    if films := [clip.media for clip in source.clips if not is_image(Path(clip.media))]:
        message = f"`{folder}` lists `{films[0]}`, which is no image"
        raise BadInputError(message, "of films prepare a dataset first: `avtool prepare`")
    return _manifest(
        [_clip(clip.clip_id, folder / clip.media, clip.split, clip.labels) for clip in source.clips], folder
    )


def _clip(name: str, path: Path, split: str, labels: tuple[str, ...]) -> Clip:
    return Clip(name, str(path.absolute()), 0.0, 1.0, split=split, labels=labels, group=name, extras=_FLAGS)


def _manifest(clips: Sequence[Clip], folder: Path) -> Manifest:
    if not clips:
        raise BadInputError(f"there are no images in `{folder}`")
    return Manifest(checked_table(make_table(clips), str(folder)), folder, str(folder))


def _divide(images: Manifest) -> tuple[Manifest, Manifest, Manifest]:
    """Training, validation and test images; without splits all are for training."""
    splits = images.column("split")
    if not any(splits):
        return images, images.take([]), images.take([])
    parts = ([row for row, split in enumerate(splits) if split == name] for name in ("train", "val", "test"))
    train, val, test = (images.take(rows) for rows in parts)
    return train, val, test


def _refuse_leaks(source: Path, train: Manifest, test: Manifest) -> None:
    """An image that is trained on is not scored; ImageNet's validation images are its test images."""
    known = set(train.column("media"))
    if leaked := [media for media in test.column("media") if media in known]:
        shown = ", ".join(f"`{media}`" for media in leaked[:_SHOWN]) + (", …" if len(leaked) > _SHOWN else "")
        message = f"`{source}` has {len(leaked)} of its training images in the test split too: {shown}"
        raise BadInputError(message, "take them out of one of the splits")


def _labels(images: Manifest) -> list[str]:
    return [labels[0] for labels in images.column("labels")]


def _name_of(part: Manifest) -> str:
    return part.column("split")[0] if len(part) else "test"


def _of_classes(images: Manifest, classes: Sequence[str]) -> Manifest:
    wanted = set(classes)
    return images.take([row for row, labels in enumerate(images.column("labels")) if labels[0] in wanted])


def _check_shots(short: Mapping[Any, int], recipe: ImagesRecipe, reporter: Reporter) -> None:
    if not short:
        return
    shown = ", ".join(f"`{name}` {count}" for name, count in list(short.items())[:_SHOWN])
    more = ", …" if len(short) > _SHOWN else ""
    message = f"{len(short)} classes have fewer than {recipe.shots} training images: {shown}{more}"
    if recipe.strict_shots:
        raise BadInputError(message, "lower --shots, or leave data.strict_shots out to take what there is")
    reporter.warn(message)


def _usable(images: Manifest, recipe: ImagesRecipe, skipped: list[Skipped], reporter: Reporter) -> Manifest:
    """The images that can be opened; those that may be skipped are decoded, others by their headers."""
    decode = recipe.skip_missing
    paths = [images.local(clip.video) for clip in images]
    bad = {row: reason for row, path in enumerate(paths) if (reason := _problem(path, decode=decode))}
    if not bad:
        return images
    shown = ", ".join(f"`{images[row].media}` {reason}" for row, reason in list(bad.items())[:_SHOWN])
    message = f"{len(bad)} of {len(images)} images are missing or unreadable: {shown}"
    if not recipe.skip_missing:
        raise BadInputError(message, "set --images to their folder, or data.skip_missing = true")
    reporter.warn(message)
    skipped += [Skipped(images[row].clip_id, images[row].media, reason) for row, reason in bad.items()]
    return images.take([row for row in range(len(images)) if row not in bad])


def _problem(path: Path, *, decode: bool) -> str:
    """Why an image cannot be used; "" where it can, as far as its header shows or its pixels do."""
    if not path.is_file():
        return "is missing"
    try:
        if decode:
            read_image(path, _SMALL)
            return ""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # it is refused when it is read
            with Image.open(path):
                return ""
    except BadInputError as error:
        return error.message.replace(f"`{path}` ", "")
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError, ValueError, SyntaxError):
        return "is no image"


def _rows(images: Manifest, classes: Sequence[str]) -> list[list[Any]]:
    """Images as a split file has them."""
    return [[clip.media, classes.index(clip.labels[0]), clip.labels[0]] for clip in images]
