"""The annotation layout of the Subtitle-Aligned Movie Sounds: one JSON file a split.

`{"data": [{"wav": "FILM/1.wav", "labels": "groan,exclaim", "sources": "person,people"}, …]}`: labels and
sources are joined by commas. Ours hold each label once and no empty one; the published files do not always.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avtool.core.errors import BadInputError
from avtool.core.files import atomic_file

_HINT = 'give a JSON file {"data": [{"wav": "…", "labels": "a,b", "sources": "c"}]}'
MAX_BYTES = 500_000_000  # the published training list is far below


@dataclass(frozen=True, slots=True)
class SamsClip:
    """One clip: its file, its sounds and their coarse sources."""

    wav: str
    labels: tuple[str, ...]
    sources: tuple[str, ...]


def write_sams_json(path: Path, clips: Iterable[SamsClip]) -> int:
    """Writes clips in the published layout, in which every clip has a label: others are skipped.

    Returns:
        How many were written.
    """
    written = 0
    with atomic_file(path) as partial, partial.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write('{"data": [')
        for clip in clips:
            if labels := _unique(clip.labels):
                row = {
                    "wav": clip.wav,
                    "labels": ",".join(labels),
                    "sources": ",".join(_unique(clip.sources)),
                }
                stream.write((", " if written else "") + json.dumps(row, ensure_ascii=False))
                written += 1
        stream.write("]}\n")
    return written


def read_sams_json(path: Path) -> list[SamsClip]:
    """Reads clips in the published layout; other keys (`clip`) are ignored.

    Raises:
        BadInputError: the file is not there, too large, or not in this layout; the message names the row.
    """
    content = _load(path)
    rows = content.get("data") if isinstance(content, dict) else None
    if not isinstance(rows, list):
        raise BadInputError(f"`{path}` has no list `data`", _HINT)
    return [_clip(row, path, number) for number, row in enumerate(rows)]


def _load(path: Path) -> Any:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BadInputError(f"`{path}` is too large for a list of clips", "split it into several files")
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise BadInputError(f"cannot read `{path}`: {error.strerror}", _HINT) from error
    except (ValueError, RecursionError) as error:
        raise BadInputError(f"`{path}` is not JSON in UTF-8 ({error})", _HINT) from error


def _clip(row: Any, path: Path, number: int) -> SamsClip:
    texts = [row.get(key) for key in ("wav", "labels")] if isinstance(row, dict) else [None]
    sources = row.get("sources", "") if isinstance(row, dict) else ""
    if not all(isinstance(text, str) for text in [*texts, sources]):
        raise BadInputError(f"`{path}`: row {number} has no text `wav` and `labels`", _HINT)
    return SamsClip(row["wav"], _unique(row["labels"].split(",")), _unique(sources.split(",")))


def _unique(labels: Iterable[str]) -> tuple[str, ...]:
    """Each label once, in order, without empty ones; a comma in a label would make two of it."""
    plain = (label.strip().replace(",", " ") for label in labels)
    return tuple(dict.fromkeys(label for label in plain if label))
