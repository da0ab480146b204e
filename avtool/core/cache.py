"""The cache folder: everything in it can be made again."""

import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from avtool.core.files import writing
from avtool.core.paths import cache_folder


@dataclass(frozen=True)
class Entry:
    """One file or folder of the cache: its name, size in bytes, and the day of its last use."""

    name: str
    size: int
    last_used: str


def list_entries() -> list[Entry]:
    """The entries without lock files, the one unused for longest first."""
    return [entry for _, entry in _entries_by_age() if not entry.name.endswith(".lock")]


def prune(older_than_days: int, *, dry_run: bool = False) -> list[Entry]:
    """Removes the entries whose last use is at least this many days ago, and returns them."""
    limit = time.time() - 86400 * older_than_days
    removed = [entry for used, entry in _entries_by_age() if used <= limit]
    if not dry_run:
        for entry in removed:
            path = cache_folder() / entry.name
            with writing(path):
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    return removed


def _entries_by_age() -> list[tuple[float, Entry]]:
    folder = cache_folder()
    if not folder.is_dir():
        return []
    found = []
    for path in folder.iterdir():
        stats = [item.lstat() for item in (path, *path.rglob("*"))]
        used = max(max(stat.st_mtime, stat.st_atime) for stat in stats)
        day = datetime.fromtimestamp(used, UTC).date().isoformat()
        found.append((used, Entry(path.name, sum(stat.st_size for stat in stats), day)))
    return sorted(found, key=lambda pair: (pair[0], pair[1].name))
