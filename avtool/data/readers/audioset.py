"""AudioSet's lists of segments (Gemmeke et al., 2017): `YTID, start_seconds, end_seconds, positive_labels`.

Read as published (three lines that begin with #, a space after each comma), with one clean header, and after
a spreadsheet has padded the rows and cut the labels apart. Rows whose video id a spreadsheet has replaced by
`#NAME?` or a number cannot be repaired, and are refused one by one.
"""

import json
import re
from dataclasses import replace
from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.data.labels import LabelClass
from avtool.data.readers.layouts import reads
from avtool.data.readers.source import ListedClip, ReadOptions, RefusedLine, Source
from avtool.data.readers.tables import Columns, Line, first_cells, read_lines

_LISTS = (
    "balanced_train_segments.csv", "unbalanced_train_segments.csv", "val_segments.csv", "eval_segments.csv",
)  # fmt: skip
_YOUTUBE_ID = re.compile(r"[\w-]{11}")
_NUMBER = re.compile(r"\d+(\.\d*)?")
_MID = re.compile(r"/[mtg]/\w+")
_MAX_ONTOLOGY = 50_000_000


def recognises(path: Path) -> bool:
    """Whether this is such a list, or a folder with the published names."""
    if path.is_dir():
        return bool(_lists_in(path))
    first = first_cells(path)[0]
    return first == "ytid" or first.startswith("# segments csv")


@reads("audioset", "AudioSet's segment lists.", recognises)
def read(path: Path, options: ReadOptions) -> Source:  # noqa: ARG001
    """Reads a list, or all lists of a folder; `group` is the video.

    Labels get the names of `class_labels_indices.csv` or of `ontology.json` beside the list; without either
    they stay as they are (`/m/09x0r`).

    Raises:
        BadInputError: there is no row that can be read.
    """
    paths = _lists_in(path) if path.is_dir() else [path]
    folder = path if path.is_dir() else path.parent
    classes, inputs = _class_names(folder)
    names = {entry.code: entry.label for entry in classes}
    clips: dict[str, ListedClip] = {}
    refused: list[RefusedLine] = []
    for list_path in paths:
        for line in read_lines(list_path, spaces=True):
            if line.cells[0].startswith("# ") or line.cells[0].strip().lower() == "ytid":
                continue
            clip = _row(list_path, line, names)
            if isinstance(clip, RefusedLine):
                refused.append(clip)
            else:
                first = clips.setdefault(clip.clip_id, clip)
                if first.end != clip.end:  # another segment of the same start
                    clip = replace(clip, clip_id=f"{clip.clip_id}_{round((clip.end or 0) * 1000)}")
                    clips.setdefault(clip.clip_id, clip)
    if not clips:
        raise BadInputError(f"`{path}` has no row of AudioSet", "a row is: YTID, start, end, labels")
    return Source(
        "audioset",
        list(clips.values()),
        media=folder,
        inputs=(*paths, *inputs),
        classes={"classes": classes} if classes else {},
        refused=tuple(refused),
        cut_names=_cut_names,
        other_names=lambda clip: (f"Y{clip.media}",),
        web=True,
    )


def _lists_in(folder: Path) -> list[Path]:
    return [path for name in _LISTS if (path := folder / name).is_file()]


def _split_of(path: Path) -> str:
    starts = {"eval": "test", "val": "val"}
    found = next((split for start, split in starts.items() if path.stem.startswith(start)), "")
    return found or ("train" if "train" in path.stem else "")


def _row(path: Path, line: Line, names: dict[str, str]) -> ListedClip | RefusedLine:
    where = f"{path.name} line {line.number}"
    video, *rest = (cell.strip(' "') for cell in line.cells)
    if not _YOUTUBE_ID.fullmatch(video):
        return RefusedLine(where, f"`{video}` is not a video id (damaged by a spreadsheet?)")
    if len(rest) < 2 or not all(_NUMBER.fullmatch(text) for text in rest[:2]):
        return RefusedLine(where, "its start and end are not numbers")
    start, end = float(rest[0]), float(rest[1])
    labels = [label.strip(' "') for cell in rest[2:] for label in cell.split(",") if label.strip(' "')]
    if end <= start or not labels or not all(_MID.fullmatch(label) for label in labels):
        return RefusedLine(where, "it ends before it starts, or its labels are no labels of AudioSet")
    unknown = [label for label in labels if names and label not in names]
    if unknown:
        return RefusedLine(where, f"`{unknown[0]}` is not in the class list")
    return ListedClip(
        clip_id=f"{video}_{round(start * 1000)}",
        media=video,
        start=start,
        end=end,
        split=_split_of(path),
        labels=tuple(dict.fromkeys(names.get(label, label) for label in labels)),
        group=video,
        where=where,
    )


def _cut_names(clip: ListedClip) -> tuple[str, ...]:
    """How people name the files they cut out: with the start in seconds or milliseconds, and the end."""
    start, end = clip.start, clip.end or clip.start + 10
    marks = (
        f"{start * 1000:.0f}", f"{start * 1000:.0f}_{end * 1000:.0f}", f"{start:.3f}", f"{start:.0f}",
        f"{start:06.0f}", f"{start:.0f}_{end:.0f}", f"{start:.3f}_{end:.3f}", f"{start:06.0f}_{end:06.0f}",
    )  # fmt: skip
    return tuple(f"{first}{clip.media}_{mark}" for first in ("", "Y") for mark in marks)


def _class_names(folder: Path) -> tuple[tuple[LabelClass, ...], tuple[Path, ...]]:
    """The classes in AudioSet's order, and the file that names them."""
    table, ontology = folder / "class_labels_indices.csv", folder / "ontology.json"
    if table.is_file():
        lines = read_lines(table)
        columns = Columns(table, next(lines, Line(0, [])).cells, ("mid", "display_name"))
        rows = [(columns.text(line, "mid"), columns.text(line, "display_name")) for line in lines]
        return tuple(LabelClass(name, mid) for mid, name in rows), (table,)
    if ontology.is_file():
        return _read_ontology(ontology), (ontology,)
    return (), ()


def _read_ontology(path: Path) -> tuple[LabelClass, ...]:
    """The classes of the ontology that may label a clip, in its order."""
    try:
        if path.stat().st_size > _MAX_ONTOLOGY:
            raise BadInputError(f"`{path}` is too large for an ontology")
        nodes = json.loads(path.read_text(encoding="utf-8"))
        return tuple(
            LabelClass(str(node["name"]), str(node["id"]))
            for node in nodes
            if "abstract" not in node["restrictions"]
        )
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise BadInputError(
            f"`{path}` is not AudioSet's ontology ({error!r})", "download it again"
        ) from error
