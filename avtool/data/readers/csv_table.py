"""Any table of clips, CSV, semicolons, tabs, JSON Lines or Parquet, with a column for the media.

Also a folder of media with such tables in it: `metadata.csv`, `.jsonl` or `.parquet` of Hugging Face, the TSV
files of DCASE, FSD50K's ground truth. Their labels win over the names of folders.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from avtool.core.errors import BadInputError
from avtool.core.files import is_file, without_passwords
from avtool.data.labels import LabelClass
from avtool.data.readers.layouts import reads
from avtool.data.readers.media_index import list_media, plain_name, stem_of
from avtool.data.readers.source import ListedClip, ReadOptions, Source
from avtool.data.readers.tables import TABLE_SUFFIXES, Columns, Line, header_of, read_table
from avtool.data.split_names import split_among, split_name

_NAMES = {
    "media": (
        "media", "film", "clip", "file", "filename", "file_name", "fname", "path", "filepath", "file_path",
        "wav", "wav_file", "audio", "audio_file", "audio_path", "video", "video_file", "video_path",
    ),
    "labels": (
        "labels", "label", "category", "class", "class_name", "class_label", "tag", "tags", "event_label",
        "event_labels", "scene_label", "target_label", "genre", "emotion",
    ),
    "start": ("start", "start_seconds", "start_time", "time_start", "onset", "begin"),
    "end": ("end", "end_seconds", "end_time", "time_end", "offset", "stop"),
    "split": ("split", "subset", "set", "partition"),
    "fold": ("fold", "folds", "fold_id", "cv_fold", "kfold"),
    "text": ("text", "caption", "captions", "transcript", "transcription", "sentence"),
    "group": ("group", "source", "src_file", "recording", "film_id", "video_id"),
    "clip_id": ("clip_id", "id", "uid"),
    "verb": ("verb",),
    "noun": ("noun",),
}  # fmt: skip
_HINT = "its header needs one of " + ", ".join(_NAMES["media"])
_PLURAL = {"labels", "tags", "event_labels"}
"""Columns of several labels, which people also divide by commas without a space (`Speech,Dishes`)."""
_OFF, _ON = {"0", "0.0", "false"}, {"1", "1.0", "true"}
"""Cells of a column that is a class."""
_MOST_DEEP, _MOST_TABLES = 3, 1000


def recognises(path: Path) -> bool:
    """Whether this is a table with a column for the media."""
    return path.is_file() and bool(header_of(path) & set(_NAMES["media"]))


def recognises_folder(path: Path) -> bool:
    """Whether a folder has media, and tables that label them."""
    return path.is_dir() and bool(tables_in(path)) and bool(list_media(path))


@reads("csv", "A table with a column for the media.", recognises, generic=True)
def read(path: Path, options: ReadOptions) -> Source:
    """Reads the table. Columns that are not known are kept as further columns of the manifest.

    Rows that differ in nothing but their label are one clip with several labels; other rows of the same media
    are numbered.

    Raises:
        BadInputError: no column names the media, or a row is wrong.
    """
    clips, classes = _clips_of(path, options)
    return Source("csv", _numbered(clips), media=path.parent, inputs=(path,), classes=classes)


# Among the generic layouts this one is tried before `folders`: they go by their names.
@reads("csv-folder", "Media with tables that label them.", recognises_folder, generic=True)
def read_folder(path: Path, options: ReadOptions) -> Source:
    """Reads all tables of a folder as `read` does; media are looked for beside their table, then anywhere.

    A table named after a split (`train.csv`, `train/metadata.csv`) is of this split; where none is, and all
    media lie in folders of splits, these are.

    Raises:
        BadInputError: there is no such table, a row is wrong, or two tables differ about a clip.
    """
    tables = tables_in(path)
    if not tables:
        raise BadInputError(f"`{path}` holds no table of labels", _HINT)
    return read_tables("csv-folder", path, tables, options)


def read_tables(layout: str, folder: Path, tables: Sequence[Path], options: ReadOptions) -> Source:
    """Reads some tables of one folder of media."""
    found: dict[tuple[str, float, float | None], tuple[Path, ListedClip]] = {}
    clips: list[ListedClip] = []
    classes: dict[str, tuple[LabelClass, ...]] = {}
    for table in tables:
        listed, classes = _clips_of(table, options)
        place = table.parent.relative_to(folder)
        split = split_among((table.stem, *reversed(place.parts)))
        if not split and all(map(_split_of, listed)):
            listed = [replace(clip, split=clip.split or _split_of(clip)) for clip in listed]
        for clip in listed:
            beside = (place / clip.media).as_posix()
            media = beside if is_file(folder / beside) else clip.media
            group = media if clip.group == clip.media else clip.group
            clip = replace(clip, media=media, group=group, split=clip.split or split)
            origin, first = found.setdefault((media, clip.start, clip.end), (table, clip))
            if origin == table:  # whose rows may be several about the same part of a file
                clips.append(clip)
            elif set(first.labels) != set(clip.labels):
                message = f"{first.where} and {clip.where} label `{media}` differently"
                raise BadInputError(message, "give the one that holds as the source")
    return Source(layout, _numbered(clips), media=folder, inputs=tuple(tables), classes=classes)


def _split_of(clip: ListedClip) -> str:
    """The split that the folders of its media are named after: `data/train/1.wav`."""
    return split_among(PurePosixPath(clip.media).parts[:-1])


def tables_in(folder: Path) -> list[Path]:
    """The tables in a folder, and in those of it, that name media and label or describe them."""
    wanted = {name for what in ("labels", "verb", "text") for name in _NAMES[what]}
    found: list[Path] = []
    for place, folders, files in os.walk(folder):
        depth = len(Path(place).relative_to(folder).parts)
        folders[:] = sorted(name for name in folders if depth < _MOST_DEEP and not name.startswith("."))
        tables = sorted(
            name
            for name in files
            if PurePosixPath(name).suffix.lower() in TABLE_SUFFIXES
            and not name.startswith(".")
            and (not name.lower().endswith(".parquet") or _is_of_labels(name))
        )
        for name in tables[:_MOST_TABLES]:
            header = header_of(Path(place) / name)
            if header & set(_NAMES["media"]) and header & wanted:
                found.append(Path(place) / name)
    return found


def _is_of_labels(name: str) -> bool:
    """Whether a Parquet file in a folder is named as one of labels: others hold features and results."""
    stem = PurePosixPath(name).stem
    return stem.lower() == "metadata" or bool(split_among([stem]))


def _clips_of(path: Path, options: ReadOptions) -> tuple[list[ListedClip], dict[str, tuple[LabelClass, ...]]]:
    """The clips of a table, and its class lists where it has verbs and nouns."""
    header, lines = read_table(path, options.separator)
    known = {what: name for what, names in _NAMES.items() if (name := _first(names, header))}
    if "media" not in known:
        raise BadInputError(f"`{path}` has no column for the media", _HINT)
    if "labels" in known or not {"verb", "noun"} <= known.keys():
        known = {what: name for what, name in known.items() if what not in {"verb", "noun"}}
    columns, hot = Columns(path, header, ()), dict[str, str]()
    if not known.keys() & {"labels", "verb", "text"}:
        lines = iter(found := list(lines))
        names = _one_hot(columns, found, set(columns.places) - set(known.values()))
        hot = {name: header[columns.places[name]].strip() for name in names}
    rows = (_row(columns, line, known, options, hot) for line in lines)
    clips = list(rows) if known.keys() & {"clip_id", "verb"} else _merged(rows)
    if not clips:
        raise BadInputError(f"`{path}` has a header and no rows", "add a row for each clip")
    return clips, _verbs_and_nouns(clips) if "verb" in known else {}


def _verbs_and_nouns(clips: Sequence[ListedClip]) -> dict[str, tuple[LabelClass, ...]]:
    """The first labels and the second ones as two class lists, by name."""
    columns = zip(*(clip.labels for clip in clips), strict=True)
    return {
        name: tuple(LabelClass(label) for label in sorted(set(labels)))
        for name, labels in zip(("verbs", "nouns"), columns, strict=True)
    }


def _one_hot(columns: Columns, lines: Sequence[Line], names: set[str]) -> list[str]:
    """The columns, in their order, that hold nothing but 0 and 1, and both: classes; none where one does."""
    found = []
    for name in sorted(names - {""}, key=columns.places.__getitem__):
        values = {columns.text(line, name).lower() for line in lines}
        if values <= _OFF | _ON and values & _OFF and values & _ON:
            found.append(name)
    return found if len(found) > 1 else []


def _row(
    columns: Columns, line: Line, known: dict[str, str], options: ReadOptions, hot: Mapping[str, str]
) -> ListedClip:
    def cell(what: str) -> str:
        return columns.text(line, known[what]) if what in known else ""

    media, place = plain_name(cell("media")), f"`{columns.path}` line {line.number}"
    start = columns.number(line, known.get("start", ""))
    end = columns.number(line, known.get("end", ""))
    if not media:
        raise BadInputError(f"{place} names no media", "fill it in, or delete the line")
    if end is not None and end <= (start or 0.0):
        raise BadInputError(
            f"{place}: the clip ends at {end:g} s, at or before its start", "correct the times"
        )
    labels: tuple[str, ...]
    if "verb" in known:
        labels = (cell("verb"), cell("noun"))
        if not all(labels):
            raise BadInputError(f"{place} has not a verb and a noun", "fill them in, or delete the line")
    elif hot:
        labels = tuple(label for name, label in hot.items() if columns.text(line, name).lower() in _ON)
    else:
        parts = cell("labels").split(options.separator)
        if len(parts) == 1 and known.get("labels") in _PLURAL:
            parts = re.split(r",(?!\s)", parts[0])
        labels = tuple(dict.fromkeys(filter(None, (label.strip() for label in parts))))
    others = set(columns.places) - set(known.values()) - {"", *hot}
    return ListedClip(
        clip_id=cell("clip_id"),
        media=media,
        start=start or 0.0,
        end=end,
        split=split_name(cell("split")),
        fold=columns.count(line, known.get("fold", "")),
        labels=labels,
        text=cell("text"),
        group=cell("group") or without_passwords(media),
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
            stem = stem_of(without_passwords(clip.media))
            name = f"{stem}_{clip.start:g}" if clip.start or clip.end is not None else stem
            taken[name] = taken.get(name, 0) + 1
            name = f"{name}#{taken[name]}" if taken[name] > 1 else name
        numbered.append(replace(clip, clip_id=name))
    return numbered


def _first(names: Sequence[str], header: Sequence[str]) -> str:
    have = {cell.strip().lower() for cell in header}
    return next((name for name in names if name in have), "")
