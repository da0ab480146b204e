"""Choice of the clips of a folder that are compared, and baselines made of other real clips."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avtool.benchmarks.video_distance.settings import ClipBaseline
from avtool.core.errors import AvtoolError
from avtool.core.reporter import Reporter
from avtool.data.frame_clips import FrameSource, find_frame_sources, read_clip_at

Clip = NDArray[np.uint8]
"""(T, height, width, 3) RGB."""


@dataclass(frozen=True)
class ClipSelection:
    """Which clips of a folder are compared.

    Attributes:
        path: the folder.
        frames: of a clip.
        clips: at most so many.
        size: side in pixels.
        seed: of the order of the videos, of where a clip begins, and of baselines.
        random_start: whether it begins anywhere, or with the video.
        split: of a dataset.
        per_video: clips of each video at random places that do not overlap.
        half: where real clips are compared with real ones: 0 or 1, of which no video is in both, or of a
            single video no frame; None takes everything.
        baseline: what is made of them.
        noise: its standard deviation, of the range of pixels.
    """

    path: Path
    frames: int
    clips: int
    size: int
    seed: int
    random_start: bool
    split: str = ""
    per_video: int = 1
    half: int | None = None
    baseline: ClipBaseline = ClipBaseline.REAL
    noise: float = 0.0

    @property
    def rule(self) -> str:
        """How a clip is chosen, in words."""
        place = "a random place" if self.random_start else "the start"
        if self.per_video > 1:
            place = f"{self.per_video} random places without overlap"
        half = "" if self.half is None else f", half {self.half + 1} of 2"
        made = {
            ClipBaseline.REAL: "",
            ClipBaseline.FROZEN: ", all frames replaced by the first",
            ClipBaseline.SHUFFLED: ", frames shuffled",
            ClipBaseline.NOISE: f", Gaussian noise of {self.noise:g} of the range",
        }[self.baseline]
        return f"{self.frames} consecutive frames from {place} of each video{half}{made}"

    def sources(self) -> list[FrameSource]:
        """The videos, in the order of the seed."""
        found = find_frame_sources(self.path, split=self.split)
        order = np.random.default_rng([self.seed, 0]).permutation(len(found))
        return [found[int(number)] for number in order]

    def distort(self, clip: Clip, number: int) -> Clip:
        """The baseline of a clip.

        Args:
            clip: a real one.
            number: of the clip in its selection, which draws.
        """
        rng = np.random.default_rng([self.seed, 2, number])
        if self.baseline is ClipBaseline.FROZEN:
            return np.repeat(clip[:1], len(clip), axis=0)
        if self.baseline is ClipBaseline.SHUFFLED:
            return clip[rng.permutation(len(clip))]
        if self.baseline is ClipBaseline.NOISE:
            noisy = clip + 255 * self.noise * rng.standard_normal(clip.shape)
            return noisy.round().clip(0, 255).astype(np.uint8)
        return clip


def draw_places(count: int, frames: int, places: int, rng: np.random.Generator) -> list[int]:
    """First frames of clips that do not overlap, in random order; all sets of places are equally likely.

    Args:
        count: frames of the video, at least `frames`.
        frames: of a clip.
        places: wanted; fewer where no more have room.
        rng: draws them.
    """
    places = min(places, count // frames)
    if places == 1:
        return [int(rng.integers(count - frames + 1))]
    starts = np.sort(rng.choice(count - places * (frames - 1), places, replace=False))
    starts += np.arange(places) * (frames - 1)
    return [int(start) for start in rng.permutation(starts)]


@dataclass
class SkippedVideos:
    """Names of videos with too few frames, and of those that cannot be read."""

    short: list[str]
    failed: list[str]


def iter_clips(
    sources: Sequence[FrameSource], chosen: ClipSelection, skipped: SkippedVideos, reporter: Reporter
) -> Iterator[Clip]:
    """The chosen clips: one of each video, then the next of each."""
    count = 0
    for source, first in _places(sources, chosen, skipped, reporter):
        if count == chosen.clips:
            return
        try:
            clip = read_clip_at(source, first, chosen.frames, (chosen.size, chosen.size))
        except AvtoolError as error:
            _fail(source, error, skipped, reporter)
            continue
        if clip is None:
            if source.name not in skipped.short:
                skipped.short.append(source.name)
            continue
        yield chosen.distort(clip, count)
        count += 1


def _places(
    sources: Sequence[FrameSource], chosen: ClipSelection, skipped: SkippedVideos, reporter: Reporter
) -> Iterator[tuple[FrameSource, int]]:
    """Videos and first frames."""
    single = chosen.half is not None and len(sources) == 1
    numbered = list(enumerate(sources))
    if chosen.half is not None and not single:
        numbered = numbered[chosen.half :: 2]
    places: dict[int, list[int]] = {}
    for turn in range(chosen.per_video):
        for number, source in numbered:
            if turn == 0:
                wanted = chosen.per_video * (2 if single else 1)
                try:
                    found = _draw(source, number, wanted, chosen)
                except AvtoolError as error:
                    _fail(source, error, skipped, reporter)
                    continue
                if not found:
                    skipped.short.append(source.name)
                    continue
                places[number] = found[chosen.half :: 2] if single else found
            if source.name not in skipped.failed and turn < len(places.get(number, ())):
                yield source, places[number][turn]


def _draw(source: FrameSource, number: int, wanted: int, chosen: ClipSelection) -> list[int]:
    count = source.num_frames()
    if count < chosen.frames:
        return []
    if not chosen.random_start:
        return [0]
    return draw_places(count, chosen.frames, wanted, np.random.default_rng([chosen.seed, 1, number]))


def _fail(source: FrameSource, error: AvtoolError, skipped: SkippedVideos, reporter: Reporter) -> None:
    if source.name not in skipped.failed:
        reporter.warn(f"`{source.name}` is skipped: {error}")
        skipped.failed.append(source.name)
