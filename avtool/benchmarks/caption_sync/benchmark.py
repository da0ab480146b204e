"""Synchronisation of captions on generated films, beside ffsubsync."""

from typing import TYPE_CHECKING

from avtool.benchmarks.benchmark import BENCHMARKS, BenchmarkFactSheet, CodeBenchmark
from avtool.core.recipe import Recipe, option
from avtool.core.reporter import Reporter
from avtool.evaluation.report import BenchmarkReport, Table

if TYPE_CHECKING:
    from avtool.benchmarks.caption_sync.evaluate import CaptionSyncResult

_COLUMNS = [
    "distortion",
    "system",
    "bias s",
    "p50 s",
    "p95 s",
    "p99 s",
    "≤ 0.1 s",
    "≤ 0.2 s",
    "≤ 0.5 s",
    "ratio, ppm",
    "false splits",
    "s per film hour",
]


class CaptionSyncSettings(Recipe):
    """`caption-sync`."""

    films: int = option(10, "Generated films; their detectors alternate between good and poor.", ge=1)
    minutes: float = option(60.0, "Length of each film.", ge=5, le=300)
    wrong_films: int = option(100, "Films paired with the captions of another.", ge=0)
    peers: bool = option(True, "Whether to run ffsubsync, where installed, on the same captions.")
    seed: int = option(0, "Seed of the films and distortions.", flag="--seed", ge=0)
    jobs: int = option(2, "Processes.", flag="--jobs", ge=1)


def run(settings: CaptionSyncSettings, reporter: Reporter) -> BenchmarkReport:
    """Synchronises generated films' captions after known distortions."""
    from avtool.benchmarks.caption_sync.evaluate import evaluate_sync
    from avtool.benchmarks.caption_sync.films import CUE_LEAD_S, DETECTOR_LAG_S

    result = evaluate_sync(
        settings.films,
        settings.minutes,
        settings.seed,
        settings.peers,
        settings.wrong_films,
        reporter=reporter,
        jobs=settings.jobs,
    )
    return BenchmarkReport(
        headline=_headline(result),
        metrics=result.to_dict(),
        tables=[_accuracy_table(result), _gate_table(result)],
        notes=[
            "Error: start of a cue against its undistorted start, in seconds; shares of cues in %.",
            f"Bias: on average cues appear {CUE_LEAD_S} s before their words, and detectors find those "
            f"{DETECTOR_LAG_S} s late: cue starts put on onsets of speech show the sum of both.",
            "Films are generated at signal level, without audio, with a good detector in one half of them.",
            "Time does not include speech detection, which is the same for all.",
            *result.notes,
        ],
    )


def _headline(result: "CaptionSyncResult") -> str:
    from avtool.benchmarks.caption_sync.evaluate import OURS

    ours = [row for row in result.accuracy if row.system == OURS and row.detector == "both"]
    worst = min(ours, key=lambda row: row.within_200ms)
    gate = next((row for row in result.gates if row.system == OURS), None)
    refused = (
        f"; {gate.wrong_pairs - gate.false_accepts} of {gate.wrong_pairs} wrong films refused" if gate else ""
    )
    return f"at least {100 * worst.within_200ms:.1f} % of cues within 0.2 s ({worst.distortion}){refused}"


def _accuracy_table(result: "CaptionSyncResult") -> Table:
    rows = [
        [
            row.distortion,
            row.system,
            round(row.bias_s, 3),
            round(row.p50_s, 3),
            round(row.p95_s, 3),
            round(row.p99_s, 3),
            *(round(100 * share, 1) for share in (row.within_100ms, row.within_200ms, row.within_500ms)),
            row.ratio_error_ppm,
            row.false_splits,
            row.seconds_per_film_hour,
        ]
        for row in result.accuracy
        if row.detector == "both"
    ]
    return Table("caption times after synchronisation", _COLUMNS, rows)


def _gate_table(result: "CaptionSyncResult") -> Table:
    columns = ["system", "wrong pairs", "false accepts", "right pairs", "false rejects"]
    rows = [
        [row.system, row.wrong_pairs, row.false_accepts, row.right_pairs, row.false_rejects]
        for row in result.gates
    ]
    return Table("captions of another film", columns, rows)


BENCHMARKS.add(
    "caption-sync",
    CodeBenchmark(
        BenchmarkFactSheet(
            title="caption synchronisation",
            summary="Synchronisation of captions on generated films, beside ffsubsync.",
            data="generated films",
            protocols=("synchronise",),
            metric="share of cues within 0.2 s",
        ),
        CaptionSyncSettings,
        run,
    ),
)
