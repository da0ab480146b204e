"""The clips of a shard and their byte ranges, from the headers of the tar file: ours, or anybody's."""

import json
import re
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import soundfile

from avtool.core.errors import BadInputError

_AUDIO = ("flac", "wav", "ogg", "mp3", "opus")
_IMAGES = ("jpg", "jpeg", "png", "webp")
_FILMS = ("mp4", "webm", "mkv", "avi", "mov")
_MAX_JSON = 1 << 20
_DEFAULT_FPS = 16.0

Piece = tuple[int, int]
"""Where a file stands in its shard: from which byte on, and how many."""


@dataclass(frozen=True, slots=True)
class ShardClip:
    """A clip of a shard.

    Attributes:
        key: what its files' names begin with.
        audio: its audio, or None.
        frames: its frames in order.
        facts: the values of its JSON file.
    """

    key: str
    audio: Piece | None = None
    frames: tuple[Piece, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self.number("fps") or _DEFAULT_FPS

    def seconds(self, shard: BinaryIO) -> float:
        """Its length: that of its JSON file, or of its audio or its video."""
        stated = self.number("seconds")
        if stated > 0:
            return stated
        if self.audio is None:
            return len(self.frames) / self.fps
        try:
            return float(soundfile.info(BytesIO(read_piece(shard, self.audio))).duration)
        except soundfile.LibsndfileError as error:
            message = f"the audio of `{self.key}` in `{shard.name}` cannot be read ({error})"
            raise BadInputError(message, "write the shard again") from error

    def number(self, name: str) -> float:
        """A number of its JSON file, 0 where there is none that makes sense."""
        value = self.facts.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return 0.0
        return float(value) if 0 < value < float("inf") else 0.0

    def text(self, name: str) -> str:
        """A text of its JSON file, or an empty one."""
        value = self.facts.get(name)
        return value if isinstance(value, str) else ""


def read_piece(shard: BinaryIO, piece: Piece) -> bytes:
    """The bytes of a file in a shard."""
    shard.seek(piece[0])
    return shard.read(piece[1])


def clips_of(path: Path) -> Iterator[ShardClip]:
    """The clips of a shard, in its order; files are grouped by name, and none is unpacked.

    Raises:
        BadInputError: it is no plain tar file, is cut short, or holds films.
    """
    try:
        with path.open("rb") as stream, tarfile.open(path, "r:") as tar:
            size = path.stat().st_size
            files: dict[str, Piece] = {}
            current = ""
            for member in tar:
                if not member.isfile():
                    continue
                if member.offset_data + member.size > size:
                    raise BadInputError(f"`{path}` is cut short", "copy or write it again")
                folder, _, name = member.name.rpartition("/")
                stem, _, suffix = name.partition(".")
                key = f"{folder}/{stem}" if folder else stem
                if key != current and files:
                    yield _clip(current, files, stream)
                    files = {}
                current = key
                files[suffix.lower()] = (member.offset_data, member.size)
            if files:
                yield _clip(current, files, stream)
    except FileNotFoundError as error:
        raise BadInputError(f"`{path}` does not exist", "give a folder of shards") from error
    except (tarfile.TarError, OSError, EOFError) as error:
        raise BadInputError(f"`{path}` is no whole tar file ({error})", "copy or write it again") from error


def _clip(key: str, files: Mapping[str, Piece], shard: BinaryIO) -> ShardClip:
    kinds = {suffix: suffix.rpartition(".")[2] for suffix in files}
    film = next((suffix for suffix, kind in kinds.items() if kind in _FILMS), None)
    if film:
        message = f"`{key}.{film}` in `{shard.name}` is a film; shards hold audio and video"
        raise BadInputError(message, "unpack the shards, and let `avtool prepare` make a dataset of them")
    audio = next((files[suffix] for suffix in _AUDIO if suffix in files), None)
    frames = sorted((suffix for suffix, kind in kinds.items() if kind in _IMAGES), key=_numbers)
    facts: Any = {}
    if "json" in files and files["json"][1] <= _MAX_JSON:
        try:
            facts = json.loads(read_piece(shard, files["json"]))
        except ValueError as error:
            message = f"`{key}.json` in `{shard.name}` is no JSON ({error})"
            raise BadInputError(message, "write the shard again") from error
    known = facts if isinstance(facts, dict) else {}
    return ShardClip(key, audio, tuple(files[suffix] for suffix in frames), known)


def _numbers(suffix: str) -> list[int]:
    return [int(digits[:18]) for digits in re.findall(r"\d+", suffix)]
