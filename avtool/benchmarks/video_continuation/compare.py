"""Continuations against the clips that truly follow, and what is no continuation beside them."""

from collections.abc import Mapping, Sequence
from itertools import chain
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avtool.benchmarks.benchmark import ListedSpec
from avtool.benchmarks.video_continuation.settings import VideoContinuationSettings
from avtool.core.arrays import Floats
from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.evaluation.metrics.generation import psnr
from avtool.evaluation.report import BenchmarkReport, Table
from avtool.inference.generation.generator import VideoGenerator
from avtool.inference.generation.video_features import ClipNetwork, open_own
from avtool.tasks.generation.recipe import VideosRecipe
from avtool.tasks.generation.videos import FrameSpan, TrainingVideos

Clip = NDArray[np.uint8]
OWN, OTHER, REAL = "its continuation", "continuation of another clip", "real clip of another video"
FROZEN, CODED = "its last frame, repeated", "the true clip, encoded and decoded"


def score(spec: ListedSpec, settings: VideoContinuationSettings, reporter: Reporter) -> BenchmarkReport:
    """Continues held-out clips.

    Raises:
        BadInputError: nothing is held out, or videos, model or encoder are absent or unusable.
    """
    if settings.data is None or settings.model is None:
        flag = "--data" if settings.data is None else "--model"
        raise BadInputError(f"{flag} is not given", "give --data VIDEOS --model RUN")
    generator = VideoGenerator.open(settings.model, settings.runtime, reporter)
    encoder = None
    if settings.encoder is not None:
        encoder = open_own(settings.encoder, settings.runtime.device, reporter)
    videos = TrainingVideos(settings.data, VideosRecipe(val_share=settings.val_share), settings.split_seed)
    _, held_out, _ = videos.decode(generator.size, generator.frames, reporter)
    before, after, names = _pairs(held_out, generator.frames, settings.clips)
    continued = _continue(generator, before, settings, reporter)
    shift = _shift(names)
    candidates = {
        OWN: continued,
        OTHER: [continued[(number + shift) % len(after)] for number in range(len(after))],
        REAL: [after[(number + shift) % len(after)] for number in range(len(after))],
        FROZEN: [np.repeat(clip[-1:], len(clip), axis=0) for clip in before],
        CODED: list(chain(*(generator.decode(generator.encode(clip)) for clip in after))),
    }
    found = {name: _measure(clips, after, encoder) for name, clips in candidates.items()}
    return _report(spec, settings, found, generator, encoder)


def _pairs(spans: Sequence[FrameSpan], frames: int, count: int) -> tuple[list[Clip], list[Clip], list[str]]:
    """Clips, those that follow them, and their videos' names."""
    places = [
        (span, start) for span in spans for start in range(0, len(span.frames) - 2 * frames + 1, 2 * frames)
    ]
    if len(places) < 2:
        message = f"{len(places)} held-out clips of {frames} frames are followed by another one"
        raise BadInputError(message, "give --data with longer videos, or hold out more of them")
    chosen = np.linspace(0, len(places) - 1, min(count, len(places))).round().astype(int)
    before, after, names = [], [], []
    for number in chosen:
        span, start = places[number]
        before.append(np.array(span.frames[start : start + frames]))
        after.append(np.array(span.frames[start + frames : start + 2 * frames]))
        names.append(span.name)
    return before, after, names


def _shift(names: Sequence[str]) -> int:
    """How far clips are rotated so that the fewest are beside one of their own video: near half of them."""
    counts = range(1, len(names))
    return min(counts, key=lambda shift: (_shared(names, shift), abs(shift - len(names) // 2)))


def _shared(names: Sequence[str], shift: int) -> int:
    return sum(name == names[(number + shift) % len(names)] for number, name in enumerate(names))


def _continue(
    generator: VideoGenerator,
    before: Sequence[Clip],
    settings: VideoContinuationSettings,
    reporter: Reporter,
) -> list[Clip]:
    """One continuation of each clip, by seeds that follow each other."""
    import torch

    found: list[Clip] = []
    size = settings.sampling.batch_size
    steps = generator.steps(1, settings.sampling, continues=True)
    with reporter.progress("steps", steps * len(before)) as bar:
        for first in range(0, len(before), size):
            batch = before[first : first + size]
            latents = torch.cat([generator.encode(clip) for clip in batch])
            seeds = [settings.seed + first + number for number in range(len(batch))]

            def advance(count: int = len(batch)) -> None:
                bar.advance(count)

            made = generator.clips(seeds, 1, settings.sampling, before=latents, advance=advance)
            found += [clip for clips in made for clip in clips]
    return found


def _measure(
    clips: Sequence[Clip], truth: Sequence[Clip], encoder: ClipNetwork | None
) -> dict[str, list[float]]:
    """PSNR in dB of each clip, and the distance of its features."""
    pairs = list(zip(clips, truth, strict=True))
    found = {"psnr": [float(psnr(one[None], other[None])[0]) for one, other in pairs]}
    if encoder is not None:
        features: list[Floats] = [np.asarray(encoder(side), np.float64) for side in (clips, truth)]
        found["feature_distance"] = np.linalg.norm(features[0] - features[1], axis=1).tolist()
    return found


def _report(
    spec: ListedSpec,
    settings: VideoContinuationSettings,
    found: Mapping[str, Mapping[str, list[float]]],
    generator: VideoGenerator,
    encoder: ClipNetwork | None,
) -> BenchmarkReport:
    columns = ["clip", "PSNR", "its continuation is nearer"]
    columns += ["feature distance", "its continuation is nearer by features"] if encoder else []
    rows, metrics = [], {}
    for name, values in found.items():
        row: list[Any] = [name]
        metrics[name] = {key: _spread(one) for key, one in values.items()}
        for key, sign, digits in (("psnr", 1, 2), ("feature_distance", -1, 3)):
            if key not in values:
                continue
            mean, error = metrics[name][key].values()
            gains = sign * (np.array(found[OWN][key]) - np.array(values[key]))
            share = float((gains > 0).mean())
            row += [f"{mean:.{digits}f} ± {error:.{digits}f}"]
            row += ["" if name == OWN else f"{100 * share:.0f} %"]
            if name != OWN:
                metrics[name][f"{key}_own_nearer"] = {"share": share, **_named(_spread(gains.tolist()))}
        rows.append(row)
    count = len(found[OWN]["psnr"])
    protocol = {
        "weights_sha256": generator.content, "clips": count, "frames": generator.frames,
        "size": generator.size, "seed": settings.seed, "sampling": settings.sampling.model_dump(mode="json"),
        "encoder_sha256": encoder.content if encoder else None,
    }  # fmt: skip
    own, other = (metrics[name]["psnr"]["mean"] for name in (OWN, REAL))
    return BenchmarkReport(
        headline=f"PSNR {own:.2f} dB of continuations, {other:.2f} dB of other real clips",
        metrics={"clips": metrics, "protocol": protocol},
        tables=[Table(spec.title, columns, rows)],
        notes=[
            f"{count} held-out clips of {generator.frames} frames, each with the clip that follows; one "
            "continuation each. Means ± their standard errors. Shares: of clips whose continuation is nearer "
            "to the true next clip than this one is.",
        ],
    )


def _spread(values: Sequence[float]) -> dict[str, float]:
    """Mean, and its standard error."""
    finite = np.minimum(values, 100.0)  # PSNR of equal clips is infinite
    return {"mean": float(finite.mean()), "error": float(finite.std(ddof=1) / sqrt(len(finite)))}


def _named(spread: Mapping[str, float]) -> dict[str, float]:
    return {"gain": spread["mean"], "gain_error": spread["error"]}
