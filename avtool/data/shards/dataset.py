"""WebDataset shards of a dataset's clips: small, and quick to read at any place."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from avtool.core.artifact import CARD, Artifact, Input
from avtool.core.artifact_folder import discard_partial, open_partial, publish
from avtool.core.errors import AvtoolError, BadInputError, SomeFailedError
from avtool.core.files import read_json, sha256_of, write_json
from avtool.core.parallel import map_unordered
from avtool.core.reporter import Reporter
from avtool.core.requirements import require
from avtool.data.manifest import MANIFEST, Manifest, read_manifest, write_manifest
from avtool.data.sections import divide_long
from avtool.data.shards.index_file import write_index
from avtool.data.shards.recipe import ShardRecipe
from avtool.data.shards.shard import write_shard
from avtool.data.shards.source import SHARDS, open_shards
from avtool.data.shards.tar_index import clips_of


@dataclass(frozen=True)
class WrittenShards:
    """What was written.

    Attributes:
        out: the artifact.
        shards: tar files.
        clips: in all of them.
        num_bytes: of all of them.
        skipped: clips that cannot be read, and why.
    """

    out: Path
    shards: int
    clips: int
    num_bytes: int
    skipped: Mapping[str, str]


@dataclass(frozen=True)
class _Task:
    path: Path
    clips: Manifest
    first: int
    settings: ShardRecipe


def write_shards(
    dataset: Path,
    out: Path,
    settings: ShardRecipe,
    reporter: Reporter,
    *,
    jobs: int = 1,
    overwrite: bool = False,
    command: str = "write-shards",
) -> WrittenShards:
    """Writes shards; what an interrupted run has finished is kept.

    Args:
        dataset: a `dataset` artifact.
        out: the artifact to write, a `dataset` too.
        settings: how.
        reporter: gets progress, and the clips that cannot be read.
        jobs: processes.
        overwrite: replace whatever stands in `out`.
        command: the command line, for the artifact's card.

    Raises:
        BadInputError: the dataset cannot be read, or `out` belongs to another run.
        MissingError: `webdataset` is not installed.
        SomeFailedError: no clip can be read.
    """
    require("webdataset", extra="webdataset")
    clips = divide_long(read_manifest(dataset), settings.seconds)
    if not len(clips):
        raise BadInputError(f"`{dataset}` has no clips", "prepare it again")
    if settings.shuffle:
        clips = clips.take(np.random.default_rng(settings.seed).permutation(len(clips)).tolist())
    source = dataset / MANIFEST if dataset.is_dir() else dataset
    inputs = [Input(str(dataset), "dataset", sha256_of(source))]
    wanted: dict[str, Any] = {"command": "write-shards", "content": inputs[0].sha256}
    wanted |= settings.model_dump(mode="json")
    partial = open_partial(out, wanted, kind="dataset", overwrite=overwrite, inputs=[dataset])
    if (out / CARD).is_file() and not overwrite:
        discard_partial(partial)
        return _result(out)
    size = settings.clips_per_shard
    tasks = [
        _Task(partial / SHARDS / f"{first // size:05d}.tar", clips[first : first + size], first, settings)
        for first in range(0, len(clips), size)
    ]
    _write(tasks, reporter, jobs)
    held = [(task.path.name, clip) for task in tasks for clip in clips_of(task.path)]
    if not held:
        raise SomeFailedError(f"no clip of `{dataset}` can be read", "see the warnings above")
    write_index(partial / SHARDS, held)
    write_manifest(partial, open_shards(partial)[0])
    publish(out, Artifact("dataset", command, wanted, settings.seed, inputs), unhashed=[SHARDS])
    return _result(out)


def _write(tasks: list[_Task], reporter: Reporter, jobs: int) -> None:
    todo = [task for task in tasks if not _skipped_of(task.path).is_file()]
    with reporter.progress("writing shards", sum(len(task.clips) for task in todo)) as bar:
        for count, skipped in map_unordered(_write_one, todo, jobs=jobs):
            if isinstance(skipped, AvtoolError):
                raise skipped
            for clip_id, reason in skipped.items():
                reporter.warn(f"`{clip_id}` is skipped: {reason}")
            bar.advance(count)


def _write_one(task: _Task) -> tuple[int, dict[str, str] | AvtoolError]:
    try:
        skipped = dict(write_shard(task.path, task.clips, task.first, task.settings))
        write_json(_skipped_of(task.path), skipped)  # last: it marks the shard as whole
    except AvtoolError as error:
        return 0, error
    return len(task.clips), skipped


def _skipped_of(path: Path) -> Path:
    return path.with_suffix(".skipped.json")


def _result(out: Path) -> WrittenShards:
    files = sorted((out / SHARDS).glob("*.tar"))
    skipped: dict[str, str] = {}
    for file in files:
        skipped |= read_json(_skipped_of(file))
    size = sum(file.stat().st_size for file in files)
    return WrittenShards(out, len(files), len(read_manifest(out)), size, skipped)
