"""Benchmarks of generated videos: two folders of clips, compared by FVD and IS."""

from functools import partial
from pathlib import Path

from avtool.benchmarks.benchmark import BenchmarkFactSheet, ListedSpec, add_specs
from avtool.benchmarks.video_distance.settings import VideoDistanceSettings
from avtool.core.reporter import Reporter
from avtool.evaluation.report import BenchmarkReport


def run(spec: ListedSpec, settings: VideoDistanceSettings, reporter: Reporter) -> BenchmarkReport:
    """Compares generated videos with real ones.

    Raises:
        BadInputError: a folder, a network or clips are absent, unusable, or too few.
        MissingError: the device is not there.
    """
    from avtool.benchmarks.video_distance.compare import compare

    return compare(spec, settings, reporter)


add_specs(
    Path(__file__).parent,
    ListedSpec,
    VideoDistanceSettings,
    run,
    partial(BenchmarkFactSheet.of, data="two folders of videos", protocols=("generated",), metric="FVD16"),
)
