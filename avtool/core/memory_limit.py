"""The memory that a process can hold, by the machine and by the control groups (cgroups) that it runs in."""

import os
from collections.abc import Iterator
from pathlib import Path

_UNLIMITED = 1 << 60
"""Limits from here on are none: version 1 of the groups writes the largest number of pages."""


def memory_limit(root: Path = Path("/")) -> int | None:
    """Bytes that this process can hold: those that it holds already, and those that are available.

    Pages of files count as available, since the kernel drops them first; swap does not count.

    Args:
        root: above `proc` and `sys`.

    Returns:
        None outside Linux.
    """
    try:
        machine = _table(root / "proc/meminfo")["MemAvailable"] * 1024
        held = _table(root / "proc/self/status")["VmRSS"] * 1024
    except (OSError, KeyError, ValueError):
        return None
    return held + min([machine, *_rooms(root)])


def _rooms(root: Path) -> Iterator[int]:
    """What each group leaves, from the process's own up to the root's."""
    try:
        lines = os.fsdecode((root / "proc/self/cgroup").read_bytes()).split("\n")
    except OSError:
        return
    for number, controllers, path in (line.split(":", 2) for line in lines if line.count(":") > 1):
        if number == "0":
            mount, limit, used = root / "sys/fs/cgroup", "memory.max", "memory.current"
        elif "memory" in controllers.split(","):
            mount, limit, used = (
                root / "sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes",
            )  # fmt: skip
        else:
            continue
        folder = mount / path.strip("/")
        for group in (folder, *folder.parents):
            if group.is_relative_to(mount):
                yield from _room(group, limit, used)


def _room(group: Path, limit: str, used: str) -> Iterator[int]:
    try:
        most = int((group / limit).read_text())
        if most >= _UNLIMITED:
            return
        stat = _table(group / "memory.stat")
        files = sum(stat.get(f"total_{name}", stat.get(name, 0)) for name in ("active_file", "inactive_file"))
        yield max(most - int((group / used).read_text()) + files, 0)
    except (OSError, ValueError):  # no such group here, or `max`
        return


def _table(file: Path) -> dict[str, int]:
    """The numbers of a file of lines such as `MemAvailable:  1024 kB`."""
    rows = (line.split() for line in file.read_text().splitlines())
    return {row[0].rstrip(":"): int(row[1]) for row in rows if len(row) > 1 and row[1].isdigit()}
