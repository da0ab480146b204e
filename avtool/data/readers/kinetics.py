"""The lists of Kinetics-400, -600 and -700: `label,youtube_id,time_start,time_end,split`."""

from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.data.readers.layouts import reads
from avtool.data.readers.source import ListedClip, ReadOptions, Source
from avtool.data.readers.tables import Columns, Line, first_cells, read_lines
from avtool.data.split_names import split_name

_NEEDED = ("youtube_id", "time_start", "time_end")


def recognises(path: Path) -> bool:
    """Whether this is such a list, or a folder with some."""
    return bool(_lists(path))


@reads("kinetics", "Kinetics' lists.", recognises)
def read(path: Path, options: ReadOptions) -> Source:  # noqa: ARG001
    """Reads a list, or all lists of a folder; lists of a test set may have no labels. `group` is the video.

    Raises:
        BadInputError: a column is missing, or a row is wrong.
    """
    paths = _lists(path)
    if not paths:
        raise BadInputError(f"`{path}` is no list of Kinetics", "its header is: " + ",".join(_NEEDED))
    clips: dict[str, ListedClip] = {}
    for list_path in paths:
        lines = read_lines(list_path)
        columns = Columns(list_path, next(lines, Line(0, [])).cells, _NEEDED)
        for line in lines:
            clip = _clip(columns, line)
            clips.setdefault(clip.clip_id, clip)
    return Source(
        "kinetics",
        list(clips.values()),
        media=path if path.is_dir() else path.parent,
        inputs=tuple(paths),
        cut_names=lambda clip: (clip.clip_id,),
        web=True,
    )


def _lists(path: Path) -> list[Path]:
    files = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    return [file for file in files if set(_NEEDED) <= set(first_cells(file))]


def _clip(columns: Columns, line: Line) -> ListedClip:
    video, label = columns.text(line, "youtube_id"), columns.text(line, "label")
    start, end = columns.number(line, "time_start"), columns.number(line, "time_end")
    if not video or start is None or end is None or end <= start:
        message = f"`{columns.path}` line {line.number} has no video, or ends before it starts"
        raise BadInputError(message, "correct or delete the line")
    return ListedClip(
        clip_id=f"{video}_{start:06.0f}_{end:06.0f}",
        media=video,
        start=start,
        end=end,
        split=split_name(columns.text(line, "split") or columns.path.stem.rpartition("_")[2]),
        labels=(label,) if label else (),
        group=video,
        where=f"{columns.path.name} line {line.number}",
    )
