"""Features of clips on disk: float16, memory-mapped, computed once for a content and its settings.

A `features` artifact holds `index.parquet` (clip_id, shard, first, steps), `features.json` (the settings,
and when the steps are), and `values/00000.npy` and so on: the clips of a shard one after the other, (steps,
width).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
from numpy.typing import NDArray

from avtool.core.artifact import Artifact, read_artifact, settings_hash
from avtool.core.artifact_folder import discard_partial, open_partial, publish
from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.core.files import atomic_file, need_space, read_json, write_json
from avtool.core.parallel import map_unordered, one_at_a_time
from avtool.core.paths import cache_folder
from avtool.core.reporter import Reporter
from avtool.data.inputs.content_hash import ContentHashes
from avtool.data.inputs.settings import AudioSettings
from avtool.data.items import Item
from avtool.data.manifest import Manifest

Features = NDArray[np.float16]

_VALUES, _INDEX, _CARD = "values", "index.parquet", "features.json"
_SHARD = 128  # clips: some 30 MB of ten-second spectrograms
_HASHES = "media-hashes.json"
_AGAIN = "remove it: it is made again"


class FeatureCache:
    """Features of clips, opened for reading.

    Args:
        folder: a `features` artifact.
        clip_ids: the clips wanted, in this order; None for all.

    Attributes:
        clip_ids: the clips, in the order of the features.
        settings: what they were made with, as plain values.

    Raises:
        BadInputError: a clip that is wanted has no features here.
        CorruptArtifactError: the folder is damaged.
    """

    def __init__(self, folder: Path, clip_ids: Sequence[str] | None = None) -> None:
        read_artifact(folder, "features")
        self.folder = folder
        card = read_json(folder / _CARD)
        try:
            index = parquet.read_table(folder / _INDEX)
            known: list[str] = index["clip_id"].to_pylist()
            columns = [index[name].to_numpy() for name in ("shard", "first", "steps")]
            self.settings: dict[str, Any] = card["settings"]
            self._first_time, self._time_step = float(card["first_time"]), float(card["time_step"])
        except (pa.ArrowException, OSError, KeyError, TypeError) as error:
            raise CorruptArtifactError(f"`{folder}` is damaged ({error})", _AGAIN) from error
        self.clip_ids = known if clip_ids is None else list(clip_ids)
        places = self._places(known)
        self._shard, self._first, self._steps = (column[places] for column in columns)

    def _places(self, known: Sequence[str]) -> NDArray[np.int64]:
        place_of = {name: place for place, name in enumerate(known)}
        missing = [name for name in self.clip_ids if name not in place_of]
        if missing:
            message = f"{len(missing)} clips have no features in `{self.folder}`, `{missing[0]}` among them"
            raise BadInputError(message, "compute the features of this dataset")
        return np.array([place_of[name] for name in self.clip_ids], np.int64)

    def need_clips(self, manifest: Manifest) -> None:
        """Makes sure that clip n of the manifest has features n.

        Raises:
            BadInputError: they are of other clips, or in another order.
        """
        if self.clip_ids != manifest.column("clip_id"):
            message = f"the features are not those of the clips of `{manifest.origin}`"
            raise BadInputError(message, "compute them again")

    encoder = None
    """Of frames, the encoder; spectrograms have none."""

    @property
    def width(self) -> int:
        """Numbers of a step."""
        return int(_open_shard(self.folder, int(self._shard[0])).shape[1])

    def of_item(self, item: Item) -> tuple[Features, NDArray[np.float64]]:
        """The features of a clip, and the times of its steps in seconds from its start.

        Raises:
            BadInputError: it has no features here.
        """
        clip = self.number(item.name)
        return self[clip], self.times(clip)

    def of(self, clip_ids: Sequence[str]) -> "FeatureCache":
        """The features of some of the clips, in the given order: of a split, or of some folds.

        Raises:
            BadInputError: a clip has no features here.
        """
        return FeatureCache(self.folder, clip_ids)

    def __len__(self) -> int:
        return len(self.clip_ids)

    def number(self, clip_id: str) -> int:
        """The place of a clip by its id.

        Raises:
            BadInputError: it has no features here.
        """
        if clip_id not in self._number_of:
            message = f"clip `{clip_id}` has no features in `{self.folder}`"
            raise BadInputError(message, "compute the features of this dataset")
        return self._number_of[clip_id]

    @cached_property
    def _number_of(self) -> dict[str, int]:
        return {clip_id: number for number, clip_id in enumerate(self.clip_ids)}

    def num_steps(self, clip: int) -> int:
        """Frames, or samples, of a clip."""
        return int(self._steps[clip])

    def __getitem__(self, clip: int) -> Features:
        """The features of a clip, (steps, width) float16, on disk until they are read."""
        first, steps = self._first[clip], self._steps[clip]
        values = _open_shard(self.folder, int(self._shard[clip]))[first : first + steps]
        if len(values) != steps:
            raise CorruptArtifactError(f"`{self.folder}` is damaged", _AGAIN)
        return values

    def times(self, clip: int) -> NDArray[np.float64]:
        """The times of the steps in seconds from the clip's start, (steps,)."""
        return self._first_time + self._time_step * np.arange(self._steps[clip])


@lru_cache(maxsize=4096)
def _open_shard(folder: Path, number: int) -> Features:
    path = folder / _VALUES / f"{number:05d}.npy"
    try:
        values: Features = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise CorruptArtifactError(f"`{path}` is damaged ({error})", _AGAIN) from error
    return values


@dataclass(frozen=True)
class _ShardTask:
    """The clips of one shard, and where it goes."""

    clips: Manifest
    settings: AudioSettings
    path: Path


def cached_features(
    manifest: Manifest,
    settings: AudioSettings,
    reporter: Reporter,
    *,
    jobs: int = 1,
    folder: Path | None = None,
) -> FeatureCache:
    """The features of all clips: opened if they are there, computed if they are not.

    What was computed is found again for equal contents of the media, equal spans and equal settings, whatever
    the files are called and wherever they are.

    Args:
        manifest: the clips.
        settings: what to compute.
        reporter: gets progress.
        jobs: processes; -1 for one a processor.
        folder: where to keep them; by default in the cache, under a name made of content and settings.

    Raises:
        BadInputError: a clip cannot be read, or the disk is full. What is finished is kept.
    """
    content = _content_of(manifest)
    wanted = {"command": "features", "settings": settings.model_dump(mode="json"), "content": content}
    out = folder or cache_folder() / f"features-{settings_hash(wanted)}"
    if folder is None and out.exists():
        return FeatureCache(out)
    with one_at_a_time(out):  # of processes that train together one computes
        _make(manifest, settings, wanted, out, reporter, jobs)
    return FeatureCache(out)


def _make(
    manifest: Manifest,
    settings: AudioSettings,
    wanted: dict[str, Any],
    out: Path,
    reporter: Reporter,
    jobs: int,
) -> None:
    """Computes the features, unless somebody has done so since."""
    partial = open_partial(out, wanted, kind="features")
    if (out / _INDEX).is_file():
        discard_partial(partial)
        return
    steps = [settings.num_steps(end - start) for start, end in _spans(manifest)]
    need_space(partial, 2 * sum(steps) * int(np.prod(settings.width)), "the features")
    _compute(manifest, settings, partial, reporter, jobs)
    _write_index(partial, manifest.column("clip_id"), steps)
    card = {"settings": wanted["settings"], "first_time": settings.first_time}
    write_json(partial / _CARD, {**card, "time_step": 1 / settings.steps_per_second})
    publish(out, Artifact("features", "features", wanted), unhashed=[_VALUES])


def _compute(
    manifest: Manifest, settings: AudioSettings, partial: Path, reporter: Reporter, jobs: int
) -> None:
    (partial / _VALUES).mkdir(exist_ok=True)
    tasks = []
    for shard in range(-(-len(manifest) // _SHARD)):
        path = partial / _VALUES / f"{shard:05d}.npy"
        if not path.exists():
            clips = manifest[shard * _SHARD : (shard + 1) * _SHARD]
            tasks.append(_ShardTask(clips, settings, path))
    with reporter.progress("computing features", sum(len(task.clips) for task in tasks)) as bar:
        for done in map_unordered(_write_shard, tasks, jobs=jobs):
            if isinstance(done, BadInputError):
                raise done
            bar.advance(done)


def _write_shard(task: _ShardTask) -> int | BadInputError:
    """Computes a shard; runs in a worker process. Returns its number of clips, or what went wrong."""
    from avtool.data.inputs.spectrogram import compute_features

    parts = []
    for clip in task.clips:
        try:
            features = compute_features(task.clips, clip.audio, task.settings)
        except BadInputError as error:
            return BadInputError(f"clip `{clip.clip_id}`: {error.message}", error.hint)
        parts.append(features.numpy().astype(np.float16))
    with atomic_file(task.path) as partial, partial.open("wb") as stream:
        np.save(stream, np.concatenate(parts), allow_pickle=False)
    return len(parts)


def _write_index(folder: Path, clip_ids: Sequence[str], steps: Sequence[int]) -> None:
    places = np.arange(len(steps))
    ends = np.cumsum(steps)
    first = ends - np.array(steps)
    begin_of_shard = first[places // _SHARD * _SHARD]
    columns = {
        "clip_id": pa.array(clip_ids, pa.string()),
        "shard": pa.array(places // _SHARD, pa.int32()),
        "first": pa.array(first - begin_of_shard, pa.int64()),
        "steps": pa.array(steps, pa.int64()),
    }
    with atomic_file(folder / _INDEX) as partial:
        parquet.write_table(pa.table(columns), partial, compression="zstd")


def _spans(manifest: Manifest) -> list[tuple[float, float]]:
    return list(zip(manifest.column("start"), manifest.column("end"), strict=True))


def _content_of(manifest: Manifest) -> str:
    """A hash of what the clips hold, whatever their files are called."""
    hashes = ContentHashes(cache_folder() / _HASHES)
    digest = sha256()
    of_media: dict[str, str] = {}
    for clip in manifest:
        if clip.media not in of_media:
            path = manifest.local(clip.audio)
            if not path.is_file():
                raise BadInputError(
                    f"clip `{clip.clip_id}`: `{path}` does not exist", "prepare the data again"
                )
            of_media[clip.media] = hashes.of(path)
        digest.update(f"{clip.clip_id}\0{of_media[clip.media]}\0{clip.start!r}\0{clip.end!r}\n".encode())
    hashes.save()
    return digest.hexdigest()
