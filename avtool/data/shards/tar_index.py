"""The clips of a shard and their byte ranges, from the headers of the tar file: ours, or anybody's.

The files of a clip have one name up to its first dot, as WebDataset groups them, wherever they stand in the
shard. Where names hold dots themselves and each has its own metadata (`1.0 (a).wav`, `1.0 (a).json`), the
last dot counts.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from avtool.core.errors import BadInputError
from avtool.media.tar_members import Piece, member_seconds, read_piece, tar_members

_AUDIO = ("flac", "wav", "ogg", "mp3", "opus", "m4a", "aac")
_IMAGES = ("jpg", "jpeg", "png", "webp")
_FILMS = ("mp4", "webm", "mkv", "avi", "mov")
_TEXTS = ("json", "txt", "cls")
_LABELS = ("labels", "label", "class_name", "label_name", "category", "class", "tags", "tag", "cls")
_MAX_JSON = 1 << 20
_DEFAULT_FPS = 16.0


@dataclass(frozen=True, slots=True)
class ShardClip:
    """A clip of a shard.

    Attributes:
        key: what its files' names begin with.
        audio: its audio, or None.
        frames: its frames in order.
        facts: the values of its JSON file, and `text` and `cls` of `.txt` and `.cls` files.
        media: the name of its one medium in the shard: its audio, film or single image; "" without one.
        film: whether that is a file that only FFmpeg reads.
    """

    key: str
    audio: Piece | None = None
    frames: tuple[Piece, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    media: str = ""
    film: bool = False

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self.number("fps") or _DEFAULT_FPS

    def seconds(self, shard: BinaryIO) -> float:
        """Its length: that of its JSON file, or of its audio or its video."""
        stated = self.number("seconds")
        if stated > 0:
            return stated
        if self.audio is None and not self.film:
            return len(self.frames) / self.fps
        return member_seconds(Path(shard.name), self.media)

    @property
    def labels(self) -> tuple[str, ...]:
        """Its labels by whichever of the usual names its JSON file has, or a `.cls` file."""
        value = next((self.facts[name] for name in _LABELS if self.facts.get(name) not in (None, "")), None)
        values = value if isinstance(value, list) else [] if value is None else [value]
        return tuple(str(label) for label in values if isinstance(label, str | int) and str(label).strip())

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


class _Member(NamedTuple):
    """A file of a clip: its name in the shard, that up to its last dot, what follows its key, its place."""

    name: str
    stem: str
    suffix: str
    piece: Piece

    @property
    def kind(self) -> str:
        return self.suffix.rpartition(".")[2]


def clips_of(path: Path) -> Iterator[ShardClip]:
    """The clips of a shard, in the order of their first files; none is unpacked.

    Raises:
        BadInputError: it is no plain tar file, is cut short, or it is not plain which file is a clip's audio.
    """
    groups: dict[str, list[_Member]] = {}
    for name, piece in tar_members(path).items():
        folder, _, file = name.rpartition("/")
        if file.startswith(".") or "__MACOSX" in folder:  # what macOS puts beside each file
            continue
        stem, _, suffix = file.partition(".")
        key = f"{folder}/{stem}" if folder else stem
        groups.setdefault(key, []).append(_Member(name, name.rpartition(".")[0], suffix.lower(), piece))
    with path.open("rb") as stream:
        for key, members in groups.items():
            yield from (_clip(name, files, stream) for name, files in _samples(key, members))


def _samples(key: str, members: list[_Member]) -> Iterator[tuple[str, list[_Member]]]:
    """The samples among files of one name up to the first dot: one, or one for each name up to the last."""
    media = {member.stem for member in members if member.kind in _AUDIO + _FILMS}
    if len(media) > 1 and media <= {member.stem for member in members if member.kind in _TEXTS}:
        for stem in dict.fromkeys(member.stem for member in members if member.stem in media):
            own = [member for member in members if member.stem == stem]
            yield stem, [member._replace(suffix=member.kind) for member in own]
    else:
        yield key, members


def _clip(key: str, members: Sequence[_Member], shard: BinaryIO) -> ShardClip:
    audio = _only(key, members, _AUDIO, shard)
    film = None if audio else _only(key, members, _FILMS, shard)
    images = sorted((m for m in members if m.kind in _IMAGES), key=lambda m: _numbers(m.suffix))
    medium = audio or film or (images[0] if len(images) == 1 else None)
    return ShardClip(
        key,
        audio.piece if audio else None,
        tuple(member.piece for member in images),
        _facts(members, shard),
        medium.name if medium else "",
        film is not None,
    )


def _only(key: str, members: Sequence[_Member], kinds: Sequence[str], shard: BinaryIO) -> _Member | None:
    """The one file of some kinds: that of the plain name (`KEY.wav`), else the only one (`KEY.speech.wav`).

    Raises:
        BadInputError: there are several, and none has the plain name.
    """
    found = [member for member in members if member.kind in kinds]
    plain = sorted((m for m in found if m.suffix in kinds), key=lambda m: kinds.index(m.suffix))
    if len(found) > 1 and not plain:
        names = ", ".join(f"`{member.name}`" for member in found)
        message = f"`{key}` in `{shard.name}` has several media: {names}"
        raise BadInputError(message, f"keep one of them, or name one `{key}.{found[0].kind}`")
    return next(iter(plain + found), None)


def _facts(members: Sequence[_Member], shard: BinaryIO) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    texts = sorted(
        (m for m in members if m.kind in _TEXTS and m.piece[1] <= _MAX_JSON), key=lambda m: m.suffix
    )
    for member in texts:
        content = read_piece(shard, member.piece).decode("utf-8", errors="replace").strip()
        if member.kind == "json":
            try:
                found = json.loads(content)
            except (ValueError, RecursionError) as error:
                message = f"`{member.name}` in `{shard.name}` is no JSON ({error})"
                raise BadInputError(message, "write the shard again") from error
            facts |= found if isinstance(found, dict) else {}
        else:
            facts.setdefault("text" if member.kind == "txt" else "cls", content)
    return facts


def _numbers(suffix: str) -> list[int]:
    return [int(digits[:18]) for digits in re.findall(r"\d+", suffix)]
