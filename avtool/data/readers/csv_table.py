"""Any table of clips: CSV, semicolons or tabs, with a header that names a column for the media."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.data.readers.media_index import stem_of
from avtool.data.readers.source import ListedClip, ReadOptions, Source, split_name
from avtool.data.readers.tables import Columns, Line, first_line, read_lines

_NAMES = {
    "media": ("media", "film", "clip", "file", "filename", "file_name", "path", "wav", "audio", "video"),
    "labels": ("labels", "label", "category", "class", "class_name", "tag", "tags"),
    "start": ("start", "start_seconds", "start_time", "time_start", "onset", "begin"),
    "end": ("end", "end_seconds", "end_time", "time_end", "offset", "stop"),
    "split": ("split", "subset", "set", "partition"),
    "fold": ("fold",),
    "text": ("text", "caption", "captions", "transcript", "sentence"),
    "group": ("group", "source", "src_file", "recording", "film_id", "video_id"),
    "clip_id": ("clip_id", "id", "uid"),
    "verb": ("verb",),
    "noun": ("noun",),
}
_HINT = "its header needs one of " + ", ".join(_NAMES["media"])


def recognises(path: Path) -> bool:
    """Whether this is a table with a column for the media."""
    header = {cell.strip(' "').lower() for cell in first_line(path).split(_delimiter(path))}
    return bool(header & set(_NAMES["media"]))


def read(path: Path, options: ReadOptions) -> Source:
    """Reads the table. Columns that are not known are kept as further columns of the manifest.

    Rows that differ in nothing but their label are one clip with several labels; other rows of the same media
    are numbered.

    Raises:
        BadInputError: no column names the media, or a row is wrong.
    """
    delimiter = _delimiter(path)
    lines = read_lines(path, delimiter=delimiter)
    header = next(lines, Line(0, [])).cells
    known = {what: name for what, names in _NAMES.items() if (name := _first(names, header))}
    if "media" not in known:
        raise BadInputError(f"`{path}` has no column for the media", _HINT)
    columns = Columns(path, header, ())
    clips = _merged(_row(columns, line, known, options) for line in lines)
    if not clips:
        raise BadInputError(f"`{path}` has a header and no rows", "add a row for each clip")
    return Source("csv", _numbered(clips), media=path.parent, inputs=(path,))


def _row(columns: Columns, line: Line, known: dict[str, str], options: ReadOptions) -> ListedClip:
    def cell(what: str) -> str:
        return columns.text(line, known[what]) if what in known else ""

    media = cell("media")
    if not media:
        raise BadInputError(f"`{columns.path}` line {line.number} names no media", "fill it in, or delete it")
    start = columns.number(line, known["start"]) if "start" in known else None
    end = columns.number(line, known["end"]) if "end" in known else None
    if end is not None and end <= (start or 0.0):
        message = f"`{columns.path}` line {line.number}: the clip ends at {end:g} s, at or before its start"
        raise BadInputError(message, "correct the times")
    fold = cell("fold")
    if fold and not fold.isdigit():
        raise BadInputError(f"`{columns.path}` line {line.number}: `{fold}` is not a fold's number")
    labels = [label.strip() for label in cell("labels").split(options.separator)]
    if not any(labels) and cell("verb"):
        labels = [cell("verb"), cell("noun")]
    others = set(columns.places) - set(known.values()) - {""}
    return ListedClip(
        clip_id=cell("clip_id"),
        media=media,
        start=start or 0.0,
        end=end,
        split=split_name(cell("split")),
        fold=int(fold) if fold else None,
        labels=tuple(dict.fromkeys(label for label in labels if label)),
        text=cell("text"),
        group=cell("group") or media,
        extras={name: columns.text(line, name) for name in sorted(others)},
        where=f"{columns.path.name} line {line.number}",
    )


def _merged(rows: Iterator[ListedClip]) -> list[ListedClip]:
    clips: dict[tuple[object, ...], ListedClip] = {}
    for row in rows:
        extras = tuple(row.extras.items())
        key = (row.clip_id, row.media, row.start, row.end, row.split, row.fold, row.text, row.group, extras)
        if row.clip_id or key not in clips:
            clips[key if not row.clip_id else (*key, len(clips))] = row
        else:
            merged = dict.fromkeys([*clips[key].labels, *row.labels])
            clips[key] = replace(clips[key], labels=tuple(merged))
    return list(clips.values())


def _numbered(clips: Sequence[ListedClip]) -> list[ListedClip]:
    """The clips with ids: the media's name, the start where there is one, a number where that is taken."""
    taken: dict[str, int] = {}
    numbered = []
    for clip in clips:
        name = clip.clip_id
        if not name:
            stem = stem_of(clip.media)
            name = f"{stem}_{clip.start:g}" if clip.start or clip.end is not None else stem
            taken[name] = taken.get(name, 0) + 1
            name = f"{name}#{taken[name]}" if taken[name] > 1 else name
        numbered.append(replace(clip, clip_id=name))
    return numbered


def _first(names: Sequence[str], header: Sequence[str]) -> str:
    have = {cell.strip().lower() for cell in header}
    return next((name for name in names if name in have), "")


def _delimiter(path: Path) -> str:
    """The delimiter that cuts the header into the most cells."""
    return max((",", ";", "\t"), key=first_line(path).count)
