"""Features of the clips of a folder, kept in the cache clip by clip."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from avtool.benchmarks.video_distance.clips import (
    Clip,
    ClipSelection,
    SkippedVideos,
    iter_places,
    read_chosen,
)
from avtool.core.artifact import settings_hash
from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.data.frame_clips import FrameSource

if TYPE_CHECKING:
    from avtool.inference.generation.feature_store import FeatureStore


@dataclass(frozen=True)
class ClipFeatures:
    """Features of some clips.

    Attributes:
        values: (N, D), in the order in which clips are chosen.
        short: names of videos with too few frames.
        failed: names of videos that cannot be read.
        videos: how many the folder has.
    """

    values: NDArray[np.float32]
    short: tuple[str, ...]
    failed: tuple[str, ...]
    videos: int


@dataclass
class _Table:
    """Features by number of the clip, and clips whose features are still to be computed."""

    store: "FeatureStore"
    batch_size: int
    values: list[NDArray[np.float32] | None] = field(default_factory=list)
    waiting: list[tuple[int, str, Clip]] = field(default_factory=list)
    computed: int = 0

    def add(self, place: str, clip: Clip) -> None:
        self.waiting.append((len(self.values), place, clip))
        self.values.append(None)
        if len(self.waiting) == self.batch_size:
            self.compute()

    def compute(self) -> None:
        if self.waiting:
            numbers, places, clips = zip(*self.waiting, strict=True)
            for number, row in zip(numbers, self.store.features_at(places, clips, len(clips)), strict=True):
                self.values[number] = row
            self.computed += len(clips)
            self.waiting.clear()


def clip_features(
    chosen: ClipSelection, store: "FeatureStore", batch_size: int, reporter: Reporter
) -> ClipFeatures:
    """The features of the chosen clips; those that the cache has need neither decoding nor the network.

    A killed run resumes after its last batch.

    Args:
        chosen: the clips.
        store: the network and what is kept of it.
        batch_size: clips at a time.
        reporter: receives progress.

    Raises:
        BadInputError: the folder has no videos, or none of them has enough frames.
    """
    sources = chosen.sources()
    skipped, table = SkippedVideos([], []), _Table(store, batch_size)
    with reporter.progress(f"clips of {chosen.path.name}", min(chosen.clips, _most(sources, chosen))) as bar:
        for source, first, place in _named_places(sources, chosen, skipped, reporter):
            if (kept := store.at(place)) is not None:
                table.values.append(kept)
            elif (clip := read_chosen(source, first, chosen, skipped, reporter)) is not None:
                table.add(place, clip)
            else:
                continue
            bar.advance()
            if len(table.values) == chosen.clips:
                break
        table.compute()
    values = [row for row in table.values if row is not None]
    if not values:
        found = f"0 of {len(sources)} videos of `{chosen.path}` have {chosen.frames} or more readable frames"
        raise BadInputError(found, "use fewer --frames")
    kept_count = len(values) - table.computed
    reporter.detail(f"{kept_count} of {len(values)} features of `{chosen.path}` come from the cache")
    return ClipFeatures(np.stack(values), tuple(skipped.short), tuple(skipped.failed), len(sources))


def _named_places(
    sources: list[FrameSource], chosen: ClipSelection, skipped: SkippedVideos, reporter: Reporter
) -> Iterator[tuple[FrameSource, int, str]]:
    """Videos, first frames, and names that follow from a video's content and what is made of it."""
    contents: dict[str, list[object]] = {}
    for source, first in iter_places(sources, chosen, skipped, reporter):
        if source.name not in contents:
            contents[source.name] = source.content()
        yield source, first, settings_hash([contents[source.name], first, *chosen.content])


def _most(sources: list[FrameSource], chosen: ClipSelection) -> int:
    videos = len(sources) if chosen.half is None or len(sources) == 1 else len(sources[chosen.half :: 2])
    return videos * chosen.per_video
