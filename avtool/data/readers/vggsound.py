"""VGGSound's lists (Chen et al., 2020), without a header and with labels that hold commas.

`vggsound.csv` holds video id, start, label, split; `train.csv` and `test.csv` hold file, label.
"""

import re
from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.data.labels import LabelClass
from avtool.data.readers.layouts import reads
from avtool.data.readers.source import ListedClip, ReadOptions, RefusedLine, Source
from avtool.data.readers.tables import Line, first_cells, read_lines
from avtool.data.split_names import split_name

SECONDS = 10.0
_FILE = re.compile(r"([\w-]{11})_(\d{6})(\.\w+)?")
_YOUTUBE_ID = re.compile(r"[\w-]{11}")
_LISTS = ("train.csv", "test.csv")


def recognises(path: Path) -> bool:
    """Whether the first row of the list, or of a list of the folder, is one of VGGSound."""
    if path.is_dir():
        return bool(_lists_in(path))
    cells = first_line_cells(path)
    if len(cells) == 4:
        return bool(
            _YOUTUBE_ID.fullmatch(cells[0]) and cells[1].isdecimal() and cells[3] in {"train", "test"}
        )
    return bool(len(cells) >= 2 and _FILE.fullmatch(cells[0]))


@reads("vggsound", "VGGSound's list.", recognises)
def read(path: Path, options: ReadOptions) -> Source:  # noqa: ARG001
    """Reads one list, or `train.csv` and `test.csv` of a folder; `group` is the video.

    The classes are those of `stat.csv` beside the lists where it is there, by name.

    Raises:
        BadInputError: there is no row that can be read.
    """
    paths = _lists_in(path) if path.is_dir() else [path]
    clips: dict[str, ListedClip] = {}
    refused = []
    for list_path in paths:
        for line in read_lines(list_path):
            clip = _row(list_path, line)
            if isinstance(clip, RefusedLine):
                refused.append(clip)
            else:
                clips.setdefault(clip.clip_id, clip)
    if not clips:
        raise BadInputError(f"`{path}` has no row of VGGSound", "a row is: file, label")
    folder = path if path.is_dir() else path.parent
    statistics = folder / "stat.csv"
    named = statistics.is_file()
    labels = sorted(line.cells[0].strip() for line in read_lines(statistics)) if named else []
    return Source(
        "vggsound",
        list(clips.values()),
        media=folder,
        inputs=(*paths, statistics) if named else tuple(paths),
        classes={"classes": tuple(LabelClass(label) for label in labels)} if named else {},
        refused=tuple(refused),
        cut_names=lambda clip: (clip.clip_id, f"{clip.media}_{clip.start:.0f}"),
        web=True,
    )


def first_line_cells(path: Path) -> list[str]:
    """The cells of the first row; ids of videos keep their case."""
    return next(iter(read_lines(path)), Line(0, [])).cells if first_cells(path) != [""] else []


def _lists_in(folder: Path) -> list[Path]:
    return [path for name in _LISTS if (path := folder / name).is_file() and recognises(path)]


def _row(path: Path, line: Line) -> ListedClip | RefusedLine:
    where = f"{path.name} line {line.number}"
    cells = [cell.strip() for cell in line.cells]
    file = _FILE.fullmatch(cells[0])
    if file and len(cells) == 2:
        video, start, label = file[1], int(file[2]), cells[1]
        split = split_name(path.stem) if path.name in _LISTS else ""
    elif len(cells) == 4 and _YOUTUBE_ID.fullmatch(cells[0]) and cells[1].isdecimal():
        video, start, label, split = cells[0], int(cells[1]), cells[2], split_name(cells[3])
    else:
        return RefusedLine(where, "it is neither file, label nor id, start, label, split")
    if not label:
        return RefusedLine(where, "it has no label")
    return ListedClip(
        clip_id=f"{video}_{start:06d}",
        media=video,
        start=float(start),
        end=start + SECONDS,
        split=split,
        labels=(label,),
        group=video,
        where=where,
    )
