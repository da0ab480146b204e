"""Features of frames by time: where they are read from, and the encoder that gives them for new films."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from avtool.core.artifact import CARD, Input, read_artifact, settings_hash
from avtool.core.errors import BadInputError
from avtool.core.files import sha256_of
from avtool.data.feature_table import read_card, read_table
from avtool.data.inputs.feature_cache import FeatureCache
from avtool.data.items import Item
from avtool.data.manifest import Manifest

Steps = tuple[NDArray[np.floating[Any]], NDArray[np.float64]]
"""Features (steps, D), and the time of each in seconds of its file (of its clip, in a dataset)."""
_LARGEST_HALF = 6e4


@dataclass(frozen=True)
class FrameEncoder:
    """The encoder that gave features.

    Attributes:
        name: a model, a run, or weights of others, from any folder.
        weights: SHA-256 of its weights.
        modality: what it embeds.
        hop: seconds from one feature to the next; None where they are not evenly spaced.
    """

    name: str
    weights: str
    modality: str = "image"
    hop: float | None = None

    def to_json(self) -> dict[str, Any]:
        """As `preprocess.json` has it."""
        return asdict(self)


class FrameFeatures(Protocol):
    """Features of the frames of many clips.

    Attributes:
        width: D.
        encoder: that gave them, where it is known.
    """

    @property
    def width(self) -> int: ...

    @property
    def encoder(self) -> FrameEncoder | None: ...

    def of(self, clip_ids: Sequence[str]) -> "FrameFeatures":
        """Those of some clips of a dataset.

        Raises:
            BadInputError: some have none.
        """
        ...

    def need_clips(self, manifest: Manifest) -> None:
        """Makes sure that they are those of the clips.

        Raises:
            BadInputError: they are of others.
        """
        ...

    def of_item(self, item: Item) -> Steps:
        """The features of a file, or of a clip.

        Raises:
            BadInputError: it has none.
        """
        ...


class FrameTable:
    """The table that `avtool embed` writes, in memory, in half precision where it can be.

    Args:
        path: of the table.

    Raises:
        CorruptArtifactError: it holds no features.
        BadInputError: it is empty.
    """

    def __init__(self, path: Path) -> None:
        table = read_table(path)
        if not table.num_rows:
            raise BadInputError(f"`{path}` holds no features", "embed some films")
        self.path = path
        values = table["feature"].combine_chunks()
        self._values = values.flatten().to_numpy(zero_copy_only=False).reshape(table.num_rows, -1)
        if np.abs(self._values).max() < _LARGEST_HALF:
            self._values = self._values.astype(np.float16)
        self._times = (table["start"].to_numpy() + table["end"].to_numpy()) / 2  # of the frame that was read
        names = np.array(table["clip_id"].to_pylist(), object)
        starts = np.flatnonzero(np.append(True, names[1:] != names[:-1]))
        ends = np.append(starts[1:], len(names))
        self._rows = {names[first]: slice(first, end) for first, end in zip(starts, ends, strict=True)}
        card = read_card(path)
        self.encoder = None
        if {"encoder", "weights", "modality"} <= card.keys():
            self.encoder = FrameEncoder(card["encoder"], card["weights"], card["modality"], card.get("hop"))

    @property
    def width(self) -> int:
        """D."""
        return int(self._values.shape[1])

    def of(self, clip_ids: Sequence[str]) -> "FrameTable":
        """See `FrameFeatures`."""
        if missing := [name for name in clip_ids if name not in self._rows]:
            message = (
                f"{len(missing)} of {len(clip_ids)} clips have no features in `{self.path}`, `{missing[0]}` "
                "among them"
            )
            raise BadInputError(message, "embed the whole dataset, and skip clips without video")
        return self

    def need_clips(self, manifest: Manifest) -> None:
        """See `FrameFeatures`."""
        self.of(manifest.column("clip_id"))

    def of_item(self, item: Item) -> Steps:
        """See `FrameFeatures`."""
        if item.name not in self._rows:
            raise BadInputError(
                f"`{item.name}` has no features in `{self.path}`", "embed it, or leave --frame-features unset"
            )
        rows = self._rows[item.name]
        return self._values[rows], self._times[rows]


class FrameFolder:
    """A folder with a table of each file, named by its state: what `avtool predict` keeps in the cache.

    Args:
        folder: of the tables.
    """

    encoder: FrameEncoder | None = None

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def width(self) -> int:
        """D, of any of the files."""
        return _opened(next(iter(sorted(self.folder.glob("*.parquet"))))).width

    def of(self, clip_ids: Sequence[str]) -> "FrameFolder":  # noqa: ARG002 - looked for when they are read
        """See `FrameFeatures`."""
        return self

    def need_clips(self, manifest: Manifest) -> None:
        """See `of`."""

    def of_item(self, item: Item) -> Steps:
        """See `FrameFeatures`."""
        path = self.folder / state_name(item)
        if not path.is_file():
            raise BadInputError(f"`{item.name}` has no frames, which the model takes", "skip it")
        return _opened(path).of_item(item)


def state_name(item: Item) -> str:
    """The table of a file that has not changed since."""
    return f"{settings_hash(item.state())}.parquet"


@lru_cache(maxsize=4)
def _opened(path: Path) -> FrameTable:
    return FrameTable(path)


def open_frame_features(path: Path) -> FrameFeatures:
    """Features of frames: a table of `avtool embed`, or a `features` artifact.

    Raises:
        BadInputError: it is neither.
        CorruptArtifactError: it is damaged.
    """
    if path.is_file():
        return FrameTable(path)
    if (path / CARD).is_file():
        return FeatureCache(path)
    if "width" in read_card(next(path.glob("*.parquet"), path)):
        return FrameFolder(path)
    raise _no_features(path)


def frames_input(path: Path) -> Input:
    """Features of frames as an input of a run, by content.

    Raises:
        BadInputError: there are none.
    """
    if path.is_file():
        return Input(str(path), "features", sha256_of(path))
    if not (path / CARD).is_file():
        raise _no_features(path)
    return Input(str(path), "features", settings_hash(read_artifact(path, "features").recipe))


def _no_features(path: Path) -> BadInputError:
    message = f"`{path}` holds no features of frames"
    return BadInputError(message, "make them: avtool embed DATA --encoder ENCODER --out frames.parquet")
