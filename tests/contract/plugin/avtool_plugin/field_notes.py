"""Field notes: `*.notes` files of lines `FOLD | LABEL | MEDIA | what was heard`."""

from pathlib import Path

from avtool.data.readers.layouts import reads
from avtool.data.readers.source import ListedClip, ReadOptions, RefusedLine, Source

_COLUMNS = 4


def recognises(path: Path) -> bool:
    """Whether this is such a file."""
    return path.is_file() and path.suffix == ".notes"


@reads("field-notes", "Field notes: `*.notes` files.", recognises)
def read(path: Path, options: ReadOptions) -> Source:
    """Reads a file of notes; lines without four columns are refused."""
    clips, refused = [], []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        cells, where = [cell.strip() for cell in line.split("|")], f"{path.name} line {number}"
        if len(cells) != _COLUMNS or not cells[0].isdecimal():
            refused.append(RefusedLine(where, "it has not four columns, the first a fold"))
            continue
        fold, label, media, text = cells
        clips.append(
            ListedClip(f"note{number}", media, fold=int(fold), labels=(label,), text=text, where=where)
        )
    return Source("field-notes", clips, path.parent, (path,), refused=tuple(refused))
