"""Videos of a diffusion model: drawn, or continued, as files, with a sheet beside the nearest real clips."""

import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from avtool.core.artifact_folder import partial_folder
from avtool.core.errors import BadInputError
from avtool.core.files import replace_folder, write_json, writing
from avtool.core.recipe import Recipe, option
from avtool.core.reporter import Reporter
from avtool.core.runtime import RuntimeRecipe
from avtool.data.frame_cache import cache_videos
from avtool.data.frame_clips import FrameSource, find_frame_sources, read_last
from avtool.inference.generation.generator import SamplingRecipe, VideoGenerator
from avtool.inference.generation.sheet import nearest_clips, sample_sheet
from avtool.media.video_output import VideoFormat, output_path, video_output

if TYPE_CHECKING:
    from torch import Tensor

SHEET, RECORD = "sheet.png", "samples.json"
_SHOWN = 8


class GenerateRecipe(Recipe):
    """Settings of `generate sample` and `generate continue`."""

    seed: int = option(0, "Seed of the first video; each one more has the next.", flag="--seed", ge=0)
    fps: float = option(8.0, "Frames per second of the videos.", flag="--fps", gt=0, le=240)
    format: VideoFormat = option(
        "mp4", "mp4, gif, or frames: a folder of PNG files a video, without loss.", flag="--format"
    )
    sampling: SamplingRecipe = Field(default_factory=SamplingRecipe)
    runtime: RuntimeRecipe = Field(default_factory=RuntimeRecipe)


@dataclass(frozen=True)
class GenerateResult:
    """What was drawn.

    Attributes:
        out: the folder.
        videos: names of files or folders in it.
        frames: of each.
        seconds: wall time of drawing and writing.
        seconds_per_clip: of it, for a clip of one video.
    """

    out: Path
    videos: list[str]
    frames: int
    seconds: float
    seconds_per_clip: float


def generate(
    model: Path,
    out: Path,
    count: int,
    clips: int,
    recipe: GenerateRecipe,
    reporter: Reporter,
    *,
    prefix: Path | None = None,
    real: Path | None = None,
    command: str = "",
) -> GenerateResult:
    """Draws videos into a new folder, which appears when it is whole.

    Args:
        model: a run of `generate train`.
        out: the folder.
        count: videos.
        clips: clips of each.
        recipe: how.
        reporter: receives progress.
        prefix: a video whose last clip is continued; its frames are not written again.
        real: real videos, whose nearest clips the sheet shows beside the samples.
        command: the command line, for the record.

    Raises:
        BadInputError: the model is none, the prefix is too short, or the folder is there.
    """
    if out.exists():
        raise BadInputError(f"`{out}` exists", "choose another --out")
    generator = VideoGenerator.open(model, recipe.runtime, reporter)
    before = None if prefix is None else generator.encode(_last_clip(prefix, generator))
    real_clips = None if real is None else _real_clips(real, generator, reporter)
    partial = partial_folder(out)
    with writing(partial):
        partial.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    seeds = [recipe.seed + number for number in range(count)]
    try:
        firsts = _draw(generator, partial, seeds, clips, recipe, reporter, before)
        seconds = time.perf_counter() - started
        sheet = sample_sheet(firsts, nearest_clips(firsts, real_clips) if real_clips else None)
        with writing(partial / SHEET):
            sheet.save(partial / SHEET)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    names = [output_path(out / _name(seed), recipe.format).name for seed in seeds]
    videos = [{"file": name, "seed": seed} for name, seed in zip(names, seeds, strict=True)]
    record = {
        "schema_version": 1, "command": command, "model": str(model), "weights_sha256": generator.content,
        "recipe": recipe.model_dump(mode="json"), "frames": clips * generator.frames,
        "prefix": str(prefix) if prefix else None, "videos": videos,
    }  # fmt: skip
    write_json(partial / RECORD, record)
    replace_folder(partial, out)
    return GenerateResult(out, names, clips * generator.frames, seconds, seconds / (clips * count))


def _draw(
    generator: VideoGenerator,
    folder: Path,
    seeds: list[int],
    clips: int,
    recipe: GenerateRecipe,
    reporter: Reporter,
    before: "Tensor | None",
) -> list[NDArray[np.uint8]]:
    """Writes the videos; the first clips of some of them."""
    sampling = recipe.sampling
    firsts: list[NDArray[np.uint8]] = []
    total = generator.steps(clips, sampling, continues=before is not None) * len(seeds)
    if generator.device.type == "cpu":
        seconds = generator.estimate(len(seeds), clips, sampling, continues=before is not None)
        each = seconds / (clips * len(seeds))
        reporter.info(f"about {seconds:.0f} s on this processor: {each:.2g} s a clip, by one step")
    begun, done = time.perf_counter(), 0
    with reporter.progress("steps", total) as bar:
        for first in range(0, len(seeds), sampling.batch_size):
            batch = seeds[first : first + sampling.batch_size]

            def advance(size: int = len(batch)) -> None:
                bar.advance(size)

            found = generator.clips(batch, clips, sampling, before=before, advance=advance)
            with ExitStack() as files:
                outputs = [
                    files.enter_context(
                        video_output(folder / _name(seed), recipe.format, recipe.fps, generator.size)
                    )
                    for seed in batch
                ]
                for number, videos in enumerate(found):
                    if number == 0:
                        firsts += list(videos[: _SHOWN - len(firsts)])
                    for output, frames in zip(outputs, videos, strict=True):
                        output.add(frames)
                    done += len(batch)
                    bar.advance(0, f"{(time.perf_counter() - begun) / done:.2f} s a clip")
    return firsts


def _name(seed: int) -> str:
    return f"sample-{seed:05d}"


def _last_clip(path: Path, generator: VideoGenerator) -> NDArray[np.uint8]:
    if not path.exists():
        raise BadInputError(f"`{path}` does not exist", "check the path")
    clip = read_last(FrameSource(path.name, path), generator.frames, generator.size)
    if clip is None:
        message = f"`{path}` has fewer than the {generator.frames} frames that are continued"
        raise BadInputError(message, "give a longer video")
    return clip


def _real_clips(path: Path, generator: VideoGenerator, reporter: Reporter) -> Iterator[NDArray[np.uint8]]:
    """Clips of real videos, each half a clip after the one before."""
    length = generator.frames
    videos, _ = cache_videos(find_frame_sources(path), generator.size, length, reporter)
    return (
        video.frames[start : start + length]
        for video in videos
        for start in range(0, len(video.frames) - length + 1, max(length // 2, 1))
    )
