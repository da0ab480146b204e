"""Features of the clips of a folder, kept in the cache by their content."""

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from avtool.benchmarks.video_distance.clips import ClipSelection, SkippedVideos, iter_clips
from avtool.core.artifact import settings_hash
from avtool.core.errors import BadInputError
from avtool.core.files import atomic_file
from avtool.core.paths import cache_folder
from avtool.core.reporter import Reporter
from avtool.data.frame_clips import FrameSource

if TYPE_CHECKING:
    from avtool.inference.generation.video_features import ClipNetwork

FOLDER = "video-features"
"""Of the cache."""
_SCHEMA = 2


@dataclass(frozen=True)
class ClipFeatures:
    """Features of some clips.

    Attributes:
        values: (N, D).
        short: names of videos with too few frames.
        failed: names of videos that cannot be read.
        videos: how many the folder has.
    """

    values: NDArray[np.float32]
    short: tuple[str, ...]
    failed: tuple[str, ...]
    videos: int


def clip_features(
    chosen: ClipSelection, network: "ClipNetwork", batch_size: int, reporter: Reporter
) -> ClipFeatures:
    """The features of the chosen clips, from the cache where they are.

    Raises:
        BadInputError: the folder has no videos, or none of them has enough frames.
    """
    sources = chosen.sources()
    rules: list[object] = [chosen.frames, chosen.clips, chosen.size, chosen.seed, chosen.random_start]
    rules += [chosen.per_video, chosen.half, chosen.baseline.value, chosen.noise]
    key = settings_hash([_SCHEMA, network.content, *rules, [[one.name, one.content()] for one in sources]])
    file = cache_folder() / FOLDER / f"{key}.npz"
    if file.is_file():
        reporter.detail(f"features of `{chosen.path}` come from the cache")
        with np.load(file, allow_pickle=False) as kept:
            short, failed = (tuple(map(str, kept[name])) for name in ("short", "failed"))
            return ClipFeatures(kept["values"], short, failed, len(sources))
    found = _compute(sources, chosen, network, batch_size, reporter)
    with atomic_file(file) as partial, partial.open("wb") as stream:
        np.savez(
            stream, values=found.values, short=np.array(found.short, str), failed=np.array(found.failed, str)
        )
    return found


def _compute(
    sources: list[FrameSource],
    chosen: ClipSelection,
    network: "ClipNetwork",
    batch_size: int,
    reporter: Reporter,
) -> ClipFeatures:
    skipped = SkippedVideos([], [])
    values: list[NDArray[np.float32]] = []
    with reporter.progress(f"clips of {chosen.path.name}", min(chosen.clips, _most(sources, chosen))) as bar:
        clips = iter_clips(sources, chosen, skipped, reporter)
        while batch := list(islice(clips, batch_size)):
            values.append(network(batch))
            bar.advance(len(batch))
    if not values:
        found = f"0 of {len(sources)} videos of `{chosen.path}` have {chosen.frames} or more readable frames"
        raise BadInputError(found, "use fewer --frames")
    return ClipFeatures(np.concatenate(values), tuple(skipped.short), tuple(skipped.failed), len(sources))


def _most(sources: list[FrameSource], chosen: ClipSelection) -> int:
    videos = len(sources) if chosen.half is None or len(sources) == 1 else len(sources[chosen.half :: 2])
    return videos * chosen.per_video
