"""Videos of a training: what is learned from and held out, and their frames."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avtool.core.artifact import Input, settings_hash
from avtool.core.learned_clips import Use
from avtool.core.reporter import Reporter
from avtool.data.clip_filter import Skipped
from avtool.data.dataset import open_dataset
from avtool.data.frame_cache import CachedVideo, cache_videos
from avtool.data.frame_clips import FrameSource, find_frame_sources
from avtool.data.manifest import MANIFEST, Manifest
from avtool.tasks.generation.recipe import VideosRecipe

_HELD_OUT = {"val", "test"}


@dataclass(frozen=True)
class FrameSpan:
    """A part of a video's frames.

    Attributes:
        name: of the video.
        content: a hash of its frames and the part.
        frames: (T, height, width, 3) uint8, memory-mapped.
    """

    name: str
    content: str
    frames: NDArray[np.uint8]


@dataclass(frozen=True)
class TrainingVideos:
    """The videos of a training, before they are decoded.

    Attributes:
        path: where they come from.
        recipe: what is held out.
        seed: of what is held out where there are no splits.
    """

    path: Path
    recipe: VideosRecipe
    seed: int

    @cached_property
    def sources(self) -> list[FrameSource]:
        """All videos.

        Raises:
            BadInputError: there are none.
        """
        return find_frame_sources(self.path)

    @cached_property
    def split(self) -> tuple[list[FrameSource], list[FrameSource]]:
        """The videos of training and of validation; a single video is in both, with parts of its own."""
        sources = self.sources
        if any(source.split for source in sources):
            train = [source for source in sources if source.split not in _HELD_OUT]
            return train, [source for source in sources if source.split == "val"]
        if not self.recipe.val_share:
            return sources, []
        if len(sources) == 1:
            return sources, sources
        count = min(max(round(self.recipe.val_share * len(sources)), 1), len(sources) - 1)
        drawn = np.random.default_rng([self.seed, 7]).permutation(len(sources))
        held_out = set(drawn[:count].tolist())
        train = [source for number, source in enumerate(sources) if number not in held_out]
        return train, [source for number, source in enumerate(sources) if number in held_out]

    @property
    def is_single(self) -> bool:
        """Whether one video is divided into what is learned from and its end."""
        train, val = self.split
        return len(train) == len(val) == 1 and train[0] is val[0]

    @cached_property
    def input(self) -> Input:
        """The videos by content."""
        content = settings_hash([[source.name, source.content(), source.split] for source in self.sources])
        return Input(str(self.path), "videos", content)

    @property
    def learned_from(self) -> "Sequence[tuple[Manifest, Use]]":
        """The clips of a dataset that are learned from; other sources have no record."""
        if not (self.path / MANIFEST).is_file():
            return ()
        names = {source.name for source in self.split[0]}
        clips = open_dataset(self.path)
        chosen = [number for number, name in enumerate(clips.column("clip_id")) if name in names]
        return [(clips.take(chosen), "no labels")]

    def decode(
        self, size: tuple[int, int], least: int, reporter: Reporter
    ) -> tuple[list[FrameSpan], list[FrameSpan], list[Skipped]]:
        """The frames of training and of validation, and the videos that are skipped.

        Args:
            size: (height, width) of the frames.
            least: frames that a video needs.
            reporter: receives progress.

        Raises:
            BadInputError: no training video is long enough.
        """
        train, val = self.split
        videos, skipped = cache_videos(train, size, least, reporter)
        if self.is_single:
            return (*_divided(videos[0], self.recipe.val_share, least), skipped)
        spans = [FrameSpan(video.source.name, video.content, video.frames) for video in videos]
        held_out: list[FrameSpan] = []
        if val:
            found, more = cache_videos(val, size, least, reporter)
            held_out = [FrameSpan(video.source.name, video.content, video.frames) for video in found]
            skipped += more
        return spans, held_out, skipped


def _divided(video: CachedVideo, share: float, least: int) -> tuple[list[FrameSpan], list[FrameSpan]]:
    """A video without its end, and the end; all of it where either would be too short."""
    count, name = len(video.frames), video.source.name
    end = max(round(share * count), least)
    if count - end < least:
        return [FrameSpan(name, video.content, video.frames)], []
    parts = (("train", video.frames[: count - end]), ("val", video.frames[count - end :]))
    train, val = (FrameSpan(name, f"{video.content}-{kind}-{end}", part) for kind, part in parts)
    return [train], [val]
