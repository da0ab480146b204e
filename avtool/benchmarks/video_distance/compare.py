"""FVD and IS of two folders of videos, and their report."""

from dataclasses import replace
from typing import Any

from avtool.benchmarks.benchmark import ListedSpec
from avtool.benchmarks.video_distance.clips import ClipSelection
from avtool.benchmarks.video_distance.features import ClipFeatures, clip_features
from avtool.benchmarks.video_distance.places import Places
from avtool.benchmarks.video_distance.settings import ClipBaseline, VideoDistanceSettings
from avtool.benchmarks.video_distance.subsets import (
    as_metrics,
    distance_terms,
    extrapolated_distance,
    spread_table,
    subset_distances,
)
from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.data.frame_clips import find_frame_sources, scaled_up
from avtool.evaluation.metrics.frechet import FeatureMoments, energy_distance, frechet_distance
from avtool.evaluation.metrics.generation import inception_score
from avtool.evaluation.published import PublishedResult, comparison
from avtool.evaluation.report import BenchmarkReport, Table
from avtool.inference.generation.feature_store import FeatureStore
from avtool.inference.generation.video_features import (
    ClipNetwork,
    ScriptedNetwork,
    is_torchscript,
    open_network,
)

PUBLISHED_CLIPS = 2048
"""Of each side in published results."""
PUBLISHED_SIZE = 256
"""Side of the frames of published results, in pixels."""
_IS_SPLITS = 10


def compare(spec: ListedSpec, settings: VideoDistanceSettings, reporter: Reporter) -> BenchmarkReport:
    """Compares generated videos with real ones.

    Raises:
        BadInputError: a folder, a network or clips are absent, unusable, or too few.
    """
    network = open_network(settings.weights, settings.encoder, settings.device, reporter)
    real, generated = _selections(settings)
    store = FeatureStore(network)
    sides: dict[str, ClipFeatures] = {}
    caveats: list[str] = []
    for name, chosen in (("real", real), ("generated", generated)):
        sides[name] = clip_features(chosen, store, settings.batch_size, reporter)
        caveats += _caveats(name, sides[name], settings)
    caveats += _size_caveats(real, generated)
    moments = [FeatureMoments.of(side.values) for side in sides.values()]
    kind = "fvd_own" if network.own else "fvd"
    counts = [len(side.values) for side in sides.values()]
    rule = f"{counts[0]} real, {counts[1]} generated; {real.split_name}"
    label = f"{kind}{settings.frames} ({network.name}; {rule})"
    value = frechet_distance(*moments)
    spread: list[Table] = []
    metrics: dict[str, Any] = {
        kind: value,
        "terms": distance_terms(*moments),
        "energy_distance": energy_distance(sides["real"].values, sides["generated"].values),
        "name": label,
        "protocol": _protocol(settings, network, real, generated, sides),
    }
    column = f"{kind.upper() if kind == 'fvd' else kind}{settings.frames}"
    if settings.draws:
        values = sides["real"].values, sides["generated"].values
        found = subset_distances(*values, settings.draws, settings.seed, even=generated.is_even)
        metrics |= as_metrics(found, column)
        metrics["extrapolated"] = extrapolated_distance(*values, settings.seed)
        spread.append(spread_table(found))
    ours = {column: value} | _inception(settings, generated, metrics, reporter)
    published = _comparable(spec, settings, network, counts)
    name = settings.name or (settings.generated.name if settings.generated else f"{settings.baseline} clips")
    return BenchmarkReport(
        headline=f"{label}: {value:.4g}",
        metrics=metrics,
        tables=[
            comparison(spec.title, published, [(name, "", ours)]),
            Table("Clips", ["side", "videos", "clips", "too short", "unreadable"], _counts(sides)),
            *spread,
        ],
        notes=_notes(real, generated, settings, metrics),
        caveats=caveats,
    )


def _selections(settings: VideoDistanceSettings) -> tuple[ClipSelection, ClipSelection]:
    if settings.data is None or (settings.generated is None and settings.baseline is None):
        flag = "--data" if settings.data is None else "--generated"
        raise BadInputError(f"{flag} is not given", "give --data REAL --generated FOLDER, or a --baseline")
    shared = {name: getattr(settings, name) for name in ("frames", "clips", "size", "seed")}
    real = ClipSelection(settings.data, random_start=True, split=settings.split, **shared)
    if settings.generated is not None:
        real = _placed(replace(real, half=0) if settings.halved else real, settings)
        return real, ClipSelection(settings.generated, random_start=False, **shared)
    real = _placed(replace(real, half=0), settings)
    made = settings.baseline or ClipBaseline.REAL
    noise = settings.noise if made is ClipBaseline.NOISE else 0.0
    return real, replace(real, half=1, baseline=made, noise=noise)


def _placed(real: ClipSelection, settings: VideoDistanceSettings) -> ClipSelection:
    """Real clips with their number in each video, and where they are."""
    sources = find_frame_sources(real.path, split=real.split)
    single = real.half is not None and len(sources) == 1
    return replace(
        real,
        per_video=settings.clips_per_video or (real.clips if single else 1),
        places=settings.places or (Places.EVEN if single else Places.RANDOM),
        per_block=settings.clips_per_block,
    )


def _caveats(name: str, side: ClipFeatures, settings: VideoDistanceSettings) -> list[str]:
    caveats = []
    count, width = side.values.shape
    if count < 2:
        raise BadInputError(f"only {count} {name} clip has {settings.frames} frames", "give more videos")
    if count <= width:
        message = f"{count} {name} clips for {width} features: full rank needs {width + 1}"
        if not settings.force:
            raise BadInputError(message, "give more videos, or --force for a biased distance")
        caveats.append(f"{message}; the distance is biased upwards")
    elif count < PUBLISHED_CLIPS:
        caveats.append(f"{count} {name} clips: published distances are of {PUBLISHED_CLIPS}")
    if side.short:
        caveats.append(f"{len(side.short)} {name} videos have fewer than {settings.frames} frames")
    return caveats


def _size_caveats(*sides: ClipSelection) -> list[str]:
    """What the size of frames does to the distance, each thing once."""
    size, caveats = sides[0].size, []
    if size != PUBLISHED_SIZE:
        caveats.append(f"frames of {size} x {size} pixels: published distances are of {PUBLISHED_SIZE}")
    for name, side in zip(("real", "generated"), sides, strict=True):
        if small := scaled_up(side.sources(), (size, size)):
            caveats.append(f"{name} {small}")
    return caveats


def _protocol(
    settings: VideoDistanceSettings,
    network: ClipNetwork,
    real: ClipSelection,
    generated: ClipSelection,
    sides: dict[str, ClipFeatures],
) -> dict[str, Any]:
    return {
        "network": network.name,
        "network_sha256": network.content,
        "features": sides["real"].values.shape[1],
        "frames": settings.frames,
        "size": settings.size,
        "resize": "centre square, bilinear without antialiasing",
        "real_clips": len(sides["real"].values),
        "real_rule": real.rule,
        "real_split": settings.split or "all",
        "drawn": real.split_name,
        "clips_per_block": real.per_block if real.is_even else None,
        "generated_clips": len(sides["generated"].values),
        "generated_rule": generated.rule,
        "seed": settings.seed,
        "covariance": "unbiased, float64, eigenvalues",
    }


def _inception(
    settings: VideoDistanceSettings, generated: ClipSelection, metrics: dict[str, Any], reporter: Reporter
) -> dict[str, float]:
    """The inception score of the generated clips, where its network is given."""
    if settings.is_weights is None:
        return {}
    if not is_torchscript(settings.is_weights):
        message = f"`{settings.is_weights}` is no TorchScript file"
        raise BadInputError(message, "give the C3D of UCF-101 as TorchScript")
    network = ScriptedNetwork(settings.is_weights, "C3D", settings.device, reporter)
    logits = clip_features(generated, FeatureStore(network), settings.batch_size, reporter).values
    mean, deviation = inception_score(logits, min(_IS_SPLITS, len(logits)))
    metrics["is"] = {"mean": mean, "deviation": deviation, "network": network.name, "clips": len(logits)}
    return {"IS": mean}


def _comparable(
    spec: ListedSpec, settings: VideoDistanceSettings, network: ClipNetwork, counts: list[int]
) -> tuple[PublishedResult, ...]:
    """Published rows, where the network and the number of clips are theirs."""
    column = f"FVD{settings.frames}"
    rows = tuple(row for table in spec.published.values() for row in table if column in row.metrics)
    return rows if not network.own and min(counts) >= PUBLISHED_CLIPS else ()


def _counts(sides: dict[str, ClipFeatures]) -> list[list[Any]]:
    return [
        [name, side.videos, len(side.values), len(side.short), len(side.failed)]
        for name, side in sides.items()
    ]


def _notes(
    real: ClipSelection, generated: ClipSelection, settings: VideoDistanceSettings, metrics: dict[str, Any]
) -> list[str]:
    notes = [
        f"Real: {real.rule}. Generated: {generated.rule}. Frames are cut to their centre square and scaled "
        f"to {settings.size} pixels.",
        "Distances are comparable where network, split, clips, rule and size are the same: set-ups are some "
        "20 % apart. Published rows appear beside 2048 clips or more of each side.",
    ]
    if "extrapolated" in metrics:
        notes.append(
            f"A line in 1 / N through subsets from half of the clips on gives {metrics['extrapolated']:.1f} "
            "for infinitely many; it holds where clips are many times as many as features."
        )
    return notes
