"""The SHA-256 of media, remembered while a file's size and time of change stay the same."""

import json
from pathlib import Path

from avtool.core.files import sha256_of, write_json


class ContentHashes:
    """Hashes of files.

    Args:
        memory: a JSON file that keeps them between runs.
    """

    def __init__(self, memory: Path) -> None:
        self._memory = memory
        self._known: dict[str, list[object]] = _read(memory)
        self._changed = False

    def of(self, path: Path) -> str:
        """The hash of a file's content, in hexadecimal."""
        stat = path.stat()
        state: list[object] = [stat.st_size, stat.st_mtime_ns]
        name = str(path.absolute())
        known = self._known.get(name)
        if known is None or known[:2] != state:
            known = self._known[name] = [*state, sha256_of(path)]
            self._changed = True
        return str(known[2])

    def save(self) -> None:
        """Writes the memory, if there is something new."""
        if self._changed:
            write_json(self._memory, self._known, indent=None)


def _read(memory: Path) -> dict[str, list[object]]:
    """What was remembered; a damaged memory is no memory."""
    try:
        values = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(values, dict):
        return {}
    return {name: known for name, known in values.items() if isinstance(known, list) and len(known) == 3}
