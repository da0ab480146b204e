"""What is predicted: files, the media of folders, and the clips of data sets."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from avtool.core.artifact import CARD
from avtool.core.errors import BadInputError
from avtool.data.manifest import Clip, Manifest, read_manifest
from avtool.data.readers.media_index import list_media
from avtool.inference.predict_recipe import PredictRecipe
from avtool.media.addresses import fetch, is_elsewhere, local_path
from avtool.media.still_images import is_image


@dataclass(frozen=True)
class Item:
    """A file, or a clip of a data set.

    Attributes:
        name: unique; the path or address, or the clip's id.
        path: the file, which `ready` fetches where it has an address.
        clip: of a data set, with its labels; None for a whole file.
        manifest: the clip's data set.
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

    def ready(self) -> Path:
        """The file, which is there now.

        Raises:
            BadInputError: it is not.
            MissingError: the library of its address's protocol is not installed.
        """
        if self.clip is not None and self.manifest is not None:
            path = self.manifest.local(self.clip.audio)
        else:
            path = fetch(self.name)
        if not path.is_file():
            raise BadInputError(f"`{path}` does not exist", "put it back")
        return path

    def state(self) -> list[object]:
        """What must be equal for an earlier result to hold."""
        try:
            stat = self.path.stat()
        except OSError:
            return [self.name]
        span = [self.clip.start, self.clip.end] if self.clip else []
        return [self.name, str(self.path.absolute()), stat.st_size, stat.st_mtime_ns, *span]


def find_items(sources: Sequence[str], recipe: PredictRecipe, *, pictures: bool = False) -> list[Item]:
    """The items of all sources, each once, in their order.

    Args:
        sources: files, folders, and data sets.
        recipe: which clips of data sets are wanted.
        pictures: whether still pictures in folders count too.

    Raises:
        BadInputError: a source does not exist, or nothing is found.
    """
    found: dict[str, Item] = {}
    for source in sources:
        for item in _items_of(source, recipe, pictures):
            found.setdefault(item.name, item)
    if not found:
        raise BadInputError(
            f"no media in {', '.join(f'`{source}`' for source in sources)}", "give some files"
        )
    return list(found.values())


def _items_of(source: str, recipe: PredictRecipe, pictures: bool) -> list[Item]:
    path = local_path(source)
    if is_elsewhere(source):
        return [Item(source, path)]
    if (path / CARD).is_file():
        clips = read_manifest(path)
        if recipe.split is not None or recipe.folds is not None:
            clips = clips.select(recipe.split, recipe.folds)
        return [Item(clip.clip_id, _place_of(clip, clips), clip, clips) for clip in clips]
    if path.is_dir():
        names = {str(path / name) for name in list_media(path)}
        if pictures:
            names |= {str(found) for found in path.rglob("*") if is_image(found) and found.is_file()}
        return [Item(name, Path(name)) for name in sorted(names)]
    if not path.exists():
        raise BadInputError(f"`{path}` does not exist", "give files, folders, or data sets")
    return [Item(str(path), path)]


def _place_of(clip: Clip, clips: Manifest) -> Path:
    """Where a clip's file is, or will be when it is fetched."""
    name = clip.media
    return local_path(name) if is_elsewhere(name) else clips.local(clip.audio)
