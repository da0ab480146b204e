"""Records of the clips that a training uses, and of those that a model is tested on."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import pyarrow as pa

from avtool.core.addresses import is_address
from avtool.core.learned_clips import COLUMNS, LearnedClips, Use, record_schema
from avtool.core.manifest_columns import distinct_rows
from avtool.data.items import Item
from avtool.data.manifest import Manifest

_READ = 1 << 16  # bytes at the begin, in the middle and at the end
_THREADS = 8  # that wait for a disk
_ENDLESS = float("inf")


def learned_from(clips: Manifest, use: Use) -> LearnedClips:
    """The record of clips that a training uses.

    Args:
        clips: of a dataset.
        use: what for.
    """
    return LearnedClips(named_clips(clips, use))


def named_clips(clips: Manifest, use: str = "") -> pa.Table:
    """The columns of a record: (N,) names, recordings, fingerprints and spans."""
    numbers, firsts = distinct_rows(clips.table.select(["media"]))
    names = [clips[int(place)].media for place in firsts]
    paths = [None if is_address(name) else _path(clips, name) for name in names]
    contents = _fingerprints([path for path in paths if path is not None])
    found = pa.array([contents[path] if path is not None else "" for path in paths], pa.string())
    table = clips.table.select(["clip_id", "group", "start", "end"])
    table = table.append_column("content", found.take(pa.array(numbers)))
    table = table.append_column("use", pa.repeat(use, len(clips)))
    return table.select(list(COLUMNS)).cast(record_schema())


def named_items(items: Sequence[Item]) -> pa.Table:
    """The columns of a record of files and clips that a model is applied to."""
    contents = _fingerprints([item.path for item in items])
    clips = [item.clip for item in items]
    return _table(
        [item.name for item in items],
        [clip.group if clip else "" for clip in clips],
        [contents[item.path] for item in items],
        [clip.start if clip else 0.0 for clip in clips],
        [clip.end if clip else _ENDLESS for clip in clips],
        "",
    )


def _table(
    ids: Sequence[str],
    groups: Sequence[str],
    contents: Sequence[str],
    starts: Sequence[float],
    ends: Sequence[float],
    use: str,
) -> pa.Table:
    return pa.table([ids, groups, contents, starts, ends, [use] * len(ids)], schema=record_schema())


def _path(clips: Manifest, name: str) -> Path | None:
    """A clip's file; None where it is in a shard."""
    path = clips.folder / name
    return path if path.is_file() else None


def _fingerprints(paths: Sequence[Path]) -> dict[Path, str]:
    distinct = list(dict.fromkeys(paths))
    with ThreadPoolExecutor(_THREADS) as pool:
        return dict(zip(distinct, pool.map(_fingerprint, distinct), strict=True))


def _fingerprint(path: Path) -> str:
    """A hash of a file's size and of three parts of it; empty where it cannot be read."""
    try:
        stat = path.stat()
        return _hash_parts(path, stat.st_size, stat.st_mtime_ns)
    except OSError:
        return ""


@lru_cache(maxsize=200_000)
def _hash_parts(path: Path, size: int, _changed: int) -> str:
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as stream:
        for place in (0, (size - _READ) // 2, size - _READ) if size > 3 * _READ else (0,):
            stream.seek(place)
            digest.update(stream.read(_READ if size > 3 * _READ else size))
    return digest.hexdigest()[:32]
