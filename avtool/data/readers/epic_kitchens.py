"""EPIC-KITCHENS-100's annotations (Damen et al., 2022): `EPIC_100_train.csv`, `EPIC_100_validation.csv`."""

from collections import Counter
from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.data.labels import LabelClass
from avtool.data.readers.layouts import reads
from avtool.data.readers.source import ListedClip, ReadOptions, Source
from avtool.data.readers.tables import Columns, Line, first_cells, read_lines

_SPLITS = {"train": "train", "validation": "val", "test_timestamps": "test", "test": "test"}
_NEEDED = ("narration_id", "video_id", "start_timestamp", "stop_timestamp")


def recognises(path: Path) -> bool:
    """Whether this is such a list, or a folder with the published names."""
    if path.is_dir():
        return bool(_lists_in(path))
    return set(_NEEDED) <= set(first_cells(path))


@reads("epic-kitchens", "EPIC-KITCHENS' annotation tables.", recognises)
def read(path: Path, options: ReadOptions) -> Source:  # noqa: ARG001
    """Reads a list, or all lists of a folder. A clip's labels are its verb class and its noun class.

    The classes are named by `EPIC_100_verb_classes.csv` and `EPIC_100_noun_classes.csv` beside the lists;
    without them by the verb or noun that is most often narrated for their number. `group` is the video.

    Raises:
        BadInputError: a column is missing, or a row is wrong.
    """
    folder = path if path.is_dir() else path.parent
    paths = _lists_in(path) if path.is_dir() else [path]
    rows = [(columns, line) for list_path in paths for columns, line in _rows(list_path)]
    lists = {part: _class_names(folder, part, rows) for part in ("verb", "noun")}
    clips = [_clip(columns, line, lists) for columns, line in rows]
    files = [folder / f"EPIC_100_{part}_classes.csv" for part in lists]
    return Source(
        "epic-kitchens",
        clips,
        media=folder,
        inputs=(*paths, *(file for file in files if file.is_file())),
        classes={
            f"{part}s": tuple(LabelClass(name, code) for code, name in names.items())
            for part, names in lists.items()
        },
        cut_names=lambda clip: (clip.clip_id,),
    )


def _lists_in(folder: Path) -> list[Path]:
    return [path for name in _SPLITS if (path := folder / f"EPIC_100_{name}.csv").is_file()]


def _rows(path: Path) -> list[tuple[Columns, Line]]:
    lines = read_lines(path)
    columns = Columns(path, next(lines, Line(0, [])).cells, _NEEDED)
    return [(columns, line) for line in lines]


def _clip(columns: Columns, line: Line, lists: dict[str, dict[str, str]]) -> ListedClip:
    where = f"{columns.path.name} line {line.number}"
    start, end = columns.number(line, "start_timestamp"), columns.number(line, "stop_timestamp")
    if start is None or end is None or end <= start:
        raise BadInputError(f"`{columns.path}` line {line.number}: the clip ends before it starts")
    codes = [(part, columns.text(line, f"{part}_class")) for part in lists]
    for part, code in codes:
        if code and code not in lists[part]:
            raise BadInputError(f"`{columns.path}` line {line.number}: no {part} class has number `{code}`")
    return ListedClip(
        clip_id=columns.text(line, "narration_id"),
        media=columns.text(line, "video_id"),
        start=start,
        end=end,
        split=_SPLITS.get(columns.path.stem.removeprefix("EPIC_100_"), ""),
        labels=tuple(lists[part][code] for part, code in codes if code),
        text=columns.text(line, "narration"),
        group=columns.text(line, "video_id"),
        extras={"participant": columns.text(line, "participant_id")},
        where=where,
    )


def _class_names(folder: Path, part: str, rows: list[tuple[Columns, Line]]) -> dict[str, str]:
    """Number → name of the verb or noun classes, by number."""
    path = folder / f"EPIC_100_{part}_classes.csv"
    if path.is_file():
        lines = read_lines(path)
        columns = Columns(path, next(lines, Line(0, [])).cells, ("id", "key"))
        names = {columns.text(line, "id"): columns.text(line, "key") for line in lines}
    else:
        narrated = Counter((c.text(line, f"{part}_class"), c.text(line, part)) for c, line in rows)
        names = {}
        for (code, name), _ in sorted(narrated.items(), key=lambda item: (-item[1], item[0])):
            if code:
                names.setdefault(code, name)
    if not all(code.isdecimal() for code in names):
        raise BadInputError(f"a {part} class of `{folder}` has no number", "is it EPIC-KITCHENS-100?")
    return dict(sorted(names.items(), key=lambda item: int(item[0])))
