"""Videos of a diffusion model: drawn, or continued, as files, with a sheet beside the nearest real clips."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from avtool.core.artifact import CARD, Artifact, Input, settings_hash
from avtool.core.artifact_folder import discard_partial, open_partial, publish
from avtool.core.errors import BadInputError
from avtool.core.files import write_json, writing
from avtool.core.recipe import Recipe, identity, option
from avtool.core.reporter import Reporter
from avtool.core.runtime import RuntimeRecipe
from avtool.data.frame_cache import cache_videos
from avtool.data.frame_clips import FRAME_SUFFIXES, FrameSource, find_frame_sources, read_last
from avtool.inference.generation.generator import SamplingRecipe, VideoGenerator
from avtool.inference.generation.video_files import VideoFiles
from avtool.media.video_output import VideoFormat, need_fit

SHEET, RECORD = "sheet.png", "samples.json"


class GenerateRecipe(Recipe):
    """Settings of `generate sample` and `generate continue`."""

    seed: int = option(
        0, "Seed of the first video; each one more has the next.", flag="--seed", ge=0, lt=2**62
    )
    fps: float = option(8.0, "Frames per second of the videos.", flag="--fps", ge=0.1, le=240)
    format: VideoFormat = option(
        "mp4", "mp4, gif, or frames: a folder of PNG files a video, without loss.", flag="--format"
    )
    sampling: SamplingRecipe = Field(default_factory=SamplingRecipe)
    runtime: RuntimeRecipe = Field(default_factory=RuntimeRecipe)


@dataclass(frozen=True)
class GenerateResult:
    """What was drawn.

    Attributes:
        out: the artifact.
        videos: names of files or folders in it.
        frames: of each.
        seconds: wall time of drawing and writing; 0 where all was there.
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
    overwrite: bool = False,
    command: str = "generate sample",
) -> GenerateResult:
    """Draws videos; those that an interrupted call with the same settings has finished are kept.

    Args:
        model: a run of `generate train`.
        out: the `predictions` artifact to write.
        count: videos.
        clips: clips of each.
        recipe: how.
        reporter: receives progress.
        prefix: a video whose last clip is continued; its frames are not written again.
        real: real videos, whose nearest clips the sheet shows beside the samples.
        overwrite: draw all videos again.
        command: the command line, for the card.

    Raises:
        BadInputError: the model is none, the prefix is too short, or `out` belongs to something else.
    """
    if out.suffix.lower() in FRAME_SUFFIXES:
        raise BadInputError(f"`{out}` is the name of a film, a folder is written", "choose another --out")
    generator = VideoGenerator.open(model, recipe.runtime, reporter)
    need_fit(recipe.format, generator.size)
    before = None if prefix is None else generator.encode(_last_clip(prefix, generator))
    settings: dict[str, Any] = {
        "command": "generate", "model": generator.content, "count": count, "clips": clips,
        "recipe": identity(recipe), "prefix": _content(prefix), "real": _content(real),
    }  # fmt: skip
    beside = None if real is None else _real_clips(real, generator, reporter)
    inputs = [path for path in (model, prefix, real) if path is not None]
    partial = open_partial(out, settings, kind="predictions", overwrite=overwrite, inputs=inputs)
    seeds, frames = range(recipe.seed, recipe.seed + count), clips * generator.frames
    files = VideoFiles(partial, seeds, clips, recipe.format, recipe.fps)
    if (out / CARD).is_file() and not overwrite:
        discard_partial(partial)
        return GenerateResult(out, files.names, frames, 0.0, 0.0)
    started = time.perf_counter()
    drawn = files.draw(generator, recipe.sampling, reporter, before)
    seconds = time.perf_counter() - started
    with writing(partial / SHEET):
        files.sheet(generator.frames, generator.size, beside).save(partial / SHEET)
    record = {
        "schema_version": 1, "command": command, "model": str(model), "weights_sha256": generator.content,
        "recipe": recipe.model_dump(mode="json"), "frames": frames, "prefix": str(prefix) if prefix else None,
        "videos": [{"file": name, "seed": seed} for name, seed in zip(files.names, seeds, strict=True)],
    }  # fmt: skip
    write_json(partial / RECORD, record)
    used = [Input(str(model), "model", generator.content)]
    unhashed = files.names if recipe.format == "frames" else ()
    publish(out, Artifact("predictions", command, settings, recipe.seed, used), unhashed=unhashed)
    return GenerateResult(out, files.names, frames, seconds, seconds / max(drawn, 1))


def _content(path: Path | None) -> str | None:
    """Videos by content."""
    if path is None:
        return None
    return settings_hash([[source.name, source.content()] for source in find_frame_sources(path)])


def _last_clip(path: Path, generator: VideoGenerator) -> NDArray[np.uint8]:
    source = FrameSource(path.name, path)
    if not path.exists():
        raise BadInputError(f"`{path}` does not exist", "check the path")
    if path.is_dir() and not source.files():
        raise BadInputError(f"`{path}` holds no frames", "give a film, or a folder of frames")
    clip = read_last(source, generator.frames, generator.size)
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
