"""Any table of clips: CSV, semicolons or tabs, with a header that names a column for the media."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.data.labels import LabelClass
from avtool.data.readers.layouts import reads
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


@reads("csv", "A table with a column for the media.", recognises, generic=True)
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
    if "labels" in known or not {"verb", "noun"} <= known.keys():
        known = {what: name for what, name in known.items() if what not in {"verb", "noun"}}
    columns = Columns(path, header, ())
    rows = (_row(columns, line, known, options) for line in lines)
    clips = list(rows) if known.keys() & {"clip_id", "verb"} else _merged(rows)
    if not clips:
        raise BadInputError(f"`{path}` has a header and no rows", "add a row for each clip")
    classes = _verbs_and_nouns(clips) if "verb" in known else {}
    return Source("csv", _numbered(clips), media=path.parent, inputs=(path,), classes=classes)


def _verbs_and_nouns(clips: Sequence[ListedClip]) -> dict[str, tuple[LabelClass, ...]]:
    """The first labels and the second ones as two class lists, by name."""
    columns = zip(*(clip.labels for clip in clips), strict=True)
    return {
        name: tuple(LabelClass(label) for label in sorted(set(labels)))
        for name, labels in zip(("verbs", "nouns"), columns, strict=True)
    }


def _row(columns: Columns, line: Line, known: dict[str, str], options: ReadOptions) -> ListedClip:
    def cell(what: str) -> str:
        return columns.text(line, known[what]) if what in known else ""

    media, fold, place = cell("media"), cell("fold"), f"`{columns.path}` line {line.number}"
    start = columns.number(line, known.get("start", ""))
    end = columns.number(line, known.get("end", ""))
    if not media:
        raise BadInputError(f"{place} names no media", "fill it in, or delete the line")
    if end is not None and end <= (start or 0.0):
        raise BadInputError(
            f"{place}: the clip ends at {end:g} s, at or before its start", "correct the times"
        )
    if fold and not fold.isdecimal():
        raise BadInputError(f"{place}: `{fold}` is not a fold's number", "correct the line")
    labels: tuple[str, ...]
    if "verb" in known:
        labels = (cell("verb"), cell("noun"))
        if not all(labels):
            raise BadInputError(f"{place} has not a verb and a noun", "fill them in, or delete the line")
    else:
        parts = (label.strip() for label in cell("labels").split(options.separator))
        labels = tuple(dict.fromkeys(filter(None, parts)))
    others = set(columns.places) - set(known.values()) - {""}
    return ListedClip(
        clip_id=cell("clip_id"),
        media=media,
        start=start or 0.0,
        end=end,
        split=split_name(cell("split")),
        fold=int(fold) if fold else None,
        labels=labels,
        text=cell("text"),
        group=cell("group") or media,
        extras={name: columns.text(line, name) for name in sorted(others)},
        where=f"{columns.path.name} line {line.number}",
    )


def _merged(rows: Iterator[ListedClip]) -> list[ListedClip]:
    """The rows, those that differ in their label alone as one."""
    clips: dict[tuple[object, ...], ListedClip] = {}
    for row in rows:
        extras = tuple(row.extras.items())
        key = (row.media, row.start, row.end, row.split, row.fold, row.text, row.group, extras)
        if key in clips:
            merged = dict.fromkeys([*clips[key].labels, *row.labels])
            clips[key] = replace(clips[key], labels=tuple(merged))
        else:
            clips[key] = row
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
