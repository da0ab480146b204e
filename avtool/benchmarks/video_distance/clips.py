"""Choice of the clips of a folder that are compared, and baselines made of other real clips."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avtool.benchmarks.video_distance.places import Places, draw_places, even_places
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
        per_video: clips of each video.
        places: random ones that do not overlap, or evenly spaced ones.
        per_block: of evenly spaced clips, how many a block has.
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
    places: Places = Places.RANDOM
    per_block: int = 1
    half: int | None = None
    baseline: ClipBaseline = ClipBaseline.REAL
    noise: float = 0.0

    @property
    def is_even(self) -> bool:
        """Whether clips are evenly spaced."""
        return self.random_start and self.places is Places.EVEN

    @property
    def split_name(self) -> str:
        """How the clips of both sides are drawn, in two words."""
        place = self.places.value if self.random_start else "first"
        return f"{place} {'clips' if self.half is None else 'halves'}"

    @property
    def rule(self) -> str:
        """How a clip is chosen, in words."""
        place = "a random place" if self.random_start else "the start"
        if self.is_even:
            several = f", {self.per_block} a block" if self.per_block > 1 else ""
            place = f"evenly spaced places (offset {self.offset(0):.3f}{several})"
        elif self.per_video > 1:
            place = f"{self.per_video} random places without overlap"
        half = "" if self.half is None else f", half {self.half + 1} of 2"
        made = {
            ClipBaseline.REAL: "",
            ClipBaseline.FROZEN: ", all frames replaced by the first",
            ClipBaseline.SHUFFLED: ", frames shuffled",
            ClipBaseline.NOISE: f", Gaussian noise of {self.noise:g} of the range",
        }[self.baseline]
        return f"{self.frames} consecutive frames from {place} of each video{half}{made}"

    @property
    def content(self) -> list[object]:
        """What is made of a video's frames: with them it names the clip at a place."""
        return [self.frames, self.size, self.baseline.value, self.noise]

    def offset(self, number: int) -> float:
        """Where evenly spaced clips begin, of the room that they have; a function of the seed.

        Args:
            number: of the video in the order of the seed.
        """
        return float(np.random.default_rng([self.seed, 1, number]).random())

    def sources(self) -> list[FrameSource]:
        """The videos, in the order of the seed."""
        found = find_frame_sources(self.path, split=self.split)
        order = np.random.default_rng([self.seed, 0]).permutation(len(found))
        return [found[int(number)] for number in order]

    def distort(self, clip: Clip) -> Clip:
        """The baseline of a real clip, whose content alone seeds what is drawn."""
        if self.baseline is ClipBaseline.FROZEN:
            return np.repeat(clip[:1], len(clip), axis=0)
        rng = np.random.default_rng(list(hashlib.sha256(clip.tobytes()).digest()))
        if self.baseline is ClipBaseline.SHUFFLED:
            return clip[rng.permutation(len(clip))]
        if self.baseline is ClipBaseline.NOISE:
            noisy = clip + 255 * self.noise * rng.standard_normal(clip.shape)
            return noisy.round().clip(0, 255).astype(np.uint8)
        return clip


@dataclass
class SkippedVideos:
    """Names of videos with too few frames, and of those that cannot be read."""

    short: list[str]
    failed: list[str]


def read_chosen(
    source: FrameSource, first: int, chosen: ClipSelection, skipped: SkippedVideos, reporter: Reporter
) -> Clip | None:
    """The clip of a place, or its baseline; None where it cannot be read, which `skipped` notes."""
    try:
        clip = read_clip_at(source, first, chosen.frames, (chosen.size, chosen.size))
    except AvtoolError as error:
        _fail(source, error, skipped, reporter)
        return None
    if clip is None:
        if source.name not in skipped.short:
            skipped.short.append(source.name)
        return None
    return chosen.distort(clip)


def iter_places(
    sources: Sequence[FrameSource], chosen: ClipSelection, skipped: SkippedVideos, reporter: Reporter
) -> Iterator[tuple[FrameSource, int]]:
    """Videos and first frames of clips, one of each video, then the next of each; more than are wanted."""
    single = chosen.half is not None and len(sources) == 1
    numbered = list(enumerate(sources))
    if chosen.half is not None and not single:
        numbered = numbered[chosen.half :: 2]
    places: dict[int, list[int]] = {}
    for turn in range(chosen.per_video):
        for number, source in numbered:
            if turn == 0:
                try:
                    found = _draw(source, number, chosen, single=single)
                except AvtoolError as error:
                    _fail(source, error, skipped, reporter)
                    continue
                if not found:
                    skipped.short.append(source.name)
                    continue
                places[number] = found
            if source.name not in skipped.failed and turn < len(places.get(number, ())):
                yield source, places[number][turn]


def _draw(source: FrameSource, number: int, chosen: ClipSelection, *, single: bool) -> list[int]:
    """First frames of a video's clips, of a single video those of a half."""
    count, half = source.num_frames(), chosen.half if single else None
    if count < chosen.frames * (2 if single else 1):
        return []
    if not chosen.random_start:
        return [0]
    if chosen.is_even:
        offset = chosen.offset(number)
        return even_places(
            count, chosen.frames, chosen.per_video, offset, per_block=chosen.per_block, half=half
        )
    rng = np.random.default_rng([chosen.seed, 1, number])
    wanted = chosen.per_video * (1 if half is None else 2)
    return draw_places(count, chosen.frames, wanted, rng)[half :: 1 if half is None else 2]


def _fail(source: FrameSource, error: AvtoolError, skipped: SkippedVideos, reporter: Reporter) -> None:
    if source.name not in skipped.failed:
        reporter.warn(f"`{source.name}` is skipped: {error}")
        skipped.failed.append(source.name)
