"""Files and clips that a trained model is applied to: single files, folders of media, and datasets."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import overload

from avtool.core.artifact import CARD
from avtool.core.errors import BadInputError
from avtool.core.shard import WHOLE, Shard
from avtool.core.stored_input import is_artifact, local_copy
from avtool.data.dataset import open_dataset, shard_files
from avtool.data.folds import Folds
from avtool.data.manifest import Clip, Manifest
from avtool.data.media_files import Media
from avtool.data.readers.media_index import list_media
from avtool.media.addresses import fetch, is_elsewhere, local_path, storable
from avtool.media.probe import probe
from avtool.media.still_images import is_image
from avtool.media.tar_members import member_path, split_member


@dataclass(frozen=True)
class Item:
    """A file, or a clip of a dataset.

    Attributes:
        name: unique; the path or address, or the clip's id.
        path: the file, which `ready` fetches where it has an address.
        clip: of a dataset, with its labels; None for a whole file.
        manifest: the clip's dataset.
    """

    name: str
    path: Path
    clip: Clip | None = None
    manifest: Manifest | None = None

    @property
    def stem(self) -> str:
        """A file name: readable, and unique by a hash."""
        plain = re.sub(r"[^A-Za-z0-9._-]+", "_", PurePosixPath(self.name).name)[:80].strip("._") or "file"
        return f"{plain}-{hashlib.sha256(self.name.encode()).hexdigest()[:8]}"

    @property
    def seconds(self) -> float:
        """The duration of the file, or of the clip.

        Raises:
            BadInputError: it is not known.
        """
        total = self.clip.duration if self.clip else probe(self.path).duration_s
        if total is None:
            raise BadInputError(f"the duration of `{self.path}` is unknown", "remux it first")
        return total

    def video(self) -> tuple[Path, float]:
        """The file that frames are read from, and where in it the item starts, in seconds."""
        media: Media | None = self.clip.video if self.clip else None
        if media is None or self.manifest is None:
            return self.path, 0.0
        return self.manifest.local(media), media.start

    def ready(self) -> Path:
        """The file, fetched where it has an address.

        Raises:
            BadInputError: it does not exist.
            MissingError: the library of its address's protocol is not installed.
        """
        if self.clip is not None and self.manifest is not None:
            path = self.manifest.local(self.clip.audio)
        else:
            path = fetch(self.name)
        if not path.is_file():
            hint = "put it back" if self.clip is not None else "check the path"
            raise BadInputError(f"`{path}` does not exist", hint)
        return path

    def state(self) -> list[object]:
        """Name, path, size, modification time and span: equal states have equal results."""
        try:
            stat = self.path.stat()
        except OSError:
            return [self.name]
        span = [self.clip.start, self.clip.end] if self.clip else []
        return [self.name, str(self.path.absolute()), stat.st_size, stat.st_mtime_ns, *span]


def light(item: Item) -> Item:
    """Without the rows of its dataset, for another process: to find a clip's files the folder suffices."""
    if item.manifest is None:
        return item
    clips = item.manifest
    return replace(item, manifest=Manifest(clips.table.schema.empty_table(), clips.folder, clips.origin))


class ClipItems(Sequence[Item]):
    """The clips of a dataset as items, each made on access."""

    def __init__(self, clips: Manifest) -> None:
        self.clips = clips

    def __len__(self) -> int:
        return len(self.clips)

    @overload
    def __getitem__(self, place: int) -> Item: ...
    @overload
    def __getitem__(self, place: slice) -> "ClipItems": ...
    def __getitem__(self, place: int | slice) -> "Item | ClipItems":
        if isinstance(place, slice):
            return ClipItems(self.clips[place])
        clip = self.clips[place]
        return Item(clip.clip_id, _path_of(clip, self.clips), clip, self.clips)


def clip_items(clips: Manifest) -> Sequence[Item]:
    """The clips of a dataset as items, in their order."""
    return ClipItems(clips)


def find_items(
    sources: Sequence[str],
    *,
    split: str | None = None,
    folds: Folds | None = None,
    images: bool = False,
    shard: Shard = WHOLE,
) -> Sequence[Item]:
    """The items of all sources, or of a shard of them, each once, in their order.

    Those of a single dataset are made on access.

    Args:
        sources: files, folders, and datasets.
        split: of datasets, the split that is wanted; None for all.
        folds: of datasets, the folds that are wanted; None for all.
        images: whether still images in folders count too.
        shard: the part that is wanted; of a single dataset no other row is held in memory.

    Raises:
        BadInputError: a source does not exist, or nothing is found, or the shard is empty.
    """
    if len(sources) == 1 and (clips := _clips_of(sources[0], split, folds)) is not None and len(clips):
        return clip_items(clips if shard.whole else clips.take(shard.of(range(len(clips)))))
    found: dict[str, Item] = {}
    for source in sources:
        for item in _items_of(source, split, folds, images):
            found.setdefault(item.name, item)
    if not found:
        raise BadInputError(
            f"no media in {', '.join(f'`{source}`' for source in sources) or 'an empty list'}",
            "give some files",
        )
    return shard.of(list(found.values()))


def _clips_of(source: str, split: str | None, folds: Folds | None) -> Manifest | None:
    """The clips of a dataset; None of any other source."""
    path = local_path(source)
    if is_elsewhere(source):
        if PurePosixPath(source).suffix or not is_artifact(source):
            return None
        path = local_copy(source)
    if (path / CARD).is_file() or (shard_files(path) and not (path.is_dir() and list_media(path))):
        clips = open_dataset(path)
        return clips if split is None and folds is None else clips.select(split, folds)
    return None


def _items_of(source: str, split: str | None, folds: Folds | None, images: bool) -> Sequence[Item]:
    if (clips := _clips_of(source, split, folds)) is not None:
        return clip_items(clips)
    path = local_path(source)
    if is_elsewhere(source):
        return [Item(storable(source), path)]
    if path.is_dir():
        names = {str(path / name) for name in list_media(path)}
        if images:
            names |= {str(found) for found in path.rglob("*") if is_image(found) and found.is_file()}
        return [Item(name, Path(name)) for name in sorted(names)]
    if not path.exists():
        raise BadInputError(f"`{path}` does not exist", "give files, folders, or datasets")
    return [Item(str(path), path)]


def _path_of(clip: Clip, clips: Manifest) -> Path:
    """Where a clip's file is, or will be when it is fetched."""
    name = clip.media
    if is_elsewhere(name):
        return local_path(name)
    member = split_member(clips.folder / name)
    return member_path(*member) if member else clips.local(clip.audio)
