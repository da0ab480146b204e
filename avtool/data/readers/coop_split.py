"""CoOp's split files (Zhou et al., 2022): `split_zhou_OxfordPets.json` and any other of its form."""

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from avtool.core.errors import BadInputError
from avtool.data.image_sets import IMAGE_SETS
from avtool.data.labels import LabelClass
from avtool.data.readers.layouts import reads
from avtool.data.readers.source import ListedClip, ReadOptions, Source
from avtool.data.readers.tables import first_line

_KEYS = ("train", "val", "test")
_FORM = 'a row is [path, label, class name]: ["abyssinian_1.jpg", 0, "abyssinian"]'
_SHOWN = 5
_MAX_BYTES = 1_000_000_000


def recognises(path: Path) -> bool:
    """Whether this is a JSON object of splits, or a folder with one."""
    file = _file(path)
    if file is None or not first_line(file).startswith("{"):
        return False
    try:
        content = _content(file)
    except BadInputError:
        return False
    return isinstance(content, dict) and isinstance(content.get("train"), list)


@reads("coop-split", "CoOp's split files of image datasets (JSON).", recognises)
def read(path: Path, options: ReadOptions) -> Source:  # noqa: ARG001
    """Reads the splits; classes are in the order of their numbers.

    Paths are relative to the dataset's image folder where that lies beside the file, else to the file's own.

    Raises:
        BadInputError: a split is missing, a row is none, or labels and class names do not fit together.
    """
    file = _file(path)
    if file is None:
        raise BadInputError(f"`{path}` is no split file", _FORM)
    content = _content(file)
    if not isinstance(content, dict) or "train" not in content:
        have = ", ".join(map(str, content)) if isinstance(content, dict) else type(content).__name__
        raise BadInputError(
            f"`{file}` has no key `train` (it has {have})", "its keys are train, val and test"
        )
    if not content.keys() & {"val", "test"}:
        raise BadInputError(
            f"`{file}` has neither a key `test` nor `val`", "its keys are train, val and test"
        )
    rows = [(key, *row) for key in _KEYS for row in _rows(file, key, content.get(key, []))]
    names = _class_names(file, rows)
    clips = [
        ListedClip(
            clip_id=f"{key}/{image}", media=image, end=1.0, split=key, labels=(names[label],),
            group=f"{key}/{image}", where=f"{file.name} {key}",
        )
        for key, image, label, _ in rows
    ]  # fmt: skip
    _check_once(file, [clip.clip_id for clip in clips])
    classes = tuple(LabelClass(name, str(label)) for label, name in sorted(names.items()))
    return Source("coop-split", clips, media=_images(file), inputs=(file,), classes={"classes": classes})


def _file(path: Path) -> Path | None:
    if path.is_dir():
        return next(iter(sorted(path.glob("split_zhou_*.json"))), None)
    return path if path.suffix == ".json" and path.is_file() else None


def _content(file: Path) -> Any:
    try:
        if file.stat().st_size > _MAX_BYTES:
            raise BadInputError(f"`{file}` is larger than 1 GB", "is it a split file?")
        return json.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise BadInputError(f"cannot read `{file}`: {error.strerror}", "check the name") from error
    except (ValueError, RecursionError) as error:
        raise BadInputError(f"`{file}` is not JSON ({error})", _FORM) from error


def _rows(file: Path, key: str, rows: Any) -> Iterator[tuple[str, int, str]]:
    if not isinstance(rows, list):
        raise BadInputError(f"`{file}`: `{key}` is no list", _FORM)
    for number, row in enumerate(rows, start=1):
        match row:
            case [str(image), int(label), str(name)] if (
                not isinstance(label, bool) and image and name.strip()
            ):
                yield image.replace("\\", "/"), label, name.strip()
            case _:
                raise BadInputError(f"`{file}`: row {number} of `{key}` is {row!r:.80}", _FORM)


def _class_names(file: Path, rows: list[tuple[str, str, int, str]]) -> dict[int, str]:
    """Label → class name, of labels that are 0 … C-1 with one name each."""
    by_label, by_name = defaultdict(set), defaultdict(set)
    for _, _, label, name in rows:
        by_label[label].add(name)
        by_name[name].add(label)
    clashes = [f"label {label} is {_some(names)}" for label, names in by_label.items() if len(names) > 1]
    clashes += [
        f"`{name}` has the labels {_some(labels)}" for name, labels in by_name.items() if len(labels) > 1
    ]
    if clashes:
        raise BadInputError(
            f"`{file}`: {'; '.join(clashes[:_SHOWN])}", "give each class one label and one name"
        )
    if missing := sorted(set(range(len(by_label))) - by_label.keys()):
        have = _some(by_label)
        last = len(by_label) - 1
        message = f"`{file}`: its labels are not 0 to {last}: no {missing[0]} among {have}"
        raise BadInputError(message, "number the classes from 0")
    return {label: next(iter(names)) for label, names in by_label.items()}


def _check_once(file: Path, names: list[str]) -> None:
    if len(set(names)) < len(names):
        seen: set[str] = set()
        twice = next(name for name in names if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise BadInputError(f"`{file}` lists `{twice}` twice", "list each image once")


def _images(file: Path) -> Path:
    """The image folder of a dataset that is known by its file's name, or the folder of the file."""
    known = IMAGE_SETS.of_split_file(file.name)
    place = file.parent / known.images if known else file.parent
    return place if place.is_dir() else file.parent


def _some(values: Any) -> str:
    shown = sorted(map(str, values))
    return ", ".join(shown[:_SHOWN]) + (", …" if len(shown) > _SHOWN else "")
