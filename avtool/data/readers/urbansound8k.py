"""UrbanSound8K (Salamon et al., 2014): `metadata/UrbanSound8K.csv` beside `audio/fold1` to `audio/fold10`."""

from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.data.labels import LabelClass
from avtool.data.readers.layouts import reads
from avtool.data.readers.media_index import stem_of
from avtool.data.readers.source import ListedClip, ReadOptions, Source
from avtool.data.readers.tables import Columns, Line, first_cells, read_lines

_NEEDED = ("slice_file_name", "fsid", "fold", "classid", "class")


def recognises(path: Path) -> bool:
    """Whether this is the table, or a folder that has it."""
    table = _table(path)
    return table is not None and set(_NEEDED) <= set(first_cells(table))


@reads("urbansound8k", "UrbanSound8K: `metadata/UrbanSound8K.csv`.", recognises)
def read(path: Path, options: ReadOptions) -> Source:  # noqa: ARG001
    """Reads the table. A clip is its whole file, and its `group` the recording that it was cut from.

    The table's `start` and `end` are times in that recording, which Freesound has, and not in the file.

    Raises:
        BadInputError: the table is not there, or a row is wrong.
    """
    table = _table(path)
    if table is None:
        raise BadInputError(f"there is no `UrbanSound8K.csv` in `{path}`", "give the folder above `metadata`")
    lines = read_lines(table)
    columns = Columns(table, next(lines, Line(0, [])).cells, _NEEDED)
    clips, names = [], {}
    for line in lines:
        name, label = columns.text(line, "slice_file_name"), columns.text(line, "class")
        fold, target = columns.count(line, "fold"), columns.count(line, "classid")
        if not (name and label) or fold is None or target is None:
            raise BadInputError(f"`{table}` line {line.number} lacks a value", "download the table again")
        names[target] = label
        clips.append(
            ListedClip(
                clip_id=stem_of(name),
                media=f"fold{fold}/{name}",
                fold=fold,
                labels=(label,),
                group=columns.text(line, "fsid"),
                extras={"salience": columns.text(line, "salience")},
                where=f"{table.name} line {line.number}",
            )
        )
    if not clips:
        raise BadInputError(f"`{table}` has a header and no rows", "download the table again")
    root = table.parent.parent if table.parent.name == "metadata" else table.parent
    return Source(
        "urbansound8k",
        clips,
        media=root / "audio" if (root / "audio").is_dir() else root,
        inputs=(table,),
        classes={"classes": tuple(LabelClass(names[target], str(target)) for target in sorted(names))},
    )


def _table(path: Path) -> Path | None:
    places = (path / "metadata" / "UrbanSound8K.csv", path / "UrbanSound8K.csv") if path.is_dir() else (path,)
    return next((place for place in places if place.is_file()), None)
