"""UCF101's split lists (Soomro et al., 2012): `trainlist01.txt`, `testlist01.txt` … and `classInd.txt`."""

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from avtool.core.errors import BadInputError
from avtool.data.labels import LabelClass
from avtool.data.readers.layouts import reads
from avtool.data.readers.media_index import stem_of
from avtool.data.readers.source import ListedClip, ReadOptions, Source
from avtool.data.readers.tables import read_lines

_SPLITS = (1, 2, 3)
_GROUP = re.compile(r"v_(\w+_g\d+)_c\d+")


def recognises(path: Path) -> bool:
    """Whether the folder, or the one that its archive unpacks to, has the lists."""
    return path.is_dir() and _lists(path) is not None


@reads("ucf101", "UCF101's split lists.", recognises)
def read(path: Path, options: ReadOptions) -> Source:
    """Reads all three official splits: columns `split_1` to `split_3`, and `split` is the one chosen.

    `group` is the class and number of the film that several clips were cut from.

    Raises:
        BadInputError: a list is missing, or names no class folder.
    """
    folder = _lists(path)
    if folder is None:
        raise BadInputError(f"there is no `trainlist01.txt` in `{path}`", "give the folder ucfTrainTestlist")
    splits: dict[str, dict[str, str]] = {}
    inputs = [file for file in [folder / "classInd.txt"] if file.is_file()]
    for number in _SPLITS:
        for kind in ("train", "test"):
            file = folder / f"{kind}list{number:02d}.txt"
            if file.is_file():
                inputs.append(file)
                for name in _names(file):
                    splits.setdefault(name, {})[f"split_{number}"] = kind
    clips = [
        ListedClip(
            clip_id=PurePosixPath(stem_of(name)).name,
            media=name,
            split=of_name.get(f"split_{options.official_split}", ""),
            labels=(PurePosixPath(name).parts[0],),
            group=_group(name),
            extras={f"split_{number}": of_name.get(f"split_{number}", "") for number in _SPLITS},
            where=f"{folder.name}/{name}",
        )
        for name, of_name in sorted(splits.items())
    ]
    return Source(
        "ucf101",
        clips,
        media=path,
        inputs=tuple(inputs),
        classes=_classes(folder / "classInd.txt"),
        other_names=lambda clip: (clip.clip_id,),
    )


def _lists(path: Path) -> Path | None:
    folders = (path, path / "ucfTrainTestlist")
    return next((folder for folder in folders if (folder / "trainlist01.txt").is_file()), None)


def _names(file: Path) -> Iterator[str]:
    """The names in a list: `Class/v_Class_g01_c01.avi`, in training lists followed by the class's number."""
    for line in read_lines(file, delimiter="\t"):
        name = line.cells[0].split()[0].replace("\\", "/")
        if len(PurePosixPath(name).parts) != 2:
            raise BadInputError(
                f"`{file}` line {line.number}: `{name}` is not Class/video", "is it UCF101's?"
            )
        yield name


def _group(name: str) -> str:
    stem = PurePosixPath(stem_of(name)).name
    match = _GROUP.fullmatch(stem)
    return match[1] if match else stem


def _classes(file: Path) -> dict[str, tuple[LabelClass, ...]]:
    """`1 ApplyEyeMakeup` and so on, in the order of the file."""
    if not file.is_file():
        return {}
    rows = [line.cells[0].split() for line in read_lines(file, delimiter="\t")]
    if any(len(row) != 2 for row in rows):
        raise BadInputError(f"`{file}` is not a list of numbers and classes", "a line is: 1 ApplyEyeMakeup")
    return {"classes": tuple(LabelClass(name, number) for number, name in rows)}
