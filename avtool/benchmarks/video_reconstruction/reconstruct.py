"""PSNR and R-FVD of reconstructed clips, and the report."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from avtool.benchmarks.benchmark import ListedSpec
from avtool.benchmarks.video_reconstruction.baselines import (
    Clip,
    ClipComponents,
    mean_frame,
    shrunk_mean,
    to_pixels,
)
from avtool.benchmarks.video_reconstruction.settings import VideoReconstructionSettings
from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.core.runtime import RuntimeRecipe
from avtool.evaluation.metrics.frechet import FeatureMoments, frechet_distance
from avtool.evaluation.metrics.generation import psnr
from avtool.evaluation.report import BenchmarkReport, Table
from avtool.inference.generation.feature_store import FeatureStore
from avtool.inference.generation.reconstructor import VideoReconstructor
from avtool.inference.generation.video_features import ClipNetwork, open_network
from avtool.tasks.generation.recipe import VideosRecipe
from avtool.tasks.generation.videos import FrameSpan, TrainingVideos

Restore = Callable[[Sequence[Clip]], list[Clip]]
SIDES = ("training", "held out")
MOST = 100.0
"""PSNR in dB that a clip counts with at most: that of equal clips is infinite."""


def score(spec: ListedSpec, settings: VideoReconstructionSettings, reporter: Reporter) -> BenchmarkReport:
    """Reconstructs clips of the training and of what it held out.

    Raises:
        BadInputError: videos, autoencoder or network are absent or unusable.
    """
    data, path = _need(settings.data, "--data"), _need(settings.autoencoder, "--autoencoder")
    autoencoder = VideoReconstructor.open(path, RuntimeRecipe(device=settings.device), reporter)
    network = None
    if settings.weights is not None or settings.encoder is not None:
        network = open_network(settings.weights, settings.encoder, settings.device, reporter)
    videos = TrainingVideos(data, VideosRecipe(val_share=settings.val_share), settings.seed)
    train, held_out, skipped = videos.decode(autoencoder.size, autoencoder.frames, reporter)
    sides = {
        name: _spread(side_by_side(spans, autoencoder.frames), settings.clips)
        for name, spans in zip(SIDES, (train, held_out), strict=True)
        if spans
    }
    methods = {path.name: autoencoder.batches(settings.batch_size)}
    if settings.baselines:
        fitted = _spread(all_clips(train, autoencoder.frames), settings.pca_clips)
        methods |= _baselines(fitted, autoencoder.numbers)
    found = {
        method: {side: _measure(clips, restore(clips), network, settings) for side, clips in sides.items()}
        for method, restore in methods.items()
    }
    return _report(spec, settings, found, sides, autoencoder, network, len(skipped))


def side_by_side(spans: Sequence[FrameSpan], frames: int) -> list[Clip]:
    """All clips of videos that do not overlap; memory-mapped."""
    return [
        span.frames[start : start + frames]
        for span in spans
        for start in range(0, len(span.frames) - frames + 1, frames)
    ]


def all_clips(spans: Sequence[FrameSpan], frames: int) -> list[Clip]:
    """The clips that begin with each frame of videos, as in training; memory-mapped."""
    return [
        span.frames[start : start + frames]
        for span in spans
        for start in range(len(span.frames) - frames + 1)
    ]


def _spread(clips: Sequence[Clip], count: int) -> list[Clip]:
    places = np.linspace(0, len(clips) - 1, min(count, len(clips))).round().astype(int)
    return [clips[place] for place in places]


def _baselines(training: Sequence[Clip], numbers: int) -> dict[str, Restore]:
    components = ClipComponents.of(training, numbers)
    mean = to_pixels(mean_frame(training))
    return {
        f"{components.weights.shape[1]} principal components": components.restore,
        f"own mean frame in {numbers} numbers": lambda clips: [shrunk_mean(clip, numbers) for clip in clips],
        "own mean frame": lambda clips: [shrunk_mean(clip, clip[0].size) for clip in clips],
        "mean frame of the training": lambda clips: [np.broadcast_to(mean, clip.shape) for clip in clips],
    }


def _measure(
    clips: Sequence[Clip],
    restored: Sequence[Clip],
    network: ClipNetwork | None,
    settings: VideoReconstructionSettings,
) -> dict[str, float]:
    pairs = zip(clips, restored, strict=True)
    values = [min(float(psnr(one[None], other[None])[0]), MOST) for one, other in pairs]
    found = {"psnr": float(np.mean(values)), "psnr_deviation": float(np.std(values))}
    if network is not None:
        store = FeatureStore(network)  # real clips are those of every method, and of other checkpoints
        moments = (FeatureMoments.of(store.features(side, settings.batch_size)) for side in (clips, restored))
        found["r_fvd_own" if network.own else "r_fvd"] = frechet_distance(*moments)
    return found


def _report(
    spec: ListedSpec,
    settings: VideoReconstructionSettings,
    found: Mapping[str, Mapping[str, Mapping[str, float]]],
    sides: Mapping[str, Sequence[Clip]],
    autoencoder: VideoReconstructor,
    network: ClipNetwork | None,
    skipped: int,
) -> BenchmarkReport:
    columns, rows = ["method"], []
    for side in sides:
        columns += [f"PSNR, {side}"] + ([f"R-FVD, {side}"] if network else [])
    for method, values in found.items():
        row: list[Any] = [method]
        for side in sides:
            one = values[side]
            row.append(f"{one['psnr']:.2f} ± {one['psnr_deviation']:.2f}")
            row += [round(value, 3) for name, value in one.items() if name.startswith("r_fvd")]
        rows.append(row)
    counts = {side: len(clips) for side, clips in sides.items()}
    protocol = {
        "autoencoder_sha256": autoencoder.content, "frames": autoencoder.frames, "size": autoencoder.size,
        "numbers": autoencoder.numbers, "clips": counts, "network": network.name if network else None,
        "network_sha256": network.content if network else None, "seed": settings.seed,
    }  # fmt: skip
    name, last = next(iter(found)), list(sides)[-1]
    caveats = [f"{skipped} videos are skipped: too short or unreadable"] if skipped else []
    if network and min(counts.values()) < 2048:
        caveats.append(f"R-FVD of {min(counts.values())} clips is no published R-FVD, which is of 2048")
    return BenchmarkReport(
        headline=f"{name}: PSNR {found[name][last]['psnr']:.2f} dB, {last}",
        metrics={"methods": found, "protocol": protocol},
        tables=[Table(spec.title, columns, rows)],
        notes=[
            f"A clip is {autoencoder.frames} frames, {autoencoder.numbers} latent numbers; clips do not "
            "overlap. PSNR is the mean over clips ± their standard deviation.",
        ],
        caveats=caveats,
    )


def _need(path: Path | None, flag: str) -> Path:
    if path is None:
        raise BadInputError(f"{flag} is not given", "give --data VIDEOS --autoencoder RUN")
    return path
