"""Features of the clips of a folder, kept in the cache by their content."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from avtool.core.artifact import settings_hash
from avtool.core.errors import AvtoolError, BadInputError
from avtool.core.files import atomic_file
from avtool.core.paths import cache_folder
from avtool.core.reporter import Reporter
from avtool.data.frame_clips import FrameSource, find_frame_sources, read_clip

if TYPE_CHECKING:
    from avtool.inference.generation.video_features import ClipNetwork

FOLDER = "video-features"
"""Of the cache."""
_SCHEMA = 1


@dataclass(frozen=True)
class ClipSelection:
    """Which clips of a folder are compared.

    Attributes:
        path: the folder.
        frames: of a clip.
        clips: at most so many, one a video.
        size: side in pixels.
        seed: of the order of the videos, and of where a clip begins.
        random_start: whether it begins anywhere, or with the video.
        split: of a dataset.
    """

    path: Path
    frames: int
    clips: int
    size: int
    seed: int
    random_start: bool
    split: str = ""

    @property
    def rule(self) -> str:
        """How a clip is chosen, in words."""
        place = "a random place" if self.random_start else "the start"
        return f"{self.frames} consecutive frames from {place} of each video"


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
    sources = find_frame_sources(chosen.path, split=chosen.split)
    order = np.random.default_rng([chosen.seed, 0]).permutation(len(sources))
    sources = [sources[int(number)] for number in order]
    wanted = [chosen.frames, chosen.clips, chosen.size, chosen.seed, chosen.random_start]
    key = settings_hash([_SCHEMA, network.content, *wanted, [[one.name, one.content()] for one in sources]])
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
    short: list[str] = []
    failed: list[str] = []
    values: list[NDArray[np.float32]] = []
    with reporter.progress(f"clips of {chosen.path.name}", min(chosen.clips, len(sources))) as bar:
        for batch in _batches(sources, chosen, batch_size, short, failed, reporter):
            values.append(network(batch))
            bar.advance(len(batch))
    if not values:
        found = f"0 of {len(sources)} videos of `{chosen.path}` have {chosen.frames} or more readable frames"
        raise BadInputError(found, "use fewer --frames")
    return ClipFeatures(np.concatenate(values), tuple(short), tuple(failed), len(sources))


def _batches(
    sources: list[FrameSource],
    chosen: ClipSelection,
    batch_size: int,
    short: list[str],
    failed: list[str],
    reporter: Reporter,
) -> Iterator[list[NDArray[np.uint8]]]:
    batch: list[NDArray[np.uint8]] = []
    count = 0
    for number, source in enumerate(sources):
        if count == chosen.clips:
            break
        rng = np.random.default_rng([chosen.seed, 1, number]) if chosen.random_start else None
        try:
            clip = read_clip(source, chosen.frames, (chosen.size, chosen.size), rng)
        except AvtoolError as error:
            reporter.warn(f"`{source.name}` is skipped: {error}")
            failed.append(source.name)
            continue
        if clip is None:
            short.append(source.name)
            continue
        batch.append(clip)
        count += 1
        if len(batch) == batch_size:
            yield batch
            batch = []
    if batch:
        yield batch
