"""Videos of a generator as files of a folder, batch by batch, and the sheet that shows some of them."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from avtool.core.errors import AvtoolError
from avtool.core.reporter import Reporter
from avtool.data.frame_clips import FrameSource, iter_source, read_clip_at
from avtool.inference.generation.generator import SamplingRecipe, VideoGenerator
from avtool.inference.generation.sheet import nearest_clips, sample_sheet
from avtool.media.video_output import VideoFormat, output_path, video_output

if TYPE_CHECKING:
    from torch import Tensor

_SHOWN = 8
_END_OF_GIF = b";"
Clip = NDArray[np.uint8]
"""(S, height, width, 3) RGB."""


@dataclass(frozen=True)
class VideoFiles:
    """Videos of seeds in a folder. Whole ones are kept: a batch that lacks one is drawn again.

    Attributes:
        folder: it holds a file or a folder of frames for each seed.
        seeds: one a video.
        clips: of each video.
        kind: the form of the files.
        fps: frames per second.
    """

    folder: Path
    seeds: Sequence[int]
    clips: int
    kind: VideoFormat
    fps: float

    @property
    def names(self) -> list[str]:
        """The names of the files, or of the folders of frames."""
        return [self._path(seed).name for seed in self.seeds]

    def draw(
        self,
        generator: VideoGenerator,
        sampling: SamplingRecipe,
        reporter: Reporter,
        before: "Tensor | None" = None,
    ) -> int:
        """Draws the videos that are missing; memory grows neither with their number nor with their length.

        Args:
            generator: draws them.
            sampling: how.
            reporter: receives progress and, on a CPU, an estimate of the time.
            before: latents of a clip that is continued.

        Returns:
            The clips that were drawn.
        """
        size, frames = sampling.batch_size, self.clips * generator.frames
        batches = [self.seeds[first : first + size] for first in range(0, len(self.seeds), size)]
        batches = [batch for batch in batches if not all(self._is_whole(seed, frames) for seed in batch)]
        count = sum(map(len, batches))
        if not count:
            return 0
        if count < len(self.seeds):
            reporter.info(f"{len(self.seeds) - count} of {len(self.seeds)} videos are there already")
        if generator.device.type == "cpu":
            seconds = generator.estimate(count, self.clips, sampling, continues=before is not None)
            each = seconds / (self.clips * count)
            reporter.info(f"about {seconds:.0f} s on this processor: {each:.2g} s a clip, by one step")
        steps = generator.steps(self.clips, sampling, continues=before is not None)
        begun, done = time.perf_counter(), 0
        with reporter.progress("steps", steps * count) as bar:
            for batch in batches:
                advance = partial(bar.advance, len(batch))
                clips = generator.clips(batch, self.clips, sampling, before=before, advance=advance)
                for _ in self._write(batch, generator.size, clips):
                    done += len(batch)
                    bar.advance(0, f"{(time.perf_counter() - begun) / done:.2f} s a clip")
        return done

    def _write(self, batch: Sequence[int], size: tuple[int, int], clips: Iterable[Clip]) -> Iterator[None]:
        """Writes the clips of a batch as they come."""
        with ExitStack() as files:
            outputs = [
                files.enter_context(video_output(self.folder / _stem(seed), self.kind, self.fps, size))
                for seed in batch
            ]
            for videos in clips:
                for output, frames in zip(outputs, videos, strict=True):
                    output.add(frames)
                yield

    def sheet(self, frames: int, size: tuple[int, int], real: Iterable[Clip] | None) -> Image.Image:
        """The first clips of some videos as the files have them, and below each the nearest real one.

        Args:
            frames: of a clip.
            size: (height, width) of a frame.
            real: real clips of this shape, or None.
        """
        paths = [self._path(seed) for seed in self.seeds[:_SHOWN]]
        firsts = [read_clip_at(FrameSource(path.name, path), 0, frames, size) for path in paths]
        shown = [clip for clip in firsts if clip is not None]
        return sample_sheet(shown, nearest_clips(shown, real) if real is not None else None)

    def _is_whole(self, seed: int, frames: int) -> bool:
        """Whether a video is there with all its frames: a power failure may empty or cut a file.

        A GIF merges equal frames: what counts is its last byte.
        """
        path = self._path(seed)
        if not path.exists():
            return False
        if self.kind == "gif":
            with path.open("rb") as stream:
                stream.seek(max(path.stat().st_size - 1, 0))
                return stream.read() == _END_OF_GIF
        try:
            return sum(1 for _ in iter_source(FrameSource(path.name, path))) == frames
        except AvtoolError:
            return False

    def _path(self, seed: int) -> Path:
        return output_path(self.folder / _stem(seed), self.kind)


def _stem(seed: int) -> str:
    return f"sample-{seed:05d}"
