"""A clip cache: a dataset of videos as frames of one size, decoded once and memory-mapped from then on."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from avtool.core.artifact import CARD, Artifact, Input, settings_hash
from avtool.core.artifact_folder import discard_partial, open_partial, publish
from avtool.core.errors import AvtoolError, CorruptArtifactError
from avtool.core.files import atomic_file, read_json, write_csv, write_json
from avtool.core.parallel import map_unordered
from avtool.core.reporter import Reporter
from avtool.data.clip_filter import SKIPPED, Skipped
from avtool.data.frame_cache import cached_file, decode_frames, no_video_fits
from avtool.data.frame_clips import FrameSource, find_frame_sources, map_stack, scaled_up
from avtool.data.manifest import Clip, write_manifest

FRAMES, SUMMARY = "frames", "cache.json"
"""Of the artifact: a `.npy` file a video, (T, height, width, 3) uint8; and what the cache holds."""
_RATE = 25.0
"""Frames per second by which the manifest states how long a video is; a clip counts frames, not seconds."""


@dataclass(frozen=True)
class CachedClips:
    """What a clip cache holds.

    Attributes:
        out: the artifact.
        videos: in it.
        frames: of all of them.
        clips: of the wanted length that fit side by side.
        num_bytes: of all frames.
        short: names of videos with too few frames.
        failed: names of videos that cannot be read.
    """

    out: Path
    videos: int
    frames: int
    clips: int
    num_bytes: int
    short: list[str]
    failed: list[str]


@dataclass(frozen=True)
class _Task:
    source: FrameSource
    size: tuple[int, int]
    file: Path
    every: int


def cache_clips(
    source: Path,
    out: Path,
    size: tuple[int, int],
    frames: int,
    reporter: Reporter,
    *,
    every: int = 1,
    jobs: int = 1,
    overwrite: bool = False,
    command: str = "generate cache",
    settings: Mapping[str, Any] | None = None,
    extend: Callable[[Path], None] | None = None,
) -> CachedClips:
    """Decodes all videos that are long enough; what an interrupted run has finished is kept.

    Args:
        source: a film, a folder of films or of folders of frames, or a dataset, whose splits are kept.
        out: the artifact to write, a `dataset` too.
        size: (height, width) that frames are cut to around their centre, and scaled to.
        frames: that a video needs.
        reporter: gets progress, and the videos that are skipped.
        every: of each video the first frame and each so many-th one after it.
        jobs: processes.
        overwrite: replace whatever stands in `out`.
        command: the command line, for the artifact's card.
        settings: further ones that decide what is in the artifact.
        extend: adds files of its own to the folder of frames and manifest, before it is published.

    Raises:
        BadInputError: there are no videos, none is long enough, or `out` belongs to another run.
    """
    sources = find_frame_sources(source)
    content = settings_hash([[one.name, one.content(), one.split] for one in sources])
    wanted: dict[str, Any] = {"command": "generate cache", "content": content}
    wanted |= {"size": list(size), "frames": frames, **(settings or {})}
    wanted |= {"every": every} if every > 1 else {}
    partial = open_partial(out, wanted, kind="dataset", overwrite=overwrite, inputs=[source])
    if (out / CARD).is_file() and not overwrite:
        discard_partial(partial)
        return read_cache(out)
    if small := scaled_up(sources, size):
        reporter.warn(f"{small}; a smaller --size holds as much")
    folder = partial / FRAMES
    tasks = [_Task(one, size, folder / f"{number:05d}.npy", every) for number, one in enumerate(sources)]
    try:
        failed = _decode_all(tasks, reporter, jobs)
    except AvtoolError:
        if not folder.exists():
            discard_partial(partial)
        raise
    clips, skipped = _keep_long(tasks, failed, frames)
    if not clips:
        discard_partial(partial)
        raise no_video_fits(len(sources), frames, skipped)
    write_csv(partial / SKIPPED, ["video", "path", "reason"], [astuple(one) for one in skipped])
    write_manifest(partial, clips)
    write_json(partial / SUMMARY, _summary(clips, skipped, failed, frames))
    if extend is not None:
        extend(partial)
    inputs = [Input(str(source), "videos", content)]
    publish(out, Artifact("dataset", command, wanted, None, inputs), unhashed=[FRAMES])
    return read_cache(out)


def read_cache(folder: Path) -> CachedClips:
    """What a clip cache holds.

    Raises:
        CorruptArtifactError: it is damaged.
    """
    try:
        return CachedClips(folder, **read_json(folder / SUMMARY))
    except TypeError as error:
        raise CorruptArtifactError(f"`{folder / SUMMARY}` is damaged", "make the cache again") from error


def _summary(
    clips: Sequence[Clip], skipped: Sequence[Skipped], failed: Mapping[str, str], frames: int
) -> dict[str, Any]:
    counts = [int(clip.extras["num_frames"]) for clip in clips]
    return {
        "videos": len(clips),
        "frames": sum(counts),
        "clips": sum(count // frames for count in counts),
        "num_bytes": sum(int(clip.extras["num_bytes"]) for clip in clips),
        "short": [one.clip_id for one in skipped if one.clip_id not in failed],
        "failed": sorted(failed),
    }


def _decode_all(tasks: Sequence[_Task], reporter: Reporter, jobs: int) -> dict[str, str]:
    """Name → what went wrong, of videos that cannot be read."""
    todo = [task for task in tasks if not task.file.is_file()]
    failed: dict[str, str] = {}
    with reporter.progress("frames", len(todo)) as bar:
        for name, problem in map_unordered(_decode_one, todo, jobs=jobs):
            if problem:
                reporter.warn(f"`{name}` is skipped: {problem}")
                failed[name] = problem
            bar.advance(note=name)
    return failed


def _decode_one(task: _Task) -> tuple[str, str]:
    """Frames that this machine has decoded before are copied."""
    try:
        known = cached_file(task.source, task.size)
        if known.is_file() and task.every == 1:
            with atomic_file(task.file) as partial:
                shutil.copyfile(known, partial)
        else:
            decode_frames(task.source, task.size, task.file, task.every)
    except AvtoolError as error:
        return task.source.name, str(error)
    return task.source.name, ""


def _keep_long(
    tasks: Sequence[_Task], failed: dict[str, str], frames: int
) -> tuple[list[Clip], list[Skipped]]:
    """The rows of the manifest; files of videos that are too short are removed again."""
    clips, skipped = [], []
    for task in tasks:
        source = task.source
        if source.name in failed:
            skipped.append(Skipped(source.name, str(source.path), failed[source.name]))
            continue
        count = len(map_stack(task.file))
        if count < frames:
            task.file.unlink()
            reason = f"it has {count} frames, needs {frames}"
            skipped.append(Skipped(source.name, str(source.path), reason))
            continue
        media = f"{FRAMES}/{task.file.name}"
        num_bytes = task.file.stat().st_size
        extras = {"num_frames": count, "num_bytes": num_bytes, "has_audio": False, "has_video": True}
        group = source.group or source.name
        clips.append(
            Clip(source.name, media, 0.0, count / _RATE, split=source.split, group=group, extras=extras)
        )
    return clips, skipped
