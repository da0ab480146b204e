"""A folder a class: `dog/1.wav`, below splits (`train/dog/1.wav`), folds or a folder that holds them all."""

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from avtool.core.errors import BadInputError
from avtool.data.readers.layouts import reads
from avtool.data.readers.media_index import list_media, plain_name, stem_of
from avtool.data.readers.source import ListedClip, ReadOptions, RefusedLine, Source
from avtool.data.split_names import SPLIT_NAMES, split_among, split_name
from avtool.media.suffixes import IMAGE_SUFFIXES

_FOLD = re.compile(r"fold[ _-]?(\d{1,4})", re.IGNORECASE)
_TABLES = (".csv", ".tsv", ".jsonl", ".json", ".parquet", ".xlsx", ".xls", ".arff")
_SHOWN = 3
_MAX_LIST_BYTES = 20_000_000


def recognises(path: Path) -> bool:
    """Whether there are media in folders of this folder."""
    return path.is_dir() and any("/" in name for name in _list(path))


@reads("folders", "Media in folders that are their classes.", recognises, generic=True)
def read(path: Path, options: ReadOptions) -> Source:  # noqa: ARG001
    """Lists the media; deeper folders belong to their class, and media outside of a class have no label.

    Text files that list media and are named after a split give it.

    Raises:
        BadInputError: there are no media.
    """
    listed = _list(path)
    names = [name for name in listed if _is_text(name)]
    if not names:
        raise BadInputError(f"there are no media in `{path}`", "give a folder with a folder for each class")
    refused = tuple(
        RefusedLine(shown, f"the name of `{shown}` is not in UTF-8: rename it")
        for name in listed
        if not _is_text(name) and (shown := name.encode("utf-8", "backslashreplace").decode())
    )
    skipped = _containers([PurePosixPath(name).parts for name in names])
    divided = _all_are([PurePosixPath(name).parts[skipped:] for name in names], _is_split)
    folded = _all_are([PurePosixPath(name).parts[skipped + divided :] for name in names], _is_fold)
    stems = [stem_of(name) for name in names]
    repeated = {stem for stem in stems if stems.count(stem) > 1} if len(set(stems)) < len(stems) else set()
    listed_splits, unread = _text_lists(path, names)
    clips = []
    for name, stem in zip(names, stems, strict=True):
        *folders, _ = PurePosixPath(name).parts
        del folders[:skipped]
        split = split_name(folders.pop(0)) if divided and folders else listed_splits.get(name, "")
        fold = int(_FOLD.fullmatch(folders.pop(0))[1]) if folded and folders else None  # type: ignore[index]
        clip_id = name if stem in repeated else stem
        labels = tuple(folders[:1])
        where = str(path / name)
        clips.append(ListedClip(clip_id, name, 0.0, None, split, fold, labels, group=clip_id, where=where))
    return Source("folders", clips, media=path, refused=refused, notes=_notes(path, clips, unread))


def _list(path: Path) -> list[str]:
    """Films and audio; of a folder without any, its images: beside films these are posters."""
    return list_media(path) or list_media(path, IMAGE_SUFFIXES)


def _is_text(name: str) -> bool:
    """Whether a name can be written into a table: names of bytes that are no UTF-8 cannot."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _containers(paths: Sequence[tuple[str, ...]]) -> int:
    """How many folders hold all of the others: the `audio` of `audio/dog/1.wav` and `audio/cat/1.wav`."""
    depth = 0
    while all(len(parts) > depth + 2 for parts in paths) and len({parts[depth] for parts in paths}) == 1:
        depth += 1
    return depth


def _all_are(paths: Sequence[tuple[str, ...]], kind: Callable[[str], bool]) -> bool:
    """Whether the first folder of every path that has one is of a kind."""
    tops = {parts[0] for parts in paths if len(parts) > 1}
    return bool(tops) and all(kind(top) for top in tops)


def _is_split(name: str) -> bool:
    return name.lower() in SPLIT_NAMES


def _is_fold(name: str) -> bool:
    return _FOLD.fullmatch(name) is not None


def _text_lists(path: Path, names: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """The splits by lists of media (`validation_list.txt` of Speech Commands), and the lists of another kind.

    Media that no list names are for training, where there are lists for something else.
    """
    media, splits, unread = set(names), dict[str, str](), list[str]()
    ends = {PurePosixPath(name).name for name in names}
    for file in sorted(path.glob("*.txt")):
        lines = [plain_name(line) for line in _lines(file)]
        if (split := split_among([file.stem])) and lines and media.issuperset(lines):
            splits |= dict.fromkeys(lines, split)
        elif lines and not ends.isdisjoint(re.split(r"[\s,;/]+", lines[0])):
            unread.append(file.name)
    if splits and "train" not in splits.values():
        splits = dict.fromkeys(names, "train") | splits
    return splits, unread


def _lines(file: Path) -> list[str]:
    """The lines of a short text file that are not empty; none where it cannot be read."""
    try:
        if file.stat().st_size > _MAX_LIST_BYTES:
            return []
        return [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, ValueError):
        return []


def _notes(path: Path, clips: Sequence[ListedClip], unread: Sequence[str]) -> tuple[str, ...]:
    """Doubts about labels that come from the names of folders: tables beside them, and one label for all."""
    tables = list(unread)
    for place, folders, files in os.walk(path):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found = [name for name in files if PurePosixPath(name).suffix.lower() in _TABLES]
        tables += [(Path(place) / name).relative_to(path).as_posix() for name in found if name[0] != "."]
    labels = {clip.labels for clip in clips}
    notes = []
    if tables:
        shown = ", ".join(f"`{name}`" for name in sorted(tables)[:_SHOWN])
        more = f" and {len(tables) - _SHOWN} more" if len(tables) > _SHOWN else ""
        notes.append(f"{shown}{more} not read: the labels are the names of the folders")
    if len(labels) == 1 and len(clips) > 1:
        only = next(iter(labels))
        what = f"the label `{only[0]}`, the name of their folder" if only else "no label"
        notes.append(f"all {len(clips)} clips have {what}")
    return tuple(notes)
