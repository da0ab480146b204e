"""Layouts that other programs read: Hugging Face datasets, WebDataset, AudioSet, SAM-S and Croissant."""

import base64
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avtool.core.errors import BadInputError
from avtool.core.files import atomic_file, write_csv
from avtool.core.requirements import require
from avtool.data.readers.tables import Columns, Line, read_lines
from avtool.data.shards.source import SHARDS
from avtool.data.sharing import LayoutName
from avtool.data.sharing.annotations import Annotations, write_table
from avtool.data.sharing.croissant import write_croissant_table
from avtool.data.sharing.public_table import blocks_of, public_table, splits_of
from avtool.data.sharing.segments import Segments
from avtool.mining.sams_layout import SamsClip, write_sams_json
from avtool.mining.tagger import coarse_sources

_CLIPS_PER_SHARD = 10_000
_AUDIOSET_LISTS = {
    "train": "balanced_train_segments.csv", "validation": "val_segments.csv", "test": "eval_segments.csv",
}  # fmt: skip


class Written(NamedTuple):
    """What a layout holds: its clips, and those that it cannot hold."""

    clips: int
    skipped: int


def write_hf(folder: Path, annotations: Annotations) -> Written:
    """A Parquet file a split, `data/SPLIT-00000-of-00001.parquet`: `datasets.load_dataset(folder)`."""
    table = public_table(annotations)
    for split, rows in splits_of(annotations).items():
        write_table(folder / "data" / f"{split}-00000-of-00001.parquet", table, rows=rows)
    return Written(len(annotations), 0)


def write_webdataset(folder: Path, annotations: Annotations) -> Written:
    """Shards of a JSON file a clip, which have the keys of `avtool shards`, and no media."""
    webdataset = require("webdataset", extra="webdataset")
    table = public_table(annotations)
    for first in range(0, len(table), _CLIPS_PER_SHARD):
        path = folder / SHARDS / f"{first // _CLIPS_PER_SHARD:05d}.tar"
        with (
            atomic_file(path) as partial,
            partial.open("wb") as stream,
            webdataset.TarWriter(stream, encoder=False, mtime=0) as tar,
        ):
            for number, row in enumerate(table.slice(first, _CLIPS_PER_SHARD).to_pylist(), first):
                facts = {name: value for name, value in row.items() if value is not None}
                facts["seconds"] = row["end"] - row["start"]
                text = json.dumps(facts, ensure_ascii=False, sort_keys=True, default=str)
                tar.write({"__key__": f"{number:09d}", "json": text.encode()})
    return Written(len(table), 0)


def write_croissant(folder: Path, annotations: Annotations) -> Written:
    """One Parquet table; `croissant.json`, which describes it, follows with the card's facts."""
    write_croissant_table(folder, annotations)
    return Written(len(annotations), 0)


def write_audioset(folder: Path, annotations: Annotations) -> Written:
    """AudioSet's lists of segments, a list a split; clips without a label are skipped.

    The video id of a film is the beginning of its content hash in base64; `class_labels_indices.csv` names
    the labels. Clips of one segment are one row.
    """
    _need_known_splits(annotations)
    codes = _codes(annotations)
    ids = [_video_id(film.sha256) for film in annotations.films]
    segments = Segments(annotations, ids, codes)
    held = 0
    for split, rows in splits_of(annotations).items():
        held += segments.write(folder / _AUDIOSET_LISTS[split], rows)
    rows_of_classes = [[index, code, label] for index, (label, code) in enumerate(codes.items())]
    write_csv(folder / "class_labels_indices.csv", ["index", "mid", "display_name"], rows_of_classes)
    columns = ["video_id", "film", "file", "sha256"]
    write_csv(
        folder / "videos.csv",
        columns,
        ([key, film.id, film.name, film.sha256] for key, film in zip(ids, annotations.films, strict=True)),
    )
    return Written(held, len(annotations) - held)


def write_sams(folder: Path, annotations: Annotations) -> Written:
    """The lists of the Subtitle-Aligned Movie Sounds; clips without a sound are skipped."""
    _need_known_splits(annotations)
    sounds = "sounds" if "sounds" in annotations.table.column_names else "labels"
    counts: Counter[str] = Counter()
    held = 0
    for split, rows in splits_of(annotations).items():
        name = f"{'val' if split == 'validation' else split}.json"
        held += write_sams_json(folder / name, _sams_clips(annotations, rows, sounds, counts))
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    table = [[index, sound, count] for index, (sound, count) in enumerate(ranked)]
    write_csv(folder / "movie_sounds.csv", ["index", "label", "counts"], table)
    return Written(held, len(annotations) - held)


def _sams_clips(
    annotations: Annotations, rows: NDArray[np.int64], sounds: str, counts: Counter[str]
) -> Iterator[SamsClip]:
    """The clips of some rows; their sounds are counted."""
    names = ["clip_id", sounds, "sources_stated", "sources_default"]
    table = annotations.table.select([name for name in names if name in annotations.table.column_names])
    for block in blocks_of(table, rows):
        for row in block.to_pylist():
            found = tuple(row.get(sounds) or ())
            stated, implied = row.get("sources_stated") or (), row.get("sources_default") or ()
            counts.update(found)
            yield SamsClip(f"{row['clip_id']}.wav", found, coarse_sources(stated) or tuple(implied))


def _need_known_splits(annotations: Annotations) -> None:
    """Refuses splits for which the layout has no list."""
    others = sorted(set(splits_of(annotations)) - _AUDIOSET_LISTS.keys())
    if others:
        message = f"`{annotations.name}` has a split `{others[0]}`, which this layout has no list for"
        raise BadInputError(message, "--to hf holds splits of other names")


def _codes(annotations: Annotations) -> dict[str, str]:
    """A code of AudioSet's form for each label, in the order of the class list."""
    used = annotations.names("labels")
    listed = [path for path in annotations.labels if path.name == "classes.csv"]
    known = _class_codes(listed[0]) if listed else {}
    codes: dict[str, str] = {}
    for label in [*(label for label in known if label in used), *sorted(used - known.keys())]:
        code = known.get(label) or f"/t/{re.sub(r'[^A-Za-z0-9]+', '_', label).strip('_') or 'label'}"
        codes[label] = code if code not in codes.values() else f"{code}_{len(codes)}"
    return codes


def _class_codes(path: Path) -> dict[str, str]:
    """The classes of a class list in its order, with AudioSet's codes where it has them."""
    lines = read_lines(path)
    columns = Columns(path, next(lines, Line(0, [])).cells, ("label",))
    rows = [(columns.text(line, "label"), columns.text(line, "code")) for line in lines]
    return {label: code if re.fullmatch(r"/[mtg]/\w+", code) else "" for label, code in rows}


def _video_id(sha256: str) -> str:
    return base64.urlsafe_b64encode(bytes.fromhex(sha256)).decode()[:11]


LAYOUTS: dict[LayoutName, Callable[[Path, Annotations], Written]] = {
    "hf": write_hf,
    "webdataset": write_webdataset,
    "audioset-csv": write_audioset,
    "croissant": write_croissant,
    "sams": write_sams,
}
"""The writer of each layout."""
