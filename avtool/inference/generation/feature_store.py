"""Features of clips under one network, kept in the cache by what the clips show.

A file of SQLite for a network: a killed run keeps every batch that it has computed, and several may write.
"""

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from avtool.core.artifact import settings_hash
from avtool.core.errors import CorruptArtifactError
from avtool.core.files import writing
from avtool.core.paths import cache_folder
from avtool.inference.generation.video_features import ClipNetwork, Vectors

FOLDER = "video-features"
"""Of the cache."""
_SCHEMA = 3
_WAIT_S = 60.0
"""For another process that is writing."""
_TABLES = """
CREATE TABLE IF NOT EXISTS features (clip TEXT PRIMARY KEY, feature BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS places (place TEXT PRIMARY KEY, clip TEXT NOT NULL) WITHOUT ROWID;
"""
_OF = "SELECT feature FROM features WHERE clip = ?"
_AT = "SELECT feature FROM features JOIN places USING (clip) WHERE place = ?"
Clip = NDArray[np.uint8]
"""(T, height, width, 3) RGB."""


def clip_content(clip: Clip) -> str:
    """SHA-256 of the frames and their shape."""
    digest = hashlib.sha256(repr(clip.shape).encode())
    digest.update(clip.tobytes())
    return digest.hexdigest()


class FeatureStore:
    """The kept features of a network.

    Args:
        network: computes what is not kept.
    """

    def __init__(self, network: ClipNetwork) -> None:
        self.network = network
        self.path = cache_folder() / FOLDER / f"{settings_hash([_SCHEMA, network.name, network.content])}.db"

    def features(self, clips: Sequence[Clip], batch_size: int) -> Vectors:
        """The features (N, D) of clips, of which those that are not kept are computed and kept.

        Args:
            clips: N of one shape, at least one.
            batch_size: clips at a time.
        """
        return self._features([clip_content(clip) for clip in clips], clips, batch_size)

    def at(self, place: str) -> NDArray[np.float32] | None:
        """The feature (D,) of the clip at a place; None where it is not kept."""
        with self._open() as database:
            row = database.execute(_AT, (place,)).fetchone()
        return None if row is None else _array(row[0])

    def features_at(self, places: Sequence[str], clips: Sequence[Clip], batch_size: int) -> Vectors:
        """As `features`, and keeps which clips are at which places, so that `at` finds them undecoded.

        Args:
            places: names of where the clips come from, and what is made of them.
            clips: as many, of one shape.
            batch_size: clips at a time.
        """
        names = [clip_content(clip) for clip in clips]
        values = self._features(names, clips, batch_size)
        with self._open() as database:
            database.executemany(
                "INSERT OR REPLACE INTO places VALUES (?, ?)", zip(places, names, strict=True)
            )
        return values

    def _features(self, names: Sequence[str], clips: Sequence[Clip], batch_size: int) -> Vectors:
        found = self._kept(names)
        absent = [number for number, name in enumerate(names) if name not in found]
        for first in range(0, len(absent), batch_size):
            batch = absent[first : first + batch_size]
            values = np.asarray(self.network([clips[number] for number in batch]), np.float32)
            rows = [(names[number], row.tobytes()) for number, row in zip(batch, values, strict=True)]
            with self._open() as database:
                database.executemany("INSERT OR REPLACE INTO features VALUES (?, ?)", rows)
            found.update(rows)
        return np.stack([_array(found[name]) for name in names])

    def _kept(self, names: Sequence[str]) -> dict[str, bytes]:
        with self._open() as database:
            rows = [database.execute(_OF, (name,)).fetchone() for name in names]
        return {name: row[0] for name, row in zip(names, rows, strict=True) if row is not None}

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A transaction.

        Raises:
            CorruptArtifactError: the file is damaged, or cannot be written.
        """
        with writing(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            database = sqlite3.connect(self.path, timeout=_WAIT_S)
            try:
                with database:
                    database.executescript(_TABLES)
                    yield database
            finally:
                database.close()
        except sqlite3.Error as error:
            hint = "free some space, or remove the file: its features are computed again"
            raise CorruptArtifactError(f"the cache `{self.path}` is unusable: {error}", hint) from error


def _array(feature: bytes) -> NDArray[np.float32]:
    return np.frombuffer(feature, np.float32)
